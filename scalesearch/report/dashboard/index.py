"""An index of a study's records, so that ten thousand of them are not read again and again.

It is a parquet file for each study in the cache, and can be rebuilt from the records at any time. It holds what
`read_trial` verified, together with the size and the time of each file: records are written once, so a file that
has not changed is not read again. Of a segment, only the lines that were appended since are read.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from scalesearch.errors import StorageError
from scalesearch.search.task import Epoch
from scalesearch.search.trial import Outcome
from scalesearch.study.files import make_folder, replace_atomically
from scalesearch.study.record_file import CANNOT_BE_READ, BrokenRecordError
from scalesearch.study.segments import count_records, read_segment, segment_sizes
from scalesearch.study.trial_summary import TrialSummary, read_trial, summarize_record

VERSION = b"2"
_IN_SEGMENT = (-1, -1)
"""The stamp of a trial that has no file of its own."""
Stamp = tuple[int, int]
"""The size (bytes) and the time of change (ns) of a record's file."""


@dataclass(frozen=True, slots=True)
class Index:
    """The records of a study that are read so far."""

    trials: Mapping[str, TrialSummary] = field(default_factory=dict)
    stamps: Mapping[str, Stamp] = field(default_factory=dict)
    """The stamp of each file, broken ones included, by file name."""
    broken: Mapping[str, str] = field(default_factory=dict)
    """What is wrong with each broken file, by file name."""
    waiting: int = 0
    """The number of records that exist and are not read yet."""
    segments: Mapping[str, int] = field(default_factory=dict)
    """How many bytes of each segment are read, by file name."""
    sizes: Mapping[str, int] = field(default_factory=dict)
    """The size of each segment (bytes) when all were last read to their ends; a line may be unfinished there."""
    folder_time: int = -1
    """The time of change (ns) of the folder when it was last listed; -1: it was not, or must be listed again."""

    @property
    def all_read(self) -> bool:
        """Whether every record that exists is read."""
        return self.waiting == 0


def refresh_index(before: Index, folder: Path, seconds: float = 0.4) -> Index:
    """Return the index with what has changed in the folder; `before` itself where nothing has.

    Args:
        before: the index so far.
        folder: the folder of the records.
        seconds: the time after which remaining records are left to the next call.
    """
    try:
        folder_time = folder.stat().st_mtime_ns
        sizes = {path.name: size for path, size in segment_sizes(folder).items()}
        is_same = folder_time == before.folder_time and sizes == before.sizes
        if is_same and before.all_read and not before.broken:
            return before
        current_stamps = dict(_stamps(folder))
    except FileNotFoundError:
        return Index() if before.trials or before.broken else before
    except OSError as error:
        return Index(broken={"trials/": f"{CANNOT_BE_READ} ({error.strerror})"})
    if any(sizes.get(name, 0) < read for name, read in before.segments.items()):
        before = Index()  # a segment was changed by hand
    deadline = time.monotonic() + seconds
    index = _with_files(before, folder, current_stamps, deadline)
    index = _with_segments(index, folder, sizes, deadline)
    return replace(index, folder_time=folder_time)


def _with_files(before: Index, folder: Path, current_stamps: Mapping[str, Stamp], deadline: float) -> Index:
    """Return the index with the files that are new or changed, and without those that are gone."""
    new = [name for name, stamp in current_stamps.items() if before.stamps.get(name) != stamp]
    gone = before.stamps.keys() - current_stamps.keys()
    if not new and not gone:
        return replace(before, waiting=0)
    trials = {key: trial for key, trial in before.trials.items() if f"{key}.json" not in gone}
    broken = {name: reason for name, reason in before.broken.items() if name not in gone}
    stamps = {name: stamp for name, stamp in before.stamps.items() if name not in gone}
    num_read = 0
    for name in new:
        trials.pop(name.removesuffix(".json"), None)
        broken.pop(name, None)
        try:
            trial = read_trial(folder / name)
            trials[trial.id] = trial
        except BrokenRecordError as error:
            broken[name] = str(error)
        stamps[name] = current_stamps[name]
        num_read += 1
        if time.monotonic() > deadline:
            break
    return replace(before, trials=trials, stamps=stamps, broken=broken, waiting=len(new) - num_read)


def _with_segments(before: Index, folder: Path, sizes: Mapping[str, int], deadline: float) -> Index:
    """Return the index with the lines that were appended to segments; at least one of them."""
    if sizes == before.sizes:
        return before
    trials, broken, read = dict(before.trials), dict(before.broken), dict(before.segments)
    is_late = False
    for name in sizes:
        for line in [] if is_late else read_segment(folder / name, read.get(name, 0)):
            try:
                if line.record is None:
                    raise BrokenRecordError(line.reason)
                trials[line.record.id] = summarize_record(line.record)
            except BrokenRecordError as error:
                broken[f"{name}, line {line.number}"] = str(error)
            read[name] = line.end
            is_late = time.monotonic() > deadline
            if is_late:
                break
    waiting = sum(count_records(folder / name, read.get(name, 0)) for name in sizes) if is_late else 0
    sizes = before.sizes if is_late else sizes
    return replace(
        before, trials=trials, broken=broken, segments=read, sizes=sizes, waiting=before.waiting + waiting
    )


def _stamps(folder: Path) -> Iterator[tuple[str, Stamp]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.endswith(".json") and not entry.name.startswith("."):
                with suppress(FileNotFoundError):
                    status = entry.stat()
                    yield entry.name, (status.st_size, status.st_mtime_ns)


def index_path(cache: Path, study: Path) -> Path:
    """Return the path of a study's index in the cache."""
    return cache / "dashboard" / f"{hashlib.sha256(os.fsencode(study.resolve())).hexdigest()[:32]}.parquet"


_EPOCH_FIELDS = tuple(epoch_field.name for epoch_field in fields(Epoch))
_OUTCOME_FIELDS = ("state", "seconds", "training_seconds", "message")
_TRIAL_FIELDS = tuple(trial_field.name for trial_field in fields(TrialSummary) if trial_field.name != "outcome")
"""The fields of a trial in the file; a file of another version that lacks one of them is not used."""


def save(index: Index, path: Path) -> None:
    """Write the completely read records of an index to the cache; a cache that cannot be written is ignored."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    entries = [(trial, index.stamps.get(f"{key}.json", _IN_SEGMENT)) for key, trial in index.trials.items()]
    columns: dict[str, list[Any]] = {name: [getattr(trial, name) for trial, _ in entries] for name in _TRIAL_FIELDS}
    columns |= {
        f"outcome_{name}": [getattr(trial.outcome, name) for trial, _ in entries] for name in _OUTCOME_FIELDS
    }
    for name in _EPOCH_FIELDS:
        columns[f"epoch_{name}"] = [
            [getattr(epoch, name) for epoch in trial.outcome.epochs] for trial, _ in entries
        ]
    columns["size"], columns["time"] = [stamp[0] for _, stamp in entries], [stamp[1] for _, stamp in entries]
    table = pa.table(columns).replace_schema_metadata(
        {b"scalesearch": VERSION, b"segments": json.dumps(dict(index.segments)).encode()}
    )
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    with suppress(StorageError):
        make_folder(path.parent)
        replace_atomically(path, sink.getvalue().to_pybytes())


def load(path: Path) -> Index:
    """Return the index in a file; an empty one where there is none, or none that can be used."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
        if (table.schema.metadata or {}).get(b"scalesearch") != VERSION:
            return Index()
        columns = {name: table.column(name).to_pylist() for name in table.column_names}
        trials = dict(_rows(columns))
        stamps = zip(columns["size"], columns["time"], strict=True)
        keyed = zip(columns["id"], stamps, strict=True)
        segments = json.loads((table.schema.metadata or {}).get(b"segments", b"{}"))
        return Index(
            trials, {f"{key}.json": stamp for key, stamp in keyed if stamp != _IN_SEGMENT}, segments=segments
        )
    except (OSError, KeyError, TypeError, ValueError, pa.ArrowException):
        return Index()


def _rows(columns: Mapping[str, list[Any]]) -> Iterator[tuple[str, TrialSummary]]:
    epoch_rows = zip(*(columns[f"epoch_{name}"] for name in _EPOCH_FIELDS), strict=True)
    outcome_rows = zip(*(columns[f"outcome_{name}"] for name in _OUTCOME_FIELDS), strict=True)
    trial_rows = zip(*(columns[name] for name in _TRIAL_FIELDS), strict=True)
    for trial_fields, (state, seconds, training_seconds, message), epoch_columns in zip(
        trial_rows, outcome_rows, epoch_rows, strict=True
    ):
        curve = tuple(Epoch(*values) for values in zip(*epoch_columns, strict=True))
        outcome = Outcome(state, curve, seconds, training_seconds, message)
        yield trial_fields[0], TrialSummary(**dict(zip(_TRIAL_FIELDS, trial_fields, strict=True)), outcome=outcome)
