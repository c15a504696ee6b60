"""A finished trial as tables show it: only its numbers, read from a record without building its networks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import get_args

from scalesearch.design.images import RECTANGLE, plain_size
from scalesearch.search.canonical import Json
from scalesearch.search.task import Epoch
from scalesearch.search.trial import Outcome, State, TrialSpec
from scalesearch.study.record_file import BrokenRecordError, RecordFile, read_record_file
from scalesearch.study.records import trial_cost

STATES: tuple[State, ...] = get_args(State)
"""The states in which a trial can end."""
_MAX_MESSAGE = 1000
"""Characters of a message that are read at most."""


@dataclass(frozen=True, slots=True)
class TrialSummary:
    """The numbers of one finished trial."""

    id: str
    network: str
    """The id of its network."""
    seed: int
    samples: int | None
    """Training images at which it ended; None: at the end of the recipe."""
    since: int
    """Training images that were seen on an earlier rung."""
    px: int | str
    """The resolution of the network."""
    proxy_px: int
    """The resolution of the small network that was trained."""
    macs: int
    """Multiply-adds of the network for one image."""
    params: int
    activations: int
    proxy_macs: int
    """Multiply-adds of the small network that was trained."""
    fvcore_total: int | None
    """Everything that fvcore counted; None if it did not count, or if the trial is not read from its record."""
    outcome: Outcome

    @property
    def accuracy(self) -> float | None:
        """The validation accuracy of a complete trial; None for any other."""
        return self.outcome.accuracy

    @property
    def last(self) -> Epoch | None:
        """The last epoch; None if the trial ended before its first epoch was complete."""
        return self.outcome.epochs[-1] if self.outcome.epochs else None

    @property
    def images(self) -> int:
        """Training images seen, also by a trial that failed."""
        return self.last.samples if self.last else self.since


def summarize(spec: TrialSpec, outcome: Outcome) -> TrialSummary:
    """Return the numbers of a trial from its specification and outcome."""
    costs = trial_cost(spec)
    return TrialSummary(
        id=spec.id,
        network=spec.network_id,
        seed=spec.seed,
        samples=spec.samples,
        since=spec.since,
        px=plain_size(spec.network.resolution),
        proxy_px=spec.proxy.side,
        macs=costs.macs,
        params=costs.params,
        activations=costs.activations,
        proxy_macs=costs.proxy_macs,
        fvcore_total=None,
        outcome=outcome,
    )


def read_trial(path: Path) -> TrialSummary:
    """Return the numbers of the record in a trial's own file.

    Raises:
        BrokenRecordError: the record is not what was written.
    """
    return summarize_record(read_record_file(path))


def summarize_record(file: RecordFile) -> TrialSummary:
    """Return the numbers of one record.

    Raises:
        BrokenRecordError: the record is not what was written.
    """
    costs, outcome = file.cost, file.outcome
    samples, since = file.value("samples"), file.value("since")
    trial = TrialSummary(
        id=file.id,
        network=file.network_id,
        seed=_count(file.value("seed")),
        samples=None if samples is None else _count(samples),
        since=0 if since is None else _count(since),
        px=_size(file.px("network")),
        proxy_px=_count(file.px("proxy")),
        macs=_count(costs.macs),
        params=_count(costs.params),
        activations=_count(costs.activations),
        proxy_macs=_count(costs.proxy_macs),
        fvcore_total=None if costs.fvcore_total is None else _count(costs.fvcore_total),
        outcome=replace(outcome, message=outcome.message[:_MAX_MESSAGE]),
    )
    for epoch in outcome.epochs:
        _count(epoch.index)
        _count(epoch.samples)
    return trial


def _size(value: Json) -> int | str:
    """Return the size of an image as the index of trials can hold it."""
    return value if isinstance(value, str) and RECTANGLE.fullmatch(value) else _count(value)


def _count(value: Json) -> int:
    """Return a number as the index of trials can hold it: from 0 to below 2^63."""
    if type(value) is not int or not 0 <= value < 2**63:
        raise BrokenRecordError(f"{str(value)[:40]!r} is no count")
    return value
