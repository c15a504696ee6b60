"""Turn the rows of a table into a data set: shared by parquet files and Hugging Face data sets."""

from __future__ import annotations

import io
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from scalesearch.errors import InputError, printable
from scalesearch.proxy.cache import SplitArrays
from scalesearch.proxy.decoding import EncodedImage, ImageForm
from scalesearch.proxy.pictures import read_pictures
from scalesearch.proxy.progress import ProgressCallback, no_progress
from scalesearch.proxy.splits import assign_splits

IMAGE_COLUMNS = ("image", "img", "jpg", "png")
LABEL_COLUMNS = ("label", "labels", "fine_label", "class")


@dataclass(frozen=True, slots=True)
class Row:
    """Describes one row of a table whose label is not a class index yet."""

    name: str
    label: Any
    """A name or a whole number; anything else is refused."""
    split: str | None
    open: Callable[[], BinaryIO]
    """Opens the encoded bytes; raises `OSError` with a reason where there are none."""


def encoded_bytes(value: Any) -> bytes | None:
    """Return the encoded bytes in a cell: bytes themselves, or Hugging Face's struct with a field `bytes`."""
    content = value.get("bytes") if isinstance(value, dict) else value
    return content if isinstance(content, bytes) else None


def opener(content: bytes | None) -> Callable[[], BinaryIO]:
    """Return a function that opens the bytes of an image."""
    return partial(_open, content)


def _open(content: bytes | None) -> BinaryIO:
    if content is None:
        raise OSError("holds no bytes of an image")
    return io.BytesIO(content)


def open_file(path: Path) -> BinaryIO:
    """Open a regular file; raise `OSError` for anything else."""
    if not path.is_file():  # a socket or a pipe would wait for ever
        raise OSError("not a file")
    return path.open("rb")


def read_rows(
    rows: Sequence[Row],
    names: Sequence[str] | None,
    source: str,
    form: ImageForm,
    on_progress: ProgressCallback = no_progress,
) -> SplitArrays:
    """Decode rows whose labels are names, or numbers of `names` where there are any.

    `splits` describes how the rows' splits are used.

    Raises:
        InputError: a label is invalid, there are fewer than two classes, a class is in one split only, or an image
            cannot be used.
    """
    assignment = assign_splits(Counter(row.split for row in rows), source)
    used_rows = [replace(row, split=assignment.used[row.split]) for row in rows if row.split in assignment.used]
    labels = _ordered_labels(used_rows, names, source)
    label_index = {label: index for index, label in enumerate(labels)}
    for split in sorted({row.split for row in used_rows}, key=str):
        missing = set(labels) - {row.label for row in used_rows if row.split == split}
        if missing:
            unmatched = printable(str(min(missing, key=str)))
            raise InputError(f"{source}: class '{unmatched}' is in only one of train and val: add or remove it")
    encoded_images = [EncodedImage(row.name, label_index[row.label], row.split, row.open) for row in used_rows]
    classes = [_class_name(label, names) for label in labels]
    arrays = read_pictures(encoded_images, classes, source, form, on_progress)
    return replace(arrays, notes=(*assignment.notes, *arrays.notes))


def _ordered_labels(rows: Sequence[Row], names: Sequence[str] | None, source: str) -> list[Any]:
    """Return the distinct labels in the order of their classes."""
    for row in rows:
        if not isinstance(row.label, str | int):
            raise InputError(
                f"{source}: the label of {row.name} is {printable(str(row.label))[:40]!r}, but must be a name or a "
                "whole number"
            )
    labels = sorted({row.label for row in rows}, key=lambda label: (isinstance(label, str), label))
    if len({isinstance(label, str) for label in labels}) > 1:
        raise InputError(f"{source}: some labels are names and some are numbers: give one kind")
    invalid = [
        label for label in labels if names is not None and isinstance(label, int) and label not in range(len(names))
    ]
    if names is not None and invalid:
        raise InputError(
            f"{source}: label {invalid[0]} is none of the {len(names)} classes (-1 marks images without a label): "
            "remove such rows"
        )
    check_normalised([label for label in labels if isinstance(label, str)], source)
    if len(labels) < 2:
        raise InputError(f"{source}: has {len(labels)} classes, but a comparison needs at least 2")
    return labels


def check_normalised(names: Sequence[str], source: str) -> None:
    """Raise `InputError` if two class names differ only in their Unicode normalisation."""
    first_spelling: dict[str, str] = {}
    for name in names:
        first = first_spelling.setdefault(unicodedata.normalize("NFC", name), name)
        if first != name:
            raise InputError(
                f"{source}: two classes are called '{printable(name)}', in different Unicode normalisations "
                "(NFC and NFD): give both one name"
            )


def _class_name(label: str | int, names: Sequence[str] | None) -> str:
    return printable(str(names[label] if names is not None and isinstance(label, int) else label))
