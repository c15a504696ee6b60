"""Enumerates the grid: every (α, β, γ) whose nominal cost αβ²γ² is near 2 (Tan & Le 2019, section 3.3)."""

from __future__ import annotations

from decimal import Decimal
from math import isqrt

from scalesearch.design.coefficients import AXES, Coefficients
from scalesearch.errors import SpaceError

LARGEST = 2
"""The largest coefficient: α = 2 alone doubles the cost. The constraint itself limits β and γ to about √2."""

SMALLEST_STEP = Decimal("0.005")


def triples(step: Decimal, tolerance: Decimal, axes: tuple[str, ...] = AXES) -> tuple[Coefficients, ...]:
    """Return all grid points 1 + i·step with |αβ²γ² − 2| ≤ tolerance, in order of α, β, γ, in exact arithmetic.

    Args:
        step: grid spacing, in 0.005 … 0.5.
        tolerance: how far the product may be from 2, in 0 … 1.
        axes: the dimensions that are scaled; the coefficient of any other stays 1.

    Raises:
        SpaceError: a value outside its range, or a grid without any point that passes.
    """
    if not (step.is_finite() and SMALLEST_STEP <= step <= Decimal("0.5")):
        raise SpaceError(f"step is {step}, but it must be in {SMALLEST_STEP} … 0.5")
    if not (tolerance.is_finite() and 0 <= tolerance <= 1):
        raise SpaceError(f"tolerance is {tolerance}, but it must be in 0 … 1")
    # Integers in units of 10^-digits: exact, and fast enough for a million points.
    digits = max(0, -int(step.as_tuple().exponent), -int(tolerance.as_tuple().exponent))
    unit = 10**digits
    stride, slack = int(step * unit), int(tolerance * unit) * unit**4
    target = LARGEST * unit**5
    ranges = [range(unit, LARGEST * unit + 1, stride) if axis in axes else [unit] for axis in AXES]
    points = []
    for alpha in ranges[0]:
        for beta in ranges[1]:
            low = isqrt(max(0, target - slack) // (alpha * beta**2))
            high = isqrt((target + slack) // (alpha * beta**2)) + 1
            for gamma in ranges[2]:
                if gamma < low:
                    continue
                if gamma > high:
                    break
                if abs(alpha * beta**2 * gamma**2 - target) <= slack:
                    points.append(Coefficients(*(Decimal(value) / unit for value in (alpha, beta, gamma))))
    if not points:
        raise SpaceError(f"step {step} with tolerance {tolerance} leaves no (α, β, γ); widen the tolerance")
    return tuple(points)
