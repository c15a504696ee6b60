"""A record as the dashboard keeps it: its figures alone, without building the networks that they are of."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import get_args

from scalesearch.search.canonical import Json
from scalesearch.search.trial import Outcome, State
from scalesearch.study.record_file import BrokenRecordError, read_record_file

STATES: tuple[State, ...] = get_args(State)
_LONGEST_MESSAGE = 1000


@dataclass(frozen=True, slots=True)
class Trial:
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
    outcome: Outcome

    @property
    def accuracy(self) -> float | None:
        """Of a complete trial."""
        return self.outcome.accuracy

    @property
    def images(self) -> int:
        """Training images seen, also by a trial that went wrong."""
        return self.outcome.epochs[-1].samples if self.outcome.epochs else self.since


def read_trial(path: Path) -> Trial:
    """The figures of one record.

    Raises:
        BrokenRecordError: it is not what was written.
    """
    file = read_record_file(path)
    cost, outcome = file.cost, file.outcome
    samples, since = file.field("samples"), file.field("since")
    found = Trial(
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
