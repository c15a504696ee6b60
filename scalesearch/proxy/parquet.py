"""Parquet files: one row a picture, with its encoded bytes and its label; also as Hugging Face writes them."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from scalesearch.errors import InputError, printable
from scalesearch.proxy.cache import SplitArrays
from scalesearch.proxy.channels import RGB
from scalesearch.proxy.hear import Hear, silent
from scalesearch.proxy.pictures import SPLIT_RULE_VERSION, Picture, read_pictures

IMAGE_COLUMNS = ("image", "img", "jpg", "png")
LABEL_COLUMNS = ("label", "labels", "fine_label", "class")
SPLITS = {"train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val", "test": "val"}
"""What a split may be called, and what it is taken for."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row before its label is a number."""

    name: str
    label: str | int
    split: str | None
    content: bytes | None


def parquet_files(path: Path) -> tuple[Path, ...]:
    """The files of a data set: the file itself, or every `*.parquet` under a folder; none: it is no such set."""
    if path.is_dir():
        return tuple(sorted(path.rglob("*.parquet")))
    return (path,) if path.suffix == ".parquet" else ()


def parquet_key(files: Sequence[Path], px: int) -> str:
    """The cache key (hex): SHA-256 over names, contents, `px` and the rule's version.

    Raises:
        InputError: a file cannot be opened.
    """
    digest = hashlib.sha256(f"parquet {SPLIT_RULE_VERSION} {px}".encode())
    for path in files:
        try:
            with path.open("rb") as stream:
                digest.update(path.name.encode() + hashlib.file_digest(stream, "sha256").digest())
        except OSError as error:
            raise InputError(f"cannot read '{printable(str(path))}' ({error.strerror})") from error
    return digest.hexdigest()


def read_parquet(files: Sequence[Path], px: int, hear: Hear = silent, channels: int = RGB) -> SplitArrays:
    """Decodes every row (see `pictures.read_pictures`).

    The pictures are in the column `image` (or `img`, `jpg`, `png`), as encoded bytes or as Hugging Face's struct
    with a field `bytes`; the labels in `label` (or `labels`, `fine_label`, `class`), as numbers or names. Where a
    column `split` or the files' names say train and val (validation, test), that is the split; otherwise a fifth of
    every class is held out.

    Raises:
        InputError: a file is no parquet, a column is missing, or a picture cannot be used.
    """
    where = f"data file '{printable(str(files[0]))}'" + (f" and {len(files) - 1} more" if len(files) > 1 else "")
    names: Sequence[str] | None = None
    rows: list[Row] = []
    for path in files:
        table, own = _table(path)
        names = own or names
        rows += _rows(path, table, _split_of_name(path) if len(files) > 1 else None)
    return read_rows(rows, names, where, px, hear, channels)


def read_rows(
    rows: Sequence[Row],
    names: Sequence[str] | None,
    where: str,
    px: int,
    hear: Hear = silent,
    channels: int = RGB,
) -> SplitArrays:
    """Decodes rows whose labels are names, or numbers of `names` where there are any.

    Raises:
        InputError: fewer than two classes, a split without the other, or a picture that cannot be used.
    """
    labels = sorted({row.label for row in rows}, key=lambda one: (isinstance(one, str), one))
    if len(labels) < 2:
        raise InputError(f"{where}: has {len(labels)} classes, but a comparison needs at least 2")
    number = {label: index for index, label in enumerate(labels)}
    splits = {row.split for row in rows}
    if splits not in ({None}, {"train", "val"}):
        found = ", ".join(sorted(str(one) for one in splits))
        raise InputError(
            f"{where}: the splits are {found}; name them train and val (or validation, test) everywhere"
        )
    for split in sorted(splits, key=str):
        missing = set(labels) - {row.label for row in rows if row.split == split}
        if missing:
            odd = printable(str(min(missing, key=str)))
            raise InputError(f"{where}: class '{odd}' is in only one of train and val: add or remove it")
    pictures = [Picture(row.name, number[row.label], row.split, partial(_open, row.content)) for row in rows]
    return read_pictures(pictures, [_class_name(label, names) for label in labels], where, px, hear, channels)


def _class_name(label: str | int, names: Sequence[str] | None) -> str:
    known = names is not None and isinstance(label, int) and 0 <= label < len(names)
    return printable(str(names[label] if known and names is not None and isinstance(label, int) else label))


def _open(content: bytes | None) -> BinaryIO:
    if content is None:
        raise OSError("holds no bytes of an image")
    return io.BytesIO(content)


def _table(path: Path) -> tuple[pa.Table, Sequence[str] | None]:
    """The file's rows and, where Hugging Face wrote them into its schema, the names of the classes."""
    shown = printable(str(path))
    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowException) as error:
        reason = printable(" ".join(str(error).split())[:120])
        raise InputError(f"data file '{shown}': is no parquet file that can be read ({reason})") from error
    try:
        features = json.loads((table.schema.metadata or {})[b"huggingface"])["info"]["features"]
        names = next(features[one]["names"] for one in LABEL_COLUMNS if "names" in features.get(one, {}))
    except (KeyError, ValueError, TypeError, StopIteration):
        names = None
    return table, names


def _rows(path: Path, table: pa.Table, split: str | None) -> Iterator[Row]:
    image, label = _column(path, table, IMAGE_COLUMNS), _column(path, table, LABEL_COLUMNS)
    named = table.column("split").to_pylist() if "split" in table.column_names else [split] * len(table)
    columns = (table.column(image).to_pylist(), table.column(label).to_pylist(), named)
    for index, (content, value, own) in enumerate(zip(*columns, strict=True)):
        if not isinstance(value, str | int):
            raise InputError(
                f"data file '{printable(str(path))}': {label} of row {index} is {printable(str(value))[:40]!r}, "
                "but must be a name or a whole number"
            )
        yield Row(f"{path.name} row {index}", value, SPLITS.get(str(own).lower(), own), _content(content))


def _content(value: Any) -> bytes | None:
    found = value.get("bytes") if isinstance(value, dict) else value
    return found if isinstance(found, bytes) else None


def _column(path: Path, table: pa.Table, known: Sequence[str]) -> str:
    found = [one for one in known if one in table.column_names]
    if not found:
        has = printable(", ".join(table.column_names)[:200])
        raise InputError(f"data file '{printable(str(path))}': has no column {known[0]} (it has {has}); rename one")
    return found[0]


def _split_of_name(path: Path) -> str | None:
    """The split that a file's name begins with, as in `train-00000-of-00002.parquet`."""
    first = path.stem.replace("_", "-").split("-")[0].lower()
    return SPLITS.get(first)
