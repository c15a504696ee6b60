"""Converts between coefficients and the shares of a network's log-cost that go to depth, width and resolution."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import dist, log

from scalesearch.design.coefficients import Coefficients

Block = tuple[int, int]
"""A pair of rung and seed."""


@dataclass(frozen=True, slots=True)
class Point:
    """Holds one network's shares and accuracies."""

    key: str
    shares: tuple[float, float, float]
    """The shares of the log-FLOPs that go to depth, width and resolution; they sum to 1."""
    accuracies: Mapping[Block, float]
    """Accuracies by rung and seed, adjusted for proxy MACs."""


def spanning(shares: Sequence[tuple[float, float, float]], count: int) -> tuple[int, ...]:
    """Return the indices of points that span the others: those with the largest shares, then those far from them.

    Each further point is the one whose nearest chosen point is the farthest (Kennard & Stone 1969; Gonzalez 1985).
    Of equal ones the first is taken.

    Args:
        shares: of depth, width and resolution, by point.
        count: how many are returned, or all if they are fewer.
    """
    indices = range(len(shares))
    # Rounded, so that points tie in the same way on every machine.
    chosen = list(dict.fromkeys(max(indices, key=lambda i: round(shares[i][axis], 9)) for axis in range(3)))[:count]
    while len(chosen) < min(count, len(shares)):
        others = [index for index in indices if index not in chosen]
        chosen.append(max(others, key=lambda i: min(round(dist(shares[i], shares[one]), 9) for one in chosen)))
    return tuple(chosen)


def shares_of(coefficients: Coefficients) -> tuple[float, float, float]:
    """Return the shares of coefficients in their log-FLOPs: (log α, 2 log β, 2 log γ) over the sum."""
    parts = (log(coefficients.alpha), 2 * log(coefficients.beta), 2 * log(coefficients.gamma))
    total = sum(parts)
    return (parts[0] / total, parts[1] / total, parts[2] / total) if total else (1 / 3, 1 / 3, 1 / 3)


def coefficients_of(shares: Sequence[float]) -> tuple[float, float, float]:
    """Return the α, β, γ with αβ²γ² = 2 that have these shares."""
    depth, width, resolution = shares
    return 2**depth, 2 ** (width / 2), 2 ** (resolution / 2)
