"""Writes the records of a running search: a file for each trial, or, for many thousand trials, segments."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from scalesearch.search.trial import network_id
from scalesearch.study.records import TrialRecord, record_json
from scalesearch.study.segments import SegmentWriter
from scalesearch.study.study import Study

MOST_FILES = 2000
"""A study of more trials than this is recorded in segments."""


class RecordWriter(Protocol):
    """Records finished trials; a trial may be reported once its record is durable."""

    @property
    def is_due(self) -> bool:
        """Whether `sync` should be called now; if not, further records may be added first."""
        ...

    def add(self, record: TrialRecord) -> None:
        """Write a record; a process that is killed later does not lose it.

        Raises:
            StorageError: it cannot be written.
        """
        ...

    def sync(self) -> None:
        """Make every record so far durable, also if the system crashes.

        Raises:
            StorageError: the disk refused it.
        """
        ...


@contextmanager
def open_writer(study: Study) -> Iterator[RecordWriter]:
    """Yield the writer of a study's records: single files unless its plan has more than `MOST_FILES` trials."""
    if study.plan.total_trials() <= MOST_FILES:
        yield _FileWriter(study)
        return
    with SegmentWriter(study.trials_folder) as segment:
        yield _LineWriter(segment)


@dataclass(frozen=True, slots=True)
class _FileWriter:
    """Writes a file for each record, which is durable at once."""

    study: Study

    @property
    def is_due(self) -> bool:
        return True

    def add(self, record: TrialRecord) -> None:
        self.study.add(record)

    def sync(self) -> None:
        pass


@dataclass(frozen=True, slots=True)
class _LineWriter:
    """Writes a line for each record."""

    segment: SegmentWriter

    @property
    def is_due(self) -> bool:
        return self.segment.is_due

    def add(self, record: TrialRecord) -> None:
        ids = {key: network_id(network) for key, network in record.spec.networks.items()}
        self.segment.add(record_json(record), ids)

    def sync(self) -> None:
        self.segment.sync()
