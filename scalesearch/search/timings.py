"""Matches latency: measurements are taken once, before the plan, which then needs neither torch nor a timer.

Latency has no closed form in a network's sizes, so the size that takes a target multiple of the baseline's time is
searched by timing a few networks. The timer is an argument; `nets.timings` has the real one.
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
"""Networks whose latency is within 10 % of the target count as matched. The tolerance is no multiple of the spread,
because then a noisy machine would accept more networks."""

CLOSE = 0.03
"""A size whose time is this near to the target is not refined."""
ROUNDS = 5
"""The most sizes of a network that are timed."""

RelativeTimer = Callable[[Sequence[Architecture]], Sequence[float]]
"""Times networks in turns with the baseline, and returns each one's time over the baseline's, in their order."""


@dataclass(frozen=True, slots=True)
class LatencyMeasurement:
    """Holds a network's sizes and its measured time."""

    widths: tuple[int, ...]
    depths: tuple[int, ...]
    resolution: int
    """Side in px."""
    nanoseconds: int
    """Median time of the runs."""
    spread: int
    """Nanoseconds from the first to the third quartile of the runs."""
    ratio: Decimal
    """Median, over the turns, of the network's time over the baseline's in the same turn."""

    def __post_init__(self) -> None:
        if self.nanoseconds < 1 or not (self.ratio.is_finite() and self.ratio > 0):
            raise SpaceError(f"time is {self.nanoseconds} ns, {self.ratio} × the baseline's, but must be above 0")


@dataclass(frozen=True, slots=True)
class LatencyTable:
    """Holds the measurements of the baseline and of every network matched in latency, from the same turns."""

    device: str
    """`CPU`, or the GPU's name; the study's environment names the processor."""
    batch: int
    threads: int
    """Number of CPU threads."""
    runs: int
    """Number of turns, without warm-up."""
    base: LatencyMeasurement
    entries: tuple[LatencyMeasurement, ...]
    """One measurement for each shape of a grid, or for each rule of a comparison, in their order."""

    @property
    def conditions(self) -> str:
        """The conditions of the measurement as text."""
        threads = "1 thread" if self.threads == 1 else f"{self.threads} threads"
        return f"batch {self.batch}, {self.device}, {threads}, median of {self.runs} turns"

    def entry(self, shape: Shape) -> LatencyMeasurement:
        """Return the measurement of a shape.

        Raises:
            SpaceError: the shape was not timed.
        """
        for entry in self.entries:
            if (entry.widths, entry.depths) == shape:
                return entry
        raise SpaceError(f"network with layers {shape[1]} was not timed; begin the study anew")

    def ratio(self, network: Network) -> Decimal:
        """Return the network's latency over the baseline's.

        Raises:
            SpaceError: the network was not timed.
        """
        assert isinstance(network, Architecture), "Python functions are not timed"
        for entry in self.entries:
            if (entry.widths, entry.depths, entry.resolution) == (
                network.widths,
                network.depths,
                network.resolution,
            ):
                return entry.ratio
        raise SpaceError(f"network with layers {network.depths} was not timed; begin the study anew")


@dataclass(frozen=True, slots=True)
class ScalingPath:
    """Lists networks of growing size, along which the one with a target time is searched."""

    extents: Sequence[float]
    """The size of each network, rising: its side (px), or its nominal cost."""
    at: Callable[[int], Architecture]
    """Returns the network at an index into `extents`."""
    start: int
    """The index of the network that is timed first."""
    power: float
    """Time grows roughly as this power of the extent; used until two networks are timed."""


def shape_paths(baseline: Architecture, shapes: Sequence[Shape], ratio: Decimal, grows: bool) -> list[ScalingPath]:
    """Return one path a shape: at every px from the baseline's upwards or, for a ratio below 1, downwards.

    Each path starts at the px that matches the multiply-adds.

    Args:
        baseline: the network that the ratio is relative to.
        shapes: widths and depths.
        ratio: the target latency over the baseline's.
        grows: whether the resolution may change; otherwise it is the baseline's.
    """
    matched = match_resolutions(baseline, shapes, ratio, grows)
    sides = sides_from(baseline, ratio) if grows else (baseline.side,)
    largest_side = baseline.side * float(ratio) ** log2(LARGEST_COEFFICIENT)  # γ^φ, or γ would be too large
    sides = tuple(side for side in sides if (side >= largest_side if ratio < 1 else side <= largest_side))
    return [
        ScalingPath(sides, partial(_network_at_side, baseline, shape, sides), sides.index(network.side), 2.0)
        for shape, network in zip(shapes, matched, strict=True)
    ]


def _network_at_side(baseline: Architecture, shape: Shape, sides: Sequence[int], index: int) -> Architecture:
    return baseline.resized(*shape, sides[index])


def match_times(paths: Sequence[ScalingPath], ratio: Decimal, timer: RelativeTimer) -> list[Architecture]:
    """Return, for every path, the timed network whose time is nearest to ratio × the baseline's.

    All paths are timed in turns with the baseline, first at their starts. The next size of a path is where its own
    times so far predict the target, by interpolation of logarithms within the bracket that they form. Of two
    equally near networks, the smaller is returned. A path with one network only is not timed.
    """
    target = float(ratio)
    known: list[dict[int, float]] = [{} for _ in paths]
    guesses = {i: path.start for i, path in enumerate(paths) if len(path.extents) > 1}
    for _ in range(ROUNDS):
        if not guesses:
            break
        times = timer([paths[i].at(index) for i, index in guesses.items()])
        for (i, index), time in zip(guesses.items(), times, strict=True):
            known[i][index] = time / target
        next_guesses = {i: _next_index(known[i], paths[i]) for i in guesses}
        guesses = {i: index for i, index in next_guesses.items() if index is not None}
    return [path.at(_nearest_index(times, path.start)) for path, times in zip(paths, known, strict=True)]


def _nearest_index(known: Mapping[int, float], start: int) -> int:
    return min(known, key=lambda index: (abs(known[index] - 1), index), default=start)


def _next_index(known: Mapping[int, float], path: ScalingPath) -> int | None:
    """Return the index to time next; None: the bracket is closed, or one network is near enough.

    Args:
        known: times over the target, by index.
        path: the path that the indices belong to.
    """
    if min(abs(time - 1) for time in known.values()) <= CLOSE:
        return None
    extents = path.extents
    lower = max((index for index, time in known.items() if time < 1), default=-1)
    upper = min((index for index, time in known.items() if time >= 1), default=len(extents))
    # Neighbours, the end of the path, or times out of order because of noise: nothing is left to refine.
    if upper - lower <= 1:
        return None
    power = _estimate_power(known, path, lower, upper)
    nearest = min((index for index in (lower, upper) if index in known), key=lambda index: abs(log(known[index])))
    extent = extents[nearest] * exp(-log(known[nearest]) / power)
    index = min(range(len(extents)), key=lambda i: abs(extents[i] - extent))
    return min(max(index, lower + 1), upper - 1)


def _estimate_power(known: Mapping[int, float], path: ScalingPath, lower: int, upper: int) -> float:
    """Return the exponent by which time grows with the extent, from the bracket or the two nearest networks."""
    bracket = sorted(known, key=lambda index: abs(log(known[index])))[:2]
    if lower in known and upper in known:
        bracket = [lower, upper]
    if len(bracket) < 2:
        return path.power
    left, right = bracket
    power = log(known[right] / known[left]) / log(path.extents[right] / path.extents[left])
    return min(max(power, path.power / 8), path.power * 4)
