"""Defines the search space of a sampler, for any kind of point: (α, β), or the choices of every stage."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeVar

from scalesearch.design.architecture import Architecture
from scalesearch.errors import SpaceError

DIRECTIONS: dict[str, Literal["maximize", "minimize"]] = {
    "accuracy": "maximize",
    "reward": "maximize",
    "macs": "minimize",
    "params": "minimize",
    "latency": "minimize",
    "step": "minimize",
}
"""The possible objectives and their directions; all but accuracy and reward refer to the network, not its proxy."""

TRIES = 10
"""A search ends after this many suggestions for each one that it needs within the limits."""


@dataclass(frozen=True, slots=True)
class Interval:
    """Defines a continuous dimension: numbers are drawn uniformly, or log-uniformly where `log` is true."""

    low: float
    high: float
    log: bool = False


Dimension = Interval | tuple[str, ...]
"""A dimension of a search space: an interval of numbers, or unordered categories."""


@dataclass(frozen=True, slots=True)
class ConstraintCheck:
    """Holds the network of a suggestion and its constraint values, which are known before training."""

    network: Architecture
    excess: tuple[tuple[str, float], ...]
    """The relative excess over each limit; above 0 the limit is violated. All suggestions have the same limits."""

    @property
    def violated(self) -> tuple[str, ...]:
        """The names of the limits that are violated."""
        return tuple(name for name, value in self.excess if value > 0)


@dataclass(frozen=True, slots=True)
class RelativeTime:
    """Holds the measured time of a network, which is taken once, before training."""

    seconds: float
    """The median time."""
    ratio: float
    """The median, over the turns, of the network's time over the baseline's in the same turn."""

    def __post_init__(self) -> None:
        if not (self.seconds > 0 and self.ratio > 0):
            raise SpaceError(f"time is {self.seconds} s, {self.ratio} × the baseline's, but must be above 0")


@dataclass(frozen=True, slots=True)
class TimingRequest:
    """Describes the measurement to take of every suggested network."""

    what: Literal["latency", "step"]
    """The quantity: a forward pass of one image, or a training step."""
    baseline: Architecture
    """The network that ratios are relative to."""
    batch: int
    """Images of a training step."""


Timer = Callable[[TimingRequest, Sequence[Architecture]], list[RelativeTime]]
"""Times networks in turns with the baseline, and returns the times in the order of the networks."""

_Point = TypeVar("_Point")


class SamplerSpace(Protocol[_Point]):
    """Defines a search space for a sampler: its dimensions, the networks of its points, and the objectives."""

    @property
    def sampler(self) -> str:
        """The name of the sampler."""
        ...

    @property
    def seed(self) -> int:
        """The random seed of the sampler."""
        ...

    @property
    def objectives(self) -> tuple[str, ...]:
        """The objectives that are reported to the sampler; keys of `DIRECTIONS`."""
        ...

    @property
    def repeats(self) -> bool:
        """Whether a second suggestion of the same network counts toward the number of suggestions."""
        ...

    @property
    def timing(self) -> TimingRequest | None:
        """The measurement to take of each network; None: none."""
        ...

    def dimensions(self) -> Mapping[str, Dimension]:
        """Return the dimensions by name."""
        ...

    def point(self, drawn: Mapping[str, Any]) -> _Point:
        """Return the suggestion for the drawn values."""
        ...

    def parameters(self, point: _Point) -> dict[str, float | str]:
        """Return the values for which a sampler would have drawn this suggestion."""
        ...

    def check_constraints(self, points: Sequence[_Point]) -> list[ConstraintCheck]:
        """Return the networks of suggestions and their constraint values, in closed form, without training."""
        ...

    def timed(self, point: _Point, time: RelativeTime | None) -> _Point:
        """Return the suggestion with the measured time of its network."""
        ...

    def time(self, point: _Point) -> RelativeTime | None:
        """Return the time that was passed to `timed`."""
        ...
