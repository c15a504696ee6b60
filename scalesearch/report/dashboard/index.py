"""An index of a study's records, so that ten thousand of them are not read anew; rebuilt from them at will.

It lies in the cache, a parquet file a study, and holds what `read_trial` verified together with the size and
time of the file: records are written once, so what has not changed is not read again.
"""

from __future__ import annotations

import hashlib
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
from scalesearch.study.trial_summary import TrialSummary, read_trial

VERSION = b"2"
Stamp = tuple[int, int]
"""Size (bytes) and time of change (ns) of a record's file."""


@dataclass(frozen=True, slots=True)
class Index:
    """What was read of a study's records so far."""

    trials: Mapping[str, TrialSummary] = field(default_factory=dict)
    stamps: Mapping[str, Stamp] = field(default_factory=dict)
    """Of the file of each trial, and of each broken one."""
    broken: Mapping[str, str] = field(default_factory=dict)
    """What is wrong, by file name."""
    waiting: int = 0
    """Records that are there and not yet read."""
    folder_time: int = -1
    """Time of change (ns) of the folder when it was last listed; -1: never, or read it again."""

    @property
    def all_read(self) -> bool:
        """Whether every record that is there is read."""
        return self.waiting == 0


def refresh_index(before: Index, folder: Path, seconds: float = 0.4) -> Index:
    """The index with what has changed in the folder of records; `before` itself where nothing has.

    Args:
        before: the index so far.
        folder: of the records.
        seconds: after so long the rest waits for the next call.
    """
    try:
        changed = folder.stat().st_mtime_ns
        if changed == before.folder_time and before.all_read and not before.broken:
            return before
        there = dict(_stamps(folder))
    except FileNotFoundError:
        return Index() if before.trials or before.broken else before
    except OSError as error:
        return Index(broken={"trials/": f"{CANNOT_BE_READ} ({error.strerror})"})
    new = [name for name, stamp in there.items() if before.stamps.get(name) != stamp]
    gone = before.stamps.keys() - there.keys()
    if not new and not gone:
        return replace(before, folder_time=changed, waiting=0)
    trials = {key: one for key, one in before.trials.items() if f"{key}.json" not in gone}
    broken = {name: reason for name, reason in before.broken.items() if name not in gone}
    stamps = {name: stamp for name, stamp in before.stamps.items() if name not in gone}
    end, read = time.monotonic() + seconds, 0
    for name in new:
        trials.pop(name.removesuffix(".json"), None)
        broken.pop(name, None)
        try:
            one = read_trial(folder / name)
            trials[one.id] = one
        except BrokenRecordError as error:
            broken[name] = str(error)
        stamps[name] = there[name]
        read += 1
        if time.monotonic() > end:
            break
    return Index(trials, stamps, broken, len(new) - read, changed)


def _stamps(folder: Path) -> Iterator[tuple[str, Stamp]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.endswith(".json") and not entry.name.startswith("."):
                with suppress(FileNotFoundError):
                    found = entry.stat()
                    yield entry.name, (found.st_size, found.st_mtime_ns)


def index_path(cache: Path, study: Path) -> Path:
    """Where the index of a study is kept."""
    return cache / "dashboard" / f"{hashlib.sha256(os.fsencode(study.resolve())).hexdigest()[:32]}.parquet"


_EPOCHS = tuple(one.name for one in fields(Epoch))
_OUTCOME = ("state", "seconds", "training_seconds", "message")
_FACTS = tuple(one.name for one in fields(TrialSummary) if one.name != "outcome")
"""A file of another version that lacks one of these fields is not used."""


def save(index: Index, path: Path) -> None:
    """Keep the whole records of an index; a cache that cannot be written is done without."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    kept = [(one, index.stamps[f"{key}.json"]) for key, one in index.trials.items()]
    columns: dict[str, list[Any]] = {name: [getattr(one, name) for one, _ in kept] for name in _FACTS}
    columns |= {f"outcome_{name}": [getattr(one.outcome, name) for one, _ in kept] for name in _OUTCOME}
    for name in _EPOCHS:
        columns[f"epoch_{name}"] = [[getattr(each, name) for each in one.outcome.epochs] for one, _ in kept]
    columns["size"], columns["time"] = [stamp[0] for _, stamp in kept], [stamp[1] for _, stamp in kept]
    table = pa.table(columns).replace_schema_metadata({b"scalesearch": VERSION})
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    with suppress(StorageError):
        make_folder(path.parent)
        replace_atomically(path, sink.getvalue().to_pybytes())


def load(path: Path) -> Index:
    """The index that was kept; an empty one where there is none, or none that can be used."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
        if (table.schema.metadata or {}).get(b"scalesearch") != VERSION:
            return Index()
        columns = {name: table.column(name).to_pylist() for name in table.column_names}
        trials = dict(_rows(columns))
        stamps = zip(columns["size"], columns["time"], strict=True)
        return Index(trials, {f"{key}.json": stamp for key, stamp in zip(columns["id"], stamps, strict=True)})
    except (OSError, KeyError, TypeError, ValueError, pa.ArrowException):
        return Index()


def _rows(columns: Mapping[str, list[Any]]) -> Iterator[tuple[str, TrialSummary]]:
    epochs = zip(*(columns[f"epoch_{name}"] for name in _EPOCHS), strict=True)
    outcomes = zip(*(columns[f"outcome_{name}"] for name in _OUTCOME), strict=True)
    facts = zip(*(columns[name] for name in _FACTS), strict=True)
    for fact, (state, seconds, training, message), curves in zip(facts, outcomes, epochs, strict=True):
        curve = tuple(Epoch(*values) for values in zip(*curves, strict=True))
        outcome = Outcome(state, curve, seconds, training, message)
        yield fact[0], TrialSummary(**dict(zip(_FACTS, fact, strict=True)), outcome=outcome)
