"""Segments: files with the records of many trials, one line each, for searches of many thousand trials.

A line that describes a record is JSON and holds what a trial's own file does, except that networks are named by
their ids. Before the first record of a network, a line describes the network. The writer of a search creates a new
segment and only appends to it, so a crash can damage no line but the last of a segment. A last line without a line
end was never acknowledged; readers ignore it.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from functools import lru_cache
from math import inf
from pathlib import Path
from types import TracebackType
from typing import Self

from scalesearch.errors import StorageError
from scalesearch.search.canonical import Json, json_digest
from scalesearch.study.files import storage_error, sync_folder
from scalesearch.study.record_file import BrokenRecordError, RecordFile, check_keys, read_body

SYNC_SECONDS = 0.02
"""Records that arrive within this time are made durable together: a disk does so a few hundred times a second."""
_NETWORK = b'{"network":'
"""The beginning of a line that describes a network."""
_NAME = re.compile(r"segment-([0-9]{4,9})\.jsonl")


class SegmentWriter:
    """Appends records to a new segment of a folder; they are durable after `sync`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path: Path | None = None
        self._descriptor = -1
        self._size = 0
        self._described: set[str] = set()
        self._synced_at = -inf
        self._failure: StorageError | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._path is not None:
            os.close(self._descriptor)

    @property
    def is_due(self) -> bool:
        """Whether the records of the last `SYNC_SECONDS` should be made durable now."""
        return time.monotonic() - self._synced_at >= SYNC_SECONDS

    def add(self, body: Mapping[str, Json], networks: Mapping[str, str]) -> None:
        """Append a record. A killed process loses none; before `sync`, a crash of the system may.

        Args:
            body: the content of the record's file, without its checksum.
            networks: the id of each network of its specification, by key.

        Raises:
            StorageError: the segment cannot be written; it is as before.
        """
        try:
            if self._path is None:
                self._path, self._descriptor = _create_segment(self._folder)
            self._write(b"".join(_lines(body, networks, self._described)))
        except OSError as error:
            raise storage_error(self._path or self._folder, error) from error
        self._described |= set(networks.values())

    def sync(self) -> None:
        """Make every appended record durable.

        Raises:
            StorageError: the disk refused it.
        """
        if self._failure is not None:  # after a failed sync, the next one succeeds without having written anything
            raise self._failure
        if self._path is not None:
            try:
                os.fdatasync(self._descriptor)
            except OSError as error:
                self._failure = storage_error(self._path, error)
                raise self._failure from error
        self._synced_at = time.monotonic()

    def _write(self, data: bytes) -> None:
        try:
            written = 0
            while written < len(data):
                written += os.write(self._descriptor, data[written:])
        except OSError:
            os.ftruncate(self._descriptor, self._size)  # part of a line would join the next one
            raise
        self._size += len(data)


def _lines(body: Mapping[str, Json], networks: Mapping[str, str], described: Set[str]) -> Iterator[bytes]:
    """Yield the lines of a record: those of networks that are not described yet, and its own."""
    spec = body["spec"]
    assert isinstance(spec, dict), "a specification is a mapping"
    for name, key in {name: key for key, name in networks.items() if name not in described}.items():
        yield _line({"network": name, "definition": spec[key]})
    yield _line({**body, "spec": {**spec, **networks}})


def _line(body: dict[str, Json]) -> bytes:
    text = json.dumps({**body, "sha256": json_digest(body)}, separators=(",", ":"), allow_nan=False)
    return text.encode() + b"\n"


def _create_segment(folder: Path) -> tuple[Path, int]:
    numbers = [int(match[1]) for path in folder.iterdir() if (match := _NAME.fullmatch(path.name))]
    path = folder / f"segment-{max(numbers, default=0) + 1:04}.jsonl"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o644)
    sync_folder(folder)
    return path, descriptor


def segment_sizes(folder: Path) -> dict[Path, int]:
    """Return the size (bytes) of each segment of a folder, in the order in which they were written.

    Raises:
        OSError: the folder cannot be read.
    """
    try:
        with os.scandir(folder) as entries:
            sizes = {
                entry.name: entry.stat().st_size
                for entry in entries
                if _NAME.fullmatch(entry.name) and entry.is_file()
            }
    except FileNotFoundError:
        return {}
    return {folder / name: sizes[name] for name in sorted(sizes, key=lambda name: (len(name), name))}


@dataclass(frozen=True, slots=True)
class SegmentLine:
    """A line of a segment that describes a record."""

    number: int
    """The number of the line, counted from 1."""
    end: int
    """The position of the byte after the line."""
    record: RecordFile | None
    """None: the line is not what was written."""
    reason: str = ""
    """Why there is no record."""


def read_segment(path: Path, start: int = 0) -> Iterator[SegmentLine]:
    """Yield the lines of a segment that describe records.

    Args:
        path: the segment.
        start: the byte at which to begin: 0, or the `end` of a line that was read earlier.

    Raises:
        OSError: the file cannot be read.
    """
    networks: dict[str, Json] = {}
    end = 0
    with path.open("rb") as stream:
        for number, line in enumerate(stream, 1):
            if not line.endswith(b"\n"):
                return  # never acknowledged: its writer ended within it, or is writing it now
            is_new, end = end >= start, end + len(line)
            try:
                if line.startswith(_NETWORK):
                    body = read_body(line)
                    networks[str(body["network"])] = body["definition"]
                elif is_new:
                    yield SegmentLine(number, end, _read_record_line(line, networks))
            except BrokenRecordError as error:
                if is_new:
                    yield SegmentLine(number, end, None, str(error))


def _read_record_line(line: bytes, networks: Mapping[str, Json]) -> RecordFile:
    body = read_body(line)
    check_keys(body)
    return RecordFile(str(body["id"]), body, networks)


def count_records(path: Path, start: int = 0) -> int:
    """Return the number of acknowledged records in a segment, without verifying them.

    Args:
        path: the segment.
        start: the byte at which to begin, as for `read_segment`.

    Raises:
        OSError: the file cannot be read.
    """
    status = path.stat()
    return _count_records(path, start, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=256)
def _count_records(path: Path, start: int, size: int, changed_at: int) -> int:
    """Count the records of a segment; cached until its size or its time of change differs."""
    del size, changed_at
    with path.open("rb") as stream:
        stream.seek(start)
        return sum(line.endswith(b"\n") and not line.startswith(_NETWORK) for line in stream)
