"""Read parquet files: one row an image, with its encoded bytes and its label; also as Hugging Face writes them."""

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
from scalesearch.proxy.rows import IMAGE_COLUMNS, LABEL_COLUMNS, Row, encoded_bytes, opener, read_rows
from scalesearch.proxy.splits import refuse_empty, refuse_two_names, split_of_word, splits_of_paths


def parquet_files(path: Path) -> tuple[Path, ...]:
    """Return the files of a data set: the file itself, or every `*.parquet` under a folder.

    The result is empty where the path holds no such data set.
    """
    if path.is_dir():
        return tuple(file for file in _visible_files(path) if _is_parquet(file))
    return (path,) if _is_parquet(path) else ()


def unused_files(path: Path) -> tuple[str, ...]:
    """Return a note on the files beside the parquet files of a folder, where there are any."""
    other_files = [file for file in _visible_files(path) if not _is_parquet(file)] if path.is_dir() else []
    example = f", such as '{printable(str(other_files[0].relative_to(path)))}'" if other_files else ""
    return (f"files that are not used: {len(other_files)}{example}",) if other_files else ()


def _is_parquet(path: Path) -> bool:
    return path.suffix.lower() == ".parquet"


def _visible_files(folder: Path) -> list[Path]:
    """Return all files under a folder, without hidden files and folders, where tools keep copies."""
    entries = sorted(folder.rglob("*"))
    return [
        path
        for path in entries
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    ]


def parquet_key(root: Path, files: Sequence[Path], form: ImageForm) -> str:
    """Return the cache key (hex): SHA-256 over names, contents, the image form and the rule's version.

    Raises:
        InputError: a file cannot be opened.
    """
    digest = hashlib.sha256(f"parquet {form_key(form)}".encode())
    for path in files:
        try:
            with path.open("rb") as stream:
                name = repr(_relative_path(root, path)).encode()  # folders decide the split
                digest.update(name + hashlib.file_digest(stream, "sha256").digest())
        except OSError as error:
            raise InputError(f"cannot read '{printable(str(path))}' ({error.strerror})") from error
    return digest.hexdigest()


def read_parquet(
    root: Path, files: Sequence[Path], form: ImageForm, on_progress: ProgressCallback = no_progress
) -> SplitArrays:
    """Decode every row (see `pictures.read_pictures`).

    The images are in the column `image` (or `img`, `jpg`, `png`), as encoded bytes or as Hugging Face's struct with
    a field `bytes`; the labels are in `label` (or `labels`, `fine_label`, `class`), as numbers or names. A column
    `split` gives the split, or else the names of folders or files do (see `splits`). Without either, a fifth of
    every class is held out; a note says so where there are several files.

    Raises:
        InputError: a file is not parquet, a column is missing, a split is empty or has two names, or an image
            cannot be used.
    """
    source = f"data file '{printable(str(files[0]))}'" + (f" and {len(files) - 1} more" if len(files) > 1 else "")
    splits = _file_splits(root, files, source)
    counts, split_names = Counter[str | None](), set[str]()
    names: Sequence[str] | None = None
    rows: list[Row] = []
    for path, split in zip(files, splits, strict=True):
        table, table_names = _read_table(path)
        if names is not None and table_names is not None and table_names != names:
            raise InputError(
                f"data file '{printable(str(path))}': names other classes than the files before it, so that one "
                "number would be two classes; write them with one list of names"
            )
        names = table_names or names
        rows += _table_rows(path, table, split)
        counts[split] += len(table)
        split_names |= _split_names(table)
    _refuse_two_names(split_names, source)
    refuse_empty(counts, source)
    arrays = read_rows(rows, names, source, form, on_progress)
    return replace(arrays, notes=(*_joined_files_note(files, rows), *arrays.notes))


def _file_splits(root: Path, files: Sequence[Path], source: str) -> list[str | None]:
    try:
        return splits_of_paths([_relative_path(root, path) for path in files]) if root.is_dir() else [None]
    except InputError as error:
        raise InputError(f"{source}: {error}") from error


def _split_names(table: pa.Table) -> set[str]:
    return set(map(str, table.column("split").unique().to_pylist())) if "split" in table.column_names else set()


def _refuse_two_names(split_names: set[str], source: str) -> None:
    try:
        refuse_two_names(split_names)
    except InputError as error:
        raise InputError(f"{source}: {error}") from error


def _joined_files_note(files: Sequence[Path], rows: Sequence[Row]) -> tuple[str, ...]:
    """Return a note where several files are one set that is split here: their names may mean unknown splits."""
    if len(files) < 2 or any(row.split is not None for row in rows):
        return ()
    example = ", such as " + " and ".join(f"'{printable(path.name)}'" for path in files[:2])
    return (
        (
            f"{len(files)} files without a split's name are one set, of which a fifth of each class is held out"
            f"{example}"
        ),
    )


def _relative_path(root: Path, path: Path) -> Path:
    return path.relative_to(root) if path != root else Path(path.name)


def _read_table(path: Path) -> tuple[pa.Table, Sequence[str] | None]:
    """Return the file's rows and the names of the classes, where Hugging Face wrote them into its schema."""
    file_name = printable(str(path))
    try:
        table = pq.ParquetFile(
            path
        ).read()  # `read_table` would take a folder's name such as `split=a` for a column
    except (OSError, pa.ArrowException) as error:
        reason = printable(" ".join(str(error).split())[:120])
        raise InputError(f"data file '{file_name}': is no parquet file that can be read ({reason})") from error
    try:
        features = json.loads((table.schema.metadata or {})[b"huggingface"])["info"]["features"]
        column = next(name for name in LABEL_COLUMNS if name in table.column_names)
        names = features[column]["names"]
    except (KeyError, ValueError, TypeError, StopIteration):
        names = None
    return table, names


def _table_rows(path: Path, table: pa.Table, split: str | None) -> Iterator[Row]:
    image, label = _find_column(path, table, IMAGE_COLUMNS), _find_column(path, table, LABEL_COLUMNS)
    split_names = table.column("split").to_pylist() if "split" in table.column_names else None
    splits = [split] * len(table) if split_names is None else [split_of_word(str(name)) for name in split_names]
    columns = (table.column(image).to_pylist(), table.column(label).to_pylist(), splits)
    for index, (cell, value, row_split) in enumerate(zip(*columns, strict=True)):
        yield Row(f"{path.name} row {index}", value, row_split, opener(encoded_bytes(cell)))


def _find_column(path: Path, table: pa.Table, preferred: Sequence[str]) -> str:
    present = [name for name in preferred if name in table.column_names]
    if not present:
        present_columns = printable(", ".join(table.column_names)[:200])
        raise InputError(
            f"data file '{printable(str(path))}': has no column {preferred[0]} (it has {present_columns}); "
            "rename one"
        )
    return present[0]
