"""Measured latency as facts of a study: timed once, before the plan, which then needs neither torch nor a clock.

Time is no closed form of a network's sizes, so the size that takes a wanted multiple of the baseline's time is
looked for by timing a few. What times networks is an argument; `nets.timings` has the real one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from math import exp, log, log2

from scalesearch.design.architecture import Architecture
from scalesearch.design.coefficients import LARGEST_COEFFICIENT
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

RelativeTimer = Callable[[Sequence[Architecture]], Sequence[float]]
"""Times networks in turns with the baseline: the time of each over the baseline's, in their order."""


@dataclass(frozen=True, slots=True)
class LatencyMeasurement:
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
class LatencyTable:
    """The baseline and every network that was found to take the wanted time, timed in the same turns."""

    device: str
    """`CPU`, or the GPU's name; the study's environment names the processor."""
    batch: int
    threads: int
    """Of the CPU."""
    runs: int
    """Turns that the figures come from, warm-up left out."""
    base: LatencyMeasurement
    entries: tuple[LatencyMeasurement, ...]
    """One for each shape of a grid, or for each rule of a comparison, in their order."""

    @property
    def conditions(self) -> str:
        """How it was measured, in words."""
        threads = "1 thread" if self.threads == 1 else f"{self.threads} threads"
        return f"batch {self.batch}, {self.device}, {threads}, median of {self.runs} turns"

    def entry(self, shape: Shape) -> LatencyMeasurement:
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
        for one in self.entries:
            if (one.widths, one.depths, one.resolution) == (network.widths, network.depths, network.resolution):
                return one.ratio
        raise SpaceError(f"network with layers {network.depths} was not timed; begin the study anew")


@dataclass(frozen=True, slots=True)
class ScalingPath:
    """Networks in the order in which they grow, of which one is to take a wanted time."""

    extents: Sequence[float]
    """How large each is, rising: its side (px), or its nominal cost."""
    at: Callable[[int], Architecture]
    """The network of a place among the extents."""
    start: int
    """The place that is timed first."""
    power: float
    """Time grows about as this power of the extent; two timed places say it better."""


def shape_paths(baseline: Architecture, shapes: Sequence[Shape], ratio: Decimal, grows: bool) -> list[ScalingPath]:
    """Each shape at every px from the baseline's on, or for a ratio below 1 up to it.

    First is the px that matches the multiply-adds.

    Args:
        baseline: what the ratio is of.
        shapes: widths and depths.
        ratio: the wanted latency over the baseline's.
        grows: whether the resolution may change at all; else it is the baseline's.
    """
    matched = match_resolutions(baseline, shapes, ratio, grows)
    sides = sides_from(baseline, ratio) if grows else (baseline.resolution,)
    last = baseline.resolution * float(ratio) ** log2(LARGEST_COEFFICIENT)  # γ^φ, or γ would be too large
    sides = tuple(side for side in sides if (side >= last if ratio < 1 else side <= last))
    return [
        ScalingPath(sides, partial(_at_side, baseline, shape, sides), sides.index(one.resolution), 2.0)
        for shape, one in zip(shapes, matched, strict=True)
    ]


def _at_side(baseline: Architecture, shape: Shape, sides: Sequence[int], place: int) -> Architecture:
    return baseline.resized(*shape, sides[place])


def match_times(lines: Sequence[ScalingPath], ratio: Decimal, clock: RelativeTimer) -> list[Architecture]:
    """On every line the network whose time is nearest to ratio × the baseline's, of those that are timed.

    All lines are timed in turns with the baseline, first at their starts; from then on each at the place where its
    own times so far say that the wanted one lies, by interpolation on logarithms within the bracket that they form.
    Of two that are equally near, the smaller is taken; what has one place alone is not timed.
    """
    wanted = float(ratio)
    known: list[dict[int, float]] = [{} for _ in lines]
    guesses = {i: line.start for i, line in enumerate(lines) if len(line.extents) > 1}
    for _ in range(ROUNDS):
        if not guesses:
            break
        times = clock([lines[i].at(place) for i, place in guesses.items()])
        for (i, place), time in zip(guesses.items(), times, strict=True):
            known[i][place] = time / wanted
        following = {i: _next_place(known[i], lines[i]) for i in guesses}
        guesses = {i: place for i, place in following.items() if place is not None}
    return [line.at(_nearest(times, line.start)) for line, times in zip(lines, known, strict=True)]


def _nearest(known: Mapping[int, float], start: int) -> int:
    return min(known, key=lambda place: (abs(known[place] - 1), place), default=start)


def _next_place(known: Mapping[int, float], line: ScalingPath) -> int | None:
    """The place to time next; None: the bracket is closed, or one is near enough.

    Args:
        known: times over the wanted one, by place.
        line: what the places are of.
    """
    if min(abs(time - 1) for time in known.values()) <= CLOSE:
        return None
    extents = line.extents
    short = max((place for place, time in known.items() if time < 1), default=-1)
    long = min((place for place, time in known.items() if time >= 1), default=len(extents))
    if long - short <= 1:  # neighbours, the end of the line, or times out of order: noise decides no further
        return None
    power = _power(known, line, short, long)
    nearest = min((place for place in (short, long) if place in known), key=lambda place: abs(log(known[place])))
    extent = extents[nearest] * exp(-log(known[nearest]) / power)
    place = min(range(len(extents)), key=lambda one: abs(extents[one] - extent))
    return min(max(place, short + 1), long - 1)


def _power(known: Mapping[int, float], line: ScalingPath, short: int, long: int) -> float:
    """The exponent by which time grows with the extent, from the two timed places nearest to the goal."""
    near = sorted(known, key=lambda place: abs(log(known[place])))[:2]
    if short in known and long in known:
        near = [short, long]
    if len(near) < 2:
        return line.power
    first, second = near
    grown = log(known[second] / known[first]) / log(line.extents[second] / line.extents[first])
    return min(max(grown, line.power / 8), line.power * 4)
