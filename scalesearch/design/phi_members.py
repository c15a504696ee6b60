"""Enumerate the distinct networks of a family over real φ, which may be negative.

The members of a family usually have integer φ, but d = α^φ, w = β^φ, r = γ^φ (Tan & Le 2019, eq. 3) hold for any
real φ. A negative φ gives networks smaller than the baseline (requested in qubvel/efficientnet#26).
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
from scalesearch.design.images import ImageSize
from scalesearch.design.matching import Shape, nearest_sides
from scalesearch.design.scaling import Baseline, scaled
from scalesearch.errors import SpaceError

STEP = Decimal("0.001")
"""The step of φ. One step changes the target cost by 0.07 %, which is less than one pixel does."""


@dataclass(frozen=True, slots=True)
class PhiMember:
    """A φ member is one distinct network of the family; equal networks are one member."""

    phi: Decimal
    """The φ whose 2^φ is nearest to the measured cost, of all φ that give this network."""
    shape: Shape
    resolution: ImageSize
    macs: int
    params: int

    def network(self, baseline: Architecture) -> Architecture:
        """Return the architecture of this member."""
        return baseline.resized(*self.shape, self.resolution)


def phi_members(
    baseline: Baseline,
    coefficients: Coefficients,
    rule: str,
    lowest: Decimal = LOWEST_PHI,
    highest: Decimal = HIGHEST_PHI,
) -> tuple[PhiMember, ...]:
    """Return the distinct networks at φ = lowest … highest in steps of `STEP`, by ascending multiply-adds.

    At each φ, the depths and widths are those of α^φ and β^φ, rounded by `rule`. The image side is the one at
    which the measured multiply-adds are nearest to 2^φ × the baseline's, as in `family`. It is at least the
    baseline's for φ ≥ 0, and at most the baseline's for φ < 0. Of networks with equal multiply-adds, the one with
    fewer parameters comes later. The list ends early where a size would be out of range.
    """
    rounding = replace(baseline.rounding, rule=rule)
    base = baseline.architecture

    def shape(index: int) -> Shape:
        multipliers = coefficients.at(index * STEP)
        network = scaled(base, Multipliers(multipliers.depth, multipliers.width), rounding)
        return network.widths, network.depths

    first, last = (int(phi / STEP) for phi in (lowest, highest))
    last = _last_valid(shape, first, last)
    # At φ = 0 the multipliers are exactly 1 and rounding changes nothing, so both neighbours may differ in shape.
    ranges = [(first, min(-1, last)), (max(0, first), min(0, last)), (max(1, first), last)]
    shapes = [entry for low, high in ranges if low <= high for entry in _shapes(shape, low, high)]
    phis = np.arange(first, last + 1, dtype=np.float64) * float(STEP)
    widths, depths = (np.array(sizes, dtype=np.int64) for sizes in zip(*shapes, strict=True))
    sides = nearest_sides(base, widths, depths, np.exp2(phis), phis < 0)
    costs = cost_grid(base, widths, depths, sides)
    macs, params = np.asarray(costs.macs), np.asarray(costs.params)
    base_macs = cost(base).macs
    members: dict[tuple[Shape, ImageSize], PhiMember] = {}
    for row, key in enumerate(zip(shapes, map(base.proportional, sides.tolist()), strict=True)):
        member = PhiMember((first + row) * STEP, *key, int(macs[row]), int(params[row]))
        known = members.get(key)
        if known is None or _phi_error(member, base_macs) < _phi_error(known, base_macs):
            members[key] = member
    return tuple(sorted(members.values(), key=lambda member: (member.macs, -member.params)))


def _phi_error(member: PhiMember, base_macs: int) -> float:
    return abs(log2(member.macs / base_macs) - float(member.phi))


def _shapes(shape: Callable[[int], Shape], low: int, high: int) -> list[Shape]:
    """Return the shapes at low … high.

    No size shrinks as φ grows. Where the shapes at both ends of a range are equal, all shapes between are equal
    too, and are not computed. For B0 that takes about four thousand roundings in place of fourteen thousand.
    """
    shapes = {low: shape(low), high: shape(high)}
    open_ranges = [(low, high)]
    while open_ranges:
        left, right = open_ranges.pop()
        if shapes[left] == shapes[right]:
            shapes.update(dict.fromkeys(range(left + 1, right), shapes[left]))
        elif right - left > 1:
            middle = (left + right) // 2
            shapes[middle] = shape(middle)
            open_ranges += [(left, middle), (middle, right)]
    return [shapes[index] for index in range(low, high + 1)]


def _last_valid(shape: Callable[[int], Shape], low: int, high: int) -> int:
    """Return the largest index whose sizes are in range; those of `low` must be."""
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
