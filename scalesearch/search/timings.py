"""Measured latency as facts of a study: timed once, before the plan, which then needs neither torch nor a clock.

Time is no closed form of a network's sizes, so the px at which a network takes a wanted multiple of the baseline's
time is looked for by timing a few sizes of it. What times networks is an argument; `nets.timings` has the real one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import exp, log

from scalesearch.design.architecture import Architecture
from scalesearch.design.factory import Network
from scalesearch.design.matching import Shape, match_resolutions, sides_from
from scalesearch.errors import SpaceError

TIMED_TOLERANCE = Decimal("0.1")
"""Networks whose latency is within 10 % of the wanted one count as matched. It is no multiple of the spread, or a
noisy machine would let more pass."""

CLOSE = 0.03
"""A side whose time is this near to the wanted one is not refined."""
ROUNDS = 5
"""At most so many sides of a shape are timed."""

Clock = Callable[[Sequence[Architecture]], Sequence[float]]
"""Times networks in turns with the baseline: the time of each over the baseline's, in their order."""


@dataclass(frozen=True, slots=True)
class Timed:
    """A network and the time that it took."""

    widths: tuple[int, ...]
    depths: tuple[int, ...]
    resolution: int
    """px"""
    nanoseconds: int
    """Median of the runs."""
    spread: int
    """Nanoseconds from the first to the third quartile of the runs."""
    ratio: Decimal
    """Median over the turns of its time over the baseline's in the same turn."""

    def __post_init__(self) -> None:
        if self.nanoseconds < 1 or not (self.ratio.is_finite() and self.ratio > 0):
            raise SpaceError(f"time is {self.nanoseconds} ns, {self.ratio} × the baseline's, but must be above 0")


@dataclass(frozen=True, slots=True)
class Timings:
    """The baseline and every shape of a grid at the px that was found for it, timed in the same turns."""

    device: str
    """`CPU`, or the GPU's name; the study's environment names the processor."""
    batch: int
    threads: int
    """Of the CPU."""
    runs: int
    """Turns that the figures come from, warm-up left out."""
    base: Timed
    entries: tuple[Timed, ...]

    @property
    def conditions(self) -> str:
        """How it was measured, in words."""
        threads = "1 thread" if self.threads == 1 else f"{self.threads} threads"
        return f"batch {self.batch}, {self.device}, {threads}, median of {self.runs} turns"

    def entry(self, shape: Shape) -> Timed:
        """What was measured of a shape.

        Raises:
            SpaceError: it was not timed.
        """
        for one in self.entries:
            if (one.widths, one.depths) == shape:
                return one
        raise SpaceError(f"network with layers {shape[1]} was not timed; begin the study anew")

    def ratio(self, network: Network) -> Decimal:
        """The network's latency over the baseline's."""
        assert isinstance(network, Architecture), "Python functions are not timed"
        return self.entry((network.widths, network.depths)).ratio


def match_times(
    baseline: Architecture, shapes: Sequence[Shape], ratio: Decimal, clock: Clock, grows: bool = True
) -> list[Architecture]:
    """For every shape the network whose time is nearest to ratio × the baseline's, of those that are timed.

    All shapes are timed in turns with the baseline, first at the px that matches the multiply-adds; from then on
    each at the px where its own times so far say that the wanted one lies, by interpolation on logarithms within
    the bracket that they form. The resolution is never below the baseline's, and is the baseline's where it does
    not grow; of two that are equally near, the smaller is taken.
    """
    start = match_resolutions(baseline, shapes, ratio, grows)
    if not grows:
        return start
    sides, wanted = sides_from(baseline, ratio), float(ratio)
    known: list[dict[int, float]] = [{} for _ in shapes]
    guesses: dict[int, int | None] = {i: sides.index(one.resolution) for i, one in enumerate(start)}
    for _ in range(ROUNDS):
        due = {i: place for i, place in guesses.items() if place is not None}
        if not due:
            break
        times = clock([baseline.resized(*shapes[i], sides[place]) for i, place in due.items()])
        for i, time in zip(due, times, strict=True):
            known[i][due[i]] = time / wanted
        guesses = {i: _next_place(known[i], sides) for i in due}
    nearest = [min(found, key=lambda place: (abs(found[place] - 1), place)) for found in known]
    return [baseline.resized(*shape, sides[place]) for shape, place in zip(shapes, nearest, strict=True)]


def _next_place(known: Mapping[int, float], sides: Sequence[int]) -> int | None:
    """The place among the sides to time next; None: the bracket is closed, or one is near enough.

    Args:
        known: times over the wanted one, by place.
        sides: px, rising.
    """
    if min(abs(time - 1) for time in known.values()) <= CLOSE:
        return None
    short = max((place for place, time in known.items() if time < 1), default=-1)
    long = min((place for place, time in known.items() if time >= 1), default=len(sides))
    if long - short <= 1:  # neighbours, the end of the sides, or times out of order: noise decides no further
        return None
    power = _power(known, sides, short, long)
    nearest = min((place for place in (short, long) if place in known), key=lambda place: abs(log(known[place])))
    side = sides[nearest] * exp(-log(known[nearest]) / power)
    place = min(range(len(sides)), key=lambda one: abs(sides[one] - side))
    return min(max(place, short + 1), long - 1)


def _power(known: Mapping[int, float], sides: Sequence[int], short: int, long: int) -> float:
    """The exponent by which time grows with the side, from the two timed places nearest to the goal; else 2."""
    near = sorted(known, key=lambda place: abs(log(known[place])))[:2]
    if short in known and long in known:
        near = [short, long]
    if len(near) < 2:
        return 2.0
    first, second = near
    grown = log(known[second] / known[first]) / log(sides[second] / sides[first])
    return min(max(grown, 0.25), 8.0)
