"""Converts between coefficients and the shares of a network's log-cost that go to depth, width and resolution."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log

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


def shares_of(coefficients: Coefficients) -> tuple[float, float, float]:
    """Return the shares of coefficients in their log-FLOPs: (log α, 2 log β, 2 log γ) over the sum."""
    parts = (log(coefficients.alpha), 2 * log(coefficients.beta), 2 * log(coefficients.gamma))
    total = sum(parts)
    return (parts[0] / total, parts[1] / total, parts[2] / total) if total else (1 / 3, 1 / 3, 1 / 3)


def coefficients_of(shares: Sequence[float]) -> tuple[float, float, float]:
    """Return the α, β, γ with αβ²γ² = 2 that have these shares."""
    depth, width, resolution = shares
    return 2**depth, 2 ** (width / 2), 2 ** (resolution / 2)
