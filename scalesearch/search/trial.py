"""What one trial is: a network, a task, a data set and a seed; its id is the hash of these."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Literal, Protocol

from scalesearch.design.factory import Network
from scalesearch.design.serialization import OMIT_IF_DEFAULT
from scalesearch.search.canonical import digest
from scalesearch.search.metrics import ACCURACY
from scalesearch.search.task import Epoch, Recipe

State = Literal["complete", "diverged", "failed", "oom", "stalled"]
"""How a trial ended. A failure is a state of its own, never an accuracy of 0."""

FAILURES: tuple[State, ...] = ("failed", "oom", "stalled")
"""States that say something about the machine, not about the network."""


@dataclass(frozen=True, slots=True)
class TrialSpec:
    """Everything that decides a trial's numbers, besides the environment."""

    network: Network
    """The network that the trial stands for, at its own size."""
    proxy: Network
    """The small network that is trained."""
    recipe: Recipe
    data: str
    """Fingerprint of the data set."""
    seed: int
    samples: int | None = field(default=None, metadata=OMIT_IF_DEFAULT)
    """Training images seen when the trial stops, on a rung of successive halving; None: the recipe's whole."""
    since: int = field(default=0, metadata=OMIT_IF_DEFAULT)
    """Of these, seen on an earlier rung: training goes on from its checkpoint. Where that is gone it begins anew,
    to the same numbers."""
    metric: str = field(default=ACCURACY, metadata=OMIT_IF_DEFAULT)
    """What is measured beside accuracy, and ranked by; see `metrics`."""

    @property
    def id(self) -> str:
        """16 hex digits; equal for equal trials, on every machine."""
        return _id(self)

    @property
    def checkpoint_id(self) -> str:
        """16 hex digits; equal for the same training on every rung: the name of its checkpoints."""
        return _id(replace(self, samples=None, since=0))

    def recorded_epochs(self, epochs: Iterable[Epoch]) -> tuple[Epoch, ...]:
        """Those of a training's epochs that belong to the trial's record.

        Where an earlier rung's checkpoint is gone, training begins at 0; what comes before `since` is that rung's.
        """
        return tuple(epoch for epoch in epochs if epoch.samples > self.since)

    @property
    def network_id(self) -> str:
        """16 hex digits; equal for all trials of one network."""
        return _network_id(self.network)


@lru_cache(maxsize=2**14)
def _id(spec: TrialSpec) -> str:
    """Remembered: a study asks for its trials' ids again and again."""
    return digest(spec)


@lru_cache(maxsize=2**14)
def _network_id(network: Network) -> str:
    return digest(network)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a trial."""

    state: State
    epochs: tuple[Epoch, ...]
    seconds: float
    """Wall time that the trial held its slot."""
    training_seconds: float
    """Of these, in epochs."""
    message: str = ""
    """One line on what went wrong; empty for a complete trial."""

    @property
    def accuracy(self) -> float | None:
        """Validation accuracy after the last epoch of a complete trial."""
        return self.epochs[-1].val_accuracy if self.state == "complete" and self.epochs else None

    @property
    def score(self) -> float | None:
        """What a complete trial is ranked by: the study's metric after the last epoch; accuracy by default."""
        return self.epochs[-1].metric_value if self.state == "complete" and self.epochs else None


class TrialEndedError(Exception):
    """Raised by an objective whose trial cannot go on; `state` says how it ended."""

    def __init__(self, state: State, message: str) -> None:
        super().__init__(state, message)
        self.state = state
        self.message = message


class Objective(Protocol):
    """What a trial measures: the real one trains a proxy network, tests use planted ones.

    Must be picklable: a runner sends it to its workers once.
    """

    def __call__(self, spec: TrialSpec) -> Iterator[Epoch]:
        """The trial's epochs, one at a time; `TrialEndedError` where it cannot go on."""
        ...
