"""How coefficients spend a network's log-cost: the shares of depth, width and resolution."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log

from scalesearch.design.coefficients import Coefficients

Block = tuple[int, int]
"""Rung and seed."""


@dataclass(frozen=True, slots=True)
class Point:
    """One network and what it came to."""

    key: str
    shares: tuple[float, float, float]
    """Of the log-FLOPs, to depth, width and resolution; they sum to 1."""
    accuracies: Mapping[Block, float]
    """By rung and seed, adjusted for proxy MACs."""


def shares_of(coefficients: Coefficients) -> tuple[float, float, float]:
    """How coefficients spend their log-FLOPs: (log α, 2 log β, 2 log γ) over the sum."""
    parts = (log(coefficients.alpha), 2 * log(coefficients.beta), 2 * log(coefficients.gamma))
    total = sum(parts)
    return (parts[0] / total, parts[1] / total, parts[2] / total) if total else (1 / 3, 1 / 3, 1 / 3)


def coefficients_of(shares: Sequence[float]) -> tuple[float, float, float]:
    """α, β, γ with αβ²γ² = 2 that spend the log-FLOPs so."""
    depth, width, resolution = shares
    return 2**depth, 2 ** (width / 2), 2 ** (resolution / 2)
