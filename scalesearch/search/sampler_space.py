"""What suggesting needs of a space, whatever is suggested in it: (α, β), or the choices of every stage."""

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
"""What may be sought, and which way; all but accuracy and reward are the network's own, not its proxy's."""

TRIES = 10
"""A search ends after so many suggestions for each that it wants within the limits."""


@dataclass(frozen=True, slots=True)
class Interval:
    """Real numbers of which one is drawn, evenly in their logarithm where `log`."""

    low: float
    high: float
    log: bool = False


Dimension = Interval | tuple[str, ...]
"""What a sampler draws from: numbers, or words that have no order."""


@dataclass(frozen=True, slots=True)
class ConstraintCheck:
    """What a suggestion comes to, before anything is trained."""

    network: Architecture
    excess: tuple[tuple[str, float], ...]
    """By how much of itself each limit is exceeded; above 0: broken. The same limits for every suggestion."""

    @property
    def violated(self) -> tuple[str, ...]:
        """The limits that are broken."""
        return tuple(name for name, value in self.excess if value > 0)


@dataclass(frozen=True, slots=True)
class RelativeTime:
    """What was measured of a network, once, before it is trained."""

    seconds: float
    """Median."""
    ratio: float
    """Median over the turns of its time over the baseline's in the same turn."""

    def __post_init__(self) -> None:
        if not (self.seconds > 0 and self.ratio > 0):
            raise SpaceError(f"time is {self.seconds} s, {self.ratio} × the baseline's, but must be above 0")


@dataclass(frozen=True, slots=True)
class TimingRequest:
    """What is to be measured of every suggested network."""

    what: Literal["latency", "step"]
    """A forward pass of one image, or a training step."""
    baseline: Architecture
    """What ratios are of."""
    batch: int
    """Images of a training step."""


Timer = Callable[[TimingRequest, Sequence[Architecture]], list[RelativeTime]]
"""Times networks in turns with the baseline, in their order."""

_Point = TypeVar("_Point")


class SamplerSpace(Protocol[_Point]):
    """A space that is searched by suggestions: what may be drawn, what it comes to, and what is sought."""

    @property
    def sampler(self) -> str:
        """Who suggests."""
        ...

    @property
    def seed(self) -> int:
        """Of the sampler."""
        ...

    @property
    def objectives(self) -> tuple[str, ...]:
        """What is told to the sampler; of `DIRECTIONS`."""
        ...

    @property
    def repeats(self) -> bool:
        """Whether a second suggestion of one network is one of those that are wanted."""
        ...

    @property
    def timing(self) -> TimingRequest | None:
        """What is measured of each network; None: nothing."""
        ...

    def dimensions(self) -> Mapping[str, Dimension]:
        """What is drawn, by name."""
        ...

    def point(self, drawn: Mapping[str, Any]) -> _Point:
        """The suggestion that the drawn values mean."""
        ...

    def parameters(self, point: _Point) -> dict[str, float | str]:
        """A suggestion as it would have been drawn."""
        ...

    def check_constraints(self, points: Sequence[_Point]) -> list[ConstraintCheck]:
        """The networks that suggestions mean, and how they stand to the limits; the closed form, no training."""
        ...

    def timed(self, point: _Point, time: RelativeTime | None) -> _Point:
        """The suggestion with what was measured of its network."""
        ...

    def time(self, point: _Point) -> RelativeTime | None:
        """What `timed` was given."""
        ...
