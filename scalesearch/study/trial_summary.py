"""A finished trial as tables see it: its numbers alone, read from a record without building its networks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import get_args

from scalesearch.search.canonical import Json
from scalesearch.search.task import Epoch
from scalesearch.search.trial import Outcome, State, TrialSpec
from scalesearch.study.record_file import BrokenRecordError, read_record_file
from scalesearch.study.records import counted

STATES: tuple[State, ...] = get_args(State)
_LONGEST_MESSAGE = 1000


@dataclass(frozen=True, slots=True)
class TrialSummary:
    """One finished trial."""

    id: str
    network: str
    """The id of its network."""
    seed: int
    samples: int | None
    """Training images at which it ended; None: the recipe's whole."""
    since: int
    px: int
    proxy_px: int
    macs: int
    params: int
    activations: int
    proxy_macs: int
    fvcore_total: int | None
    """All that fvcore counted; None where it did not, and where the trial is not read from its record."""
    outcome: Outcome

    @property
    def accuracy(self) -> float | None:
        """Of a complete trial."""
        return self.outcome.accuracy

    @property
    def last(self) -> Epoch | None:
        """The last epoch; None where the trial ended before the first one was complete."""
        return self.outcome.epochs[-1] if self.outcome.epochs else None

    @property
    def images(self) -> int:
        """Training images seen, also by a trial that went wrong."""
        return self.last.samples if self.last else self.since


def summarize(spec: TrialSpec, outcome: Outcome) -> TrialSummary:
    """The numbers of a trial whose specification is there."""
    cost = counted(spec)
    return TrialSummary(
        id=spec.id,
        network=spec.network_id,
        seed=spec.seed,
        samples=spec.samples,
        since=spec.since,
        px=spec.network.resolution,
        proxy_px=spec.proxy.resolution,
        macs=cost.macs,
        params=cost.params,
        activations=cost.activations,
        proxy_macs=cost.proxy_macs,
        fvcore_total=None,
        outcome=outcome,
    )


def read_trial(path: Path) -> TrialSummary:
    """The figures of one record.

    Raises:
        BrokenRecordError: it is not what was written.
    """
    file = read_record_file(path)
    cost, outcome = file.cost, file.outcome
    samples, since = file.field("samples"), file.field("since")
    found = TrialSummary(
        id=file.id,
        network=file.network_id,
        seed=_count(file.field("seed")),
        samples=None if samples is None else _count(samples),
        since=0 if since is None else _count(since),
        px=_count(file.field("network", "resolution")),
        proxy_px=_count(file.field("proxy", "resolution")),
        macs=_count(cost.macs),
        params=_count(cost.params),
        activations=_count(cost.activations),
        proxy_macs=_count(cost.proxy_macs),
        fvcore_total=None if cost.fvcore_total is None else _count(cost.fvcore_total),
        outcome=replace(outcome, message=outcome.message[:_LONGEST_MESSAGE]),
    )
    for epoch in outcome.epochs:
        _count(epoch.index)
        _count(epoch.samples)
    return found


def _count(value: Json) -> int:
    """A number that a column of an index holds."""
    if type(value) is not int or not 0 <= value < 2**63:
        raise BrokenRecordError(f"{str(value)[:40]!r} is no count")
    return value
