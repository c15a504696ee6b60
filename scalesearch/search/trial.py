"""Defines a trial: a network, a training task, a data set and a seed, whose hash is its id; and its outcome."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from math import inf, log
from typing import Literal, Protocol

from scalesearch.design.factory import Network
from scalesearch.design.serialization import OMIT_IF_DEFAULT, SHARED
from scalesearch.search.canonical import digest
from scalesearch.search.metrics import ACCURACY
from scalesearch.search.task import Epoch, Recipe

State = Literal["complete", "diverged", "failed", "oom", "stalled"]
"""How a trial ended. A failed trial has no accuracy, rather than an accuracy of 0."""

FAILURES: tuple[State, ...] = ("failed", "oom", "stalled")
"""The states that are caused by the machine, not by the network."""


@dataclass(frozen=True, slots=True)
class TrialSpec:
    """Specifies a trial: everything that determines its numbers, apart from the environment."""

    network: Network = field(metadata=SHARED)
    """The network that the trial represents, at its own size."""
    proxy: Network = field(metadata=SHARED)
    """The proxy that is trained."""
    recipe: Recipe = field(metadata=SHARED)
    data: str
    """Fingerprint of the data set."""
    seed: int
    samples: int | None = field(default=None, metadata=OMIT_IF_DEFAULT)
    """Training images seen when the trial stops, on a rung of successive halving; None: those of the recipe."""
    since: int = field(default=0, metadata=OMIT_IF_DEFAULT)
    """How many of these were seen on an earlier rung: training resumes from its checkpoint. Without the checkpoint,
    training starts from scratch and gives the same numbers."""
    metric: str = field(default=ACCURACY, metadata=OMIT_IF_DEFAULT)
    """The metric that ranks, and is measured in addition to accuracy; see `metrics`."""
    trunk: Network | None = field(default=None, metadata={**OMIT_IF_DEFAULT, **SHARED})
    """The unscaled proxy, from whose training with the same seed `proxy` is grown; None: from scratch."""

    @property
    def id(self) -> str:
        """The id of the trial, 16 hex digits; equal for equal trials, on every machine."""
        return _id(self)

    @property
    def checkpoint_id(self) -> str:
        """The name of the training's checkpoints, 16 hex digits; equal for the same training on every rung."""
        return _id(replace(self, samples=None, since=0))

    def recorded_epochs(self, epochs: Iterable[Epoch]) -> tuple[Epoch, ...]:
        """Return those of a training's epochs that belong to the trial's record.

        Where an earlier rung's checkpoint is missing, training starts at 0; epochs up to `since` belong to that
        rung.
        """
        return tuple(epoch for epoch in epochs if epoch.samples > self.since)

    @property
    def network_id(self) -> str:
        """The id of the network, 16 hex digits; equal for all its trials."""
        return network_id(self.network)

    @property
    def networks(self) -> dict[str, Network]:
        """The networks by the name of their field: `network`, `proxy`, and `trunk` where there is one."""
        trunk = {} if self.trunk is None else {"trunk": self.trunk}
        return {"network": self.network, "proxy": self.proxy, **trunk}


@lru_cache(maxsize=2**18)
def _id(spec: TrialSpec) -> str:
    """Cached, because a study needs its trials' ids again and again."""
    return digest(spec)


@lru_cache(maxsize=2**14)
def network_id(network: Network) -> str:
    """Return the id of a network, 16 hex digits; equal for equal networks, on every machine."""
    return digest(network)


@dataclass(frozen=True, slots=True)
class Outcome:
    """Holds the outcome of a trial."""

    state: State
    epochs: tuple[Epoch, ...]
    seconds: float
    """Wall time for which the trial held its slot."""
    training_seconds: float
    """The part of that time that was spent in epochs."""
    message: str = ""
    """One line about the error; empty for a complete trial."""

    @property
    def accuracy(self) -> float | None:
        """The validation accuracy after the last epoch; None for a trial that is not complete."""
        return self.epochs[-1].val_accuracy if self.state == "complete" and self.epochs else None

    @property
    def score(self) -> float | None:
        """The ranking metric after the last epoch, by default accuracy; None for a trial that is not complete."""
        return self.epochs[-1].metric_value if self.state == "complete" and self.epochs else None

    @property
    def log_loss(self) -> float | None:
        """The negated logarithm of the validation loss after the last epoch; None where it has no logarithm.

        It tells networks apart better than accuracy. The training loss (Ru et al. 2021, arXiv 2006.04492) does not
        serve networks that were grown: it is a mean over an epoch that begins with the disturbance of growing.
        """
        loss = None if self.score is None else self.epochs[-1].val_loss
        return -log(loss) if loss is not None and 0 < loss < inf else None


class TrialEndedError(Exception):
    """Raised by an objective whose trial cannot continue; `state` says how it ended."""

    def __init__(self, state: State, message: str) -> None:
        super().__init__(state, message)
        self.state = state
        self.message = message


class Objective(Protocol):
    """Trains and measures a trial: the real one trains a proxy network, tests use planted ones.

    It must be picklable: a runner sends it to its workers once.
    """

    def __call__(self, spec: TrialSpec) -> Iterator[Epoch]:
        """Yield the trial's epochs, one at a time; raise `TrialEndedError` if the trial cannot continue."""
        ...
