"""Parquet files: one row a picture, with its encoded bytes and its label; also as Hugging Face writes them."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from scalesearch.errors import InputError, printable
from scalesearch.proxy.cache import SplitArrays
from scalesearch.proxy.decoding import ImageForm
from scalesearch.proxy.pictures import form_key
from scalesearch.proxy.progress import ProgressCallback, no_progress
from scalesearch.proxy.rows import IMAGE_COLUMNS, LABEL_COLUMNS, Row, content_of, opener, read_rows
from scalesearch.proxy.splits import refuse_empty, refuse_two_names, split_of_word, splits_of_paths


def parquet_files(path: Path) -> tuple[Path, ...]:
    """The files of a data set: the file itself, or every `*.parquet` under a folder; none: it is no such set."""
    if path.is_dir():
        return tuple(one for one in _visible(path) if _is_parquet(one))
    return (path,) if _is_parquet(path) else ()


def unused_files(path: Path) -> tuple[str, ...]:
    """A line on the files beside the parquet files of a folder, where there are any."""
    rest = [one for one in _visible(path) if not _is_parquet(one)] if path.is_dir() else []
    such = f", such as '{printable(str(rest[0].relative_to(path)))}'" if rest else ""
    return (f"files that are not used: {len(rest)}{such}",) if rest else ()


def _is_parquet(path: Path) -> bool:
    return path.suffix.lower() == ".parquet"


def _visible(folder: Path) -> list[Path]:
    """All files under a folder, without hidden files and folders, where tools keep copies."""
    every = sorted(folder.rglob("*"))
    return [
        one
        for one in every
        if one.is_file() and not any(part.startswith(".") for part in one.relative_to(folder).parts)
    ]


def parquet_key(root: Path, files: Sequence[Path], form: ImageForm) -> str:
    """The cache key (hex): SHA-256 over names, contents, the form and the rule's version.

    Raises:
        InputError: a file cannot be opened.
    """
    digest = hashlib.sha256(f"parquet {form_key(form)}".encode())
    for path in files:
        try:
            with path.open("rb") as stream:
                name = repr(_relative(root, path)).encode()  # folders decide the split
                digest.update(name + hashlib.file_digest(stream, "sha256").digest())
        except OSError as error:
            raise InputError(f"cannot read '{printable(str(path))}' ({error.strerror})") from error
    return digest.hexdigest()


def read_parquet(
    root: Path, files: Sequence[Path], form: ImageForm, on_progress: ProgressCallback = no_progress
) -> SplitArrays:
    """Decodes every row (see `pictures.read_pictures`).

    The pictures are in the column `image` (or `img`, `jpg`, `png`), as encoded bytes or as Hugging Face's struct
    with a field `bytes`; the labels in `label` (or `labels`, `fine_label`, `class`), as numbers or names. A column
    `split` says the split, or else the names of folders or files do (see `splits`); where nothing does, a fifth of
    every class is held out, and that is said where there are several files.

    Raises:
        InputError: a file is no parquet, a column is missing, a split is empty or has two names, or a picture
            cannot be used.
    """
    where = f"data file '{printable(str(files[0]))}'" + (f" and {len(files) - 1} more" if len(files) > 1 else "")
    splits = _splits(root, files, where)
    counts, words = Counter[str | None](), set[str]()
    names: Sequence[str] | None = None
    rows: list[Row] = []
    for path, split in zip(files, splits, strict=True):
        table, known = _table(path)
        if names is not None and known is not None and known != names:
            raise InputError(
                f"data file '{printable(str(path))}': names other classes than the files before it, so that one "
                "number would be two classes; write them with one list of names"
            )
        names = known or names
        rows += _rows(path, table, split)
        counts[split] += len(table)
        words |= _column_words(table)
    _refuse_two_names(words, where)
    refuse_empty(counts, where)
    arrays = read_rows(rows, names, where, form, on_progress)
    return replace(arrays, notes=(*_joined(files, rows), *arrays.notes))


def _splits(root: Path, files: Sequence[Path], source: str) -> list[str | None]:
    try:
        return splits_of_paths([_relative(root, path) for path in files]) if root.is_dir() else [None]
    except InputError as error:
        raise InputError(f"{source}: {error}") from error


def _column_words(table: pa.Table) -> set[str]:
    return set(map(str, table.column("split").unique().to_pylist())) if "split" in table.column_names else set()


def _refuse_two_names(words: set[str], source: str) -> None:
    try:
        refuse_two_names(words)
    except InputError as error:
        raise InputError(f"{source}: {error}") from error


def _joined(files: Sequence[Path], rows: Sequence[Row]) -> tuple[str, ...]:
    """A line where several files are one set that is split here: their names may mean splits that are not known."""
    if len(files) < 2 or any(row.split is not None for row in rows):
        return ()
    such = ", such as " + " and ".join(f"'{printable(path.name)}'" for path in files[:2])
    return (
        f"{len(files)} files without a split's name are one set, of which a fifth of each class is held out{such}",
    )


def _relative(root: Path, path: Path) -> Path:
    return path.relative_to(root) if path != root else Path(path.name)


def _table(path: Path) -> tuple[pa.Table, Sequence[str] | None]:
    """The file's rows and, where Hugging Face wrote them into its schema, the names of the classes."""
    shown = printable(str(path))
    try:
        table = pq.ParquetFile(
            path
        ).read()  # `read_table` would take a folder's name such as `split=a` for a column
    except (OSError, pa.ArrowException) as error:
        reason = printable(" ".join(str(error).split())[:120])
        raise InputError(f"data file '{shown}': is no parquet file that can be read ({reason})") from error
    try:
        features = json.loads((table.schema.metadata or {})[b"huggingface"])["info"]["features"]
        column = next(name for name in LABEL_COLUMNS if name in table.column_names)
        names = features[column]["names"]
    except (KeyError, ValueError, TypeError, StopIteration):
        names = None
    return table, names


def _rows(path: Path, table: pa.Table, split: str | None) -> Iterator[Row]:
    image, label = _column(path, table, IMAGE_COLUMNS), _column(path, table, LABEL_COLUMNS)
    named = table.column("split").to_pylist() if "split" in table.column_names else None
    splits = [split] * len(table) if named is None else [split_of_word(str(one)) for one in named]
    columns = (table.column(image).to_pylist(), table.column(label).to_pylist(), splits)
    for index, (cell, value, row_split) in enumerate(zip(*columns, strict=True)):
        yield Row(f"{path.name} row {index}", value, row_split, opener(content_of(cell)))


def _column(path: Path, table: pa.Table, known: Sequence[str]) -> str:
    present = [name for name in known if name in table.column_names]
    if not present:
        has = printable(", ".join(table.column_names)[:200])
        raise InputError(f"data file '{printable(str(path))}': has no column {known[0]} (it has {has}); rename one")
    return present[0]
