"""Every network that a family passes through while φ grows: real φ, also below 0 (smaller than the baseline).

A family is usually named by whole φ, but nothing in d = α^φ, w = β^φ, r = γ^φ asks for that (Tan & Le 2019,
eq. 3); a negative φ shrinks the baseline (asked in qubvel/efficientnet#26).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from math import log2

import numpy as np

from scalesearch.design.architecture import Architecture
from scalesearch.design.coefficients import HIGHEST_PHI, LOWEST_PHI, Coefficients, Multipliers
from scalesearch.design.cost import cost, cost_grid
from scalesearch.design.matching import Shape, nearest_sides
from scalesearch.design.scaling import Baseline, scaled
from scalesearch.errors import SpaceError

STEP = Decimal("0.001")
"""φ is taken in thousandths: one step changes the wanted cost by 0.07 %, less than one pixel does."""


@dataclass(frozen=True, slots=True)
class PhiMember:
    """One network of the family; equal networks are one member."""

    phi: Decimal
    """Of all φ that give this network, the one whose 2^φ is nearest to its measured cost."""
    shape: Shape
    resolution: int
    macs: int
    params: int

    def network(self, baseline: Architecture) -> Architecture:
        """The network itself."""
        return baseline.resized(*self.shape, self.resolution)


def phi_members(
    baseline: Baseline,
    coefficients: Coefficients,
    rule: str,
    lowest: Decimal = LOWEST_PHI,
    highest: Decimal = HIGHEST_PHI,
) -> tuple[PhiMember, ...]:
    """The distinct networks at φ = lowest … highest in thousandths, from the fewest multiply-adds to the most.

    At each φ the depths and widths are those of α^φ and β^φ, rounded by `rule`; the side is the one at which
    the network's measured multiply-adds are nearest to 2^φ × the baseline's (as in `family`), from the
    baseline's own upwards for φ ≥ 0 and downwards for φ < 0. Of networks with as many multiply-adds the one
    with fewer parameters stands later. The list ends early where a size would leave its range.
    """
    rounding = replace(baseline.rounding, rule=rule)
    base = baseline.architecture

    def shape(index: int) -> Shape:
        by = coefficients.at(index * STEP)
        network = scaled(base, Multipliers(by.depth, by.width), rounding)
        return network.widths, network.depths

    first, last = (int(phi / STEP) for phi in (lowest, highest))
    last = _last_valid(shape, first, last)
    # The multipliers of φ = 0 are exactly 1, where rounding changes nothing: a shape of its own.
    edges = [(first, min(-1, last)), (max(0, first), min(0, last)), (max(1, first), last)]
    shapes = [one for low, high in edges if low <= high for one in _shapes(shape, low, high)]
    phis = np.arange(first, last + 1, dtype=np.float64) * float(STEP)
    widths, depths = (np.array(sizes, dtype=np.int64) for sizes in zip(*shapes, strict=True))
    sides = nearest_sides(base, widths, depths, np.exp2(phis), phis < 0)
    counted = cost_grid(base, widths, depths, sides)
    macs, params = np.asarray(counted.macs), np.asarray(counted.params)
    own = cost(base).macs
    found: dict[tuple[Shape, int], PhiMember] = {}
    for row, key in enumerate(zip(shapes, sides.tolist(), strict=True)):
        one = PhiMember((first + row) * STEP, *key, int(macs[row]), int(params[row]))
        known = found.get(key)
        if known is None or _off(one, own) < _off(known, own):
            found[key] = one
    return tuple(sorted(found.values(), key=lambda one: (one.macs, -one.params)))


def _off(member: PhiMember, own: int) -> float:
    return abs(log2(member.macs / own) - float(member.phi))


def _shapes(shape: Callable[[int], Shape], low: int, high: int) -> list[Shape]:
    """The shapes at low … high.

    Every size grows with φ or stays, so where both ends are equal all between are: about four thousand
    roundings instead of fourteen thousand for B0.
    """
    found = {low: shape(low), high: shape(high)}
    open_ranges = [(low, high)]
    while open_ranges:
        left, right = open_ranges.pop()
        if found[left] == found[right]:
            found.update(dict.fromkeys(range(left + 1, right), found[left]))
        elif right - left > 1:
            middle = (left + right) // 2
            found[middle] = shape(middle)
            open_ranges += [(left, middle), (middle, right)]
    return [found[index] for index in range(low, high + 1)]


def _last_valid(shape: Callable[[int], Shape], low: int, high: int) -> int:
    """The largest index whose sizes are in range; that of `low` must be."""
    shape(low)
    while low < high:
        middle = (low + high + 1) // 2
        try:
            shape(middle)
        except SpaceError:
            high = middle - 1
        else:
            low = middle
    return low
