"""Trial records with specification, outcome, costs and a checksum: a file for each trial, or lines of segments."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from scalesearch.design.architecture import Architecture
from scalesearch.design.cost import cost
from scalesearch.design.cost_breakdown import counter_totals, layer_costs
from scalesearch.errors import CountError, StorageError
from scalesearch.search.canonical import Json, as_json, json_digest
from scalesearch.search.task import Epoch
from scalesearch.search.trial import Outcome, TrialSpec
from scalesearch.study import segments
from scalesearch.study.files import create_atomically, json_files
from scalesearch.study.record_file import (
    CANNOT_BE_READ,
    VERSION,
    BrokenRecordError,
    RecordFile,
    TrialCost,
    read_record_file,
)
from scalesearch.study.segments import read_segment, segment_sizes


def trial_cost(spec: TrialSpec, fvcore_total: int | None = None) -> TrialCost:
    """Return the costs of a trial's networks; `fvcore_total` is what fvcore counted, if it did."""
    costs = cost(spec.network)
    return TrialCost(costs.macs, costs.params, costs.activations, cost(spec.proxy).macs, fvcore_total)


@dataclass(frozen=True, slots=True)
class TrialRecord:
    """The content of `trials/<id>.json`, or of a line of a segment."""

    spec: TrialSpec
    outcome: Outcome
    cost: TrialCost


def write_record(folder: Path, record: TrialRecord) -> bool:
    """Write the record of a finished trial; return False if it exists already.

    Raises:
        StorageError: the folder cannot be written.
    """
    body = record_json(record)
    text = json.dumps({**body, "sha256": json_digest(body)}, indent=1, allow_nan=False)
    return create_atomically(folder / f"{record.spec.id}.json", text + "\n")


def read_records(folder: Path) -> dict[str, TrialRecord]:
    """Return all records of a folder by trial id.

    Raises:
        CountError: a record is not what was written.
        StorageError: the folder or a record cannot be read.
    """
    records = {record.spec.id: record for record in map(_read_record, json_files(folder)[0])}
    return records | {
        record.spec.id: record for path in _segment_paths(folder) for record in _segment_records(path)
    }


def problems(folder: Path) -> Iterator[str]:
    """Yield what is wrong with the records of a folder, one line each.

    Nothing is yielded if all records are as they were written and possible.

    Raises:
        StorageError: the folder cannot be read.
    """
    files, others = json_files(folder)
    for name in others:
        yield f"{folder / name}: is no regular file and no record; remove it"
    for path in files:
        try:
            record = _read_record(path)
        except (CountError, StorageError) as error:
            yield str(error)
        else:
            yield from (f"{path}: {reason}" for reason in impossibilities(record))
    for path in _segment_paths(folder):
        yield from _segment_problems(path)


def impossibilities(record: TrialRecord) -> Iterator[str]:
    """Yield what no trial can have resulted in, even if the checksum of its record is right."""
    outcome = record.outcome
    if record.cost != trial_cost(record.spec, _fvcore_total(record)):
        yield "its costs are not those of its network"
    if min(outcome.seconds, outcome.training_seconds, *(epoch.seconds for epoch in outcome.epochs)) < 0:
        yield "a time is negative"
    if not all(0 <= epoch.val_accuracy <= 1 for epoch in outcome.epochs):
        yield "an accuracy is not in 0 … 1"
    if not all(epoch.train_loss >= 0 and epoch.val_loss >= 0 for epoch in outcome.epochs):
        yield "a loss is negative"
    if not _are_consecutive(outcome.epochs, record.spec) or (outcome.state == "complete" and not outcome.epochs):
        yield "its epochs do not follow one another"
    if outcome.training_seconds > outcome.seconds + _ROUNDING_ERROR:
        yield "its training took longer than the trial"
    if outcome.state == "complete" and outcome.message:
        yield "it is complete, but has a message"


_ROUNDING_ERROR = 0.001
"""Seconds; times are rounded to four places."""


def _fvcore_total(record: TrialRecord) -> int | None:
    """Return fvcore's total: by the closed form, or as recorded for a user's own network, which has none."""
    network, recorded = record.spec.network, record.cost.fvcore_total
    if recorded is None or not isinstance(network, Architecture):
        return recorded
    return counter_totals(layer_costs(network)).fvcore_total


def _are_consecutive(epochs: Sequence[Epoch], spec: TrialSpec) -> bool:
    """Return whether the epochs are numbered in sequence and each has seen more images than the one before."""
    if not epochs:
        return True
    numbers = [epoch.index for epoch in epochs]
    seen = [spec.since, *(epoch.samples for epoch in epochs)]
    consecutive = numbers == list(range(numbers[0], numbers[0] + len(numbers))) and seen == sorted(set(seen))
    # A rung may end within a pass over the data. The next rung then begins by ending that pass.
    return consecutive and numbers[0] >= 1 and (numbers[0] == 1 or spec.since > 0)


def _read_record(path: Path) -> TrialRecord:
    try:
        return _record(read_record_file(path))
    except BrokenRecordError as error:
        if str(error).startswith(CANNOT_BE_READ):
            raise StorageError(f"{path}: {error}; let this account read it") from error
        raise CountError(f"{path}: {error}; delete the file to run this trial again") from error


def _record(file: RecordFile) -> TrialRecord:
    record = TrialRecord(file.spec, file.outcome, file.cost)
    if record.spec.id != file.id:  # a default value is written out, which changes the hash
        raise BrokenRecordError("its name is not the id of what it holds")
    return record


def _segment_records(path: Path) -> Iterator[TrialRecord]:
    for _, record in _segment_lines(path):
        if isinstance(record, CountError):
            raise record
        yield record


def _segment_problems(path: Path) -> Iterator[str]:
    for number, record in _segment_lines(path):
        if isinstance(record, CountError):
            yield str(record)
        else:
            yield from (f"{path}, line {number}: {reason}" for reason in impossibilities(record))


def _segment_lines(path: Path) -> Iterator[tuple[int, TrialRecord | CountError]]:
    """Yield each record of a segment, or what is wrong with its line, and the number of the line."""
    try:
        for line in read_segment(path):
            try:
                if line.record is None:
                    raise BrokenRecordError(line.reason)
                yield line.number, _record(line.record)
            except BrokenRecordError as error:
                remedy = "delete the line to run its trial again"
                yield line.number, CountError(f"{path}, line {line.number}: {error}; {remedy}")
    except OSError as error:
        raise _unreadable_error(path, error) from error


def record_json(record: TrialRecord) -> dict[str, Json]:
    """Return the content of a record's file, without its checksum."""
    return {
        "version": VERSION,
        "id": record.spec.id,
        "spec": as_json(record.spec),
        "cost": as_json(record.cost),
        "outcome": as_json(record.outcome, floats=True),
    }


def count_records(folder: Path) -> int:
    """Return the number of records in a folder, without reading them.

    Raises:
        StorageError: the folder or a segment cannot be read.
    """
    paths = _segment_paths(folder)
    try:
        in_segments = sum(map(segments.count_records, paths))
    except OSError as error:
        raise _unreadable_error(folder, error) from error
    return len(json_files(folder)[0]) + in_segments


def _segment_paths(folder: Path) -> list[Path]:
    try:
        return list(segment_sizes(folder))
    except OSError as error:
        raise _unreadable_error(folder, error) from error


def _unreadable_error(path: Path, error: OSError) -> StorageError:
    return StorageError(f"{path}: {CANNOT_BE_READ} ({error.strerror}); let this account read it")
