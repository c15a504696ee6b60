"""A smooth answer beside the raw winner: accuracy as a quadratic over how the compute is spent.

Candidates of equal cost lie on a surface, so what distinguishes them are the shares of the log-FLOPs that go to
depth, width and resolution: (log α, 2 log β, 2 log γ) over their sum. A quadratic over two free shares has six
coefficients (Scheffé's mixture model, Journal of the Royal Statistical Society B 20, 1958); neighbours share
strength in it, where the ranking looks at each candidate alone. Rungs and seeds have effects of their own, so that
all trials of a search are used; accuracies are adjusted for proxy MACs as in the ranking.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import log

import numpy as np
import numpy.typing as npt

from scalesearch.design.coefficients import AXES, Coefficients

Floats = npt.NDArray[np.float64]

FEWEST = 9
"""Networks: six coefficients, and a few more to see how well they fit."""
RESAMPLES = 1000
_SEED = 2019
_SPACING = 50
"""The optimum is looked for among shares that are multiples of 1/50."""
_TAILS = (2.5, 97.5)


Block = tuple[int, int]
"""Rung and seed: trials of one block share what these add."""


@dataclass(frozen=True, slots=True)
class Point:
    """One network of the surface."""

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


@dataclass(frozen=True)
class Surface:
    """The fitted quadratic, its optimum, and how far both can be trusted."""

    points: tuple[Point, ...]

    @cached_property
    def _weights(self) -> Floats:
        return _fit(self.points)

    @cached_property
    def optimum(self) -> tuple[float, float, float]:
        """The shares at which the quadratic is highest, among all that are tried (no share below 0)."""
        return _optimum(self._weights)

    def height(self, shares: tuple[float, float, float]) -> float:
        """The fitted accuracy of a network that spends its compute so, at the average rung and seed."""
        return float(_terms(np.array([shares]))[0] @ self._weights)

    @cached_property
    def _resampled(self) -> Floats:
        """(resamples, 6): the quadratic fitted to networks drawn with replacement."""
        draw, count = np.random.default_rng(_SEED), len(self.points)
        picks = draw.integers(0, count, (RESAMPLES, count))
        return np.stack([_fit([self.points[i] for i in pick]) for pick in picks])

    @cached_property
    def region(self) -> dict[str, tuple[float, float]]:
        """By axis the 95 % interval of the optimum's share, over resampled networks."""
        optima = _GRID[np.argmax(self._resampled @ _terms(_GRID).T, axis=1)]
        low, high = np.percentile(optima, _TAILS, axis=0)
        return {axis: (float(low[i]), float(high[i])) for i, axis in enumerate(AXES)}

    def gain_over(self, key: str) -> tuple[float, float, float]:
        """How much higher the optimum is than a network's own place, with a 95 % interval over resamples."""
        place = next(point.shares for point in self.points if point.key == key)
        step = _terms(np.array([self.optimum])) - _terms(np.array([place]))
        gains = self._resampled @ step[0]
        low, high = np.percentile(gains, _TAILS)
        return float(self._weights @ step[0]), float(low), float(high)

    @cached_property
    def r_squared(self) -> float:
        """Share of the variance between the networks' accuracies that the quadratic explains."""
        measured, fitted = self._means, _terms(self._places) @ self._weights
        total = float(np.sum((measured - measured.mean()) ** 2))
        return 1 - float(np.sum((measured - fitted) ** 2)) / total if total else 0.0

    @cached_property
    def left_out_error(self) -> float:
        """Root mean square error of predicting each network from all others."""
        misses = []
        for i, measured in enumerate(self._means):
            weights = _fit([point for j, point in enumerate(self.points) if j != i])
            misses.append(float(measured - _terms(self._places[i : i + 1])[0] @ weights))
        return float(np.sqrt(np.mean(np.square(misses))))

    @cached_property
    def spread(self) -> float:
        """Standard deviation of the networks' accuracies: what predicting their mean would miss."""
        return float(self._means.std(ddof=1))

    @cached_property
    def means(self) -> dict[str, float]:
        """By key each network's accuracy at the average rung and seed: comparable, whichever trials it has."""
        return {point.key: float(mean) for point, mean in zip(self.points, self._means, strict=True)}

    @cached_property
    def _places(self) -> Floats:
        return np.array([point.shares for point in self.points])

    @cached_property
    def _means(self) -> Floats:
        """Each network's accuracy at the average rung and seed."""
        _, effects = _fit_with_blocks(self.points)
        return np.array(
            [
                np.mean([value - effects[block] for block, value in point.accuracies.items()])
                for point in self.points
            ]
        )


def surface(points: Sequence[Point]) -> Surface | None:
    """The surface through the networks that have an accuracy; None where they are too few, or on a line."""
    known = tuple(sorted((point for point in points if point.accuracies), key=lambda point: point.key))
    if len(known) < FEWEST:
        return None
    places = _terms(np.array([point.shares for point in known]))
    return Surface(known) if np.linalg.matrix_rank(places, tol=1e-6) == places.shape[1] else None


def _terms(shares: Floats) -> Floats:
    """(n, 3) shares → (n, 6): 1, depth, width, their squares and their product; resolution is the rest."""
    depth, width = shares[:, 0], shares[:, 1]
    return np.stack([np.ones_like(depth), depth, width, depth**2, width**2, depth * width], axis=1)


def _fit(points: Sequence[Point]) -> Floats:
    """The quadratic's six coefficients."""
    return _fit_with_blocks(points)[0]


def _fit_with_blocks(points: Sequence[Point]) -> tuple[Floats, dict[Block, float]]:
    """Least squares of all trials on the quadratic and on their blocks, whose effects sum to zero."""
    blocks = sorted({block for point in points for block in point.accuracies})
    shares = [point.shares for point in points for _ in point.accuracies]
    values = [value for point in points for value in point.accuracies.values()]
    own = np.array(
        [[block == one for one in blocks] for point in points for block in point.accuracies], dtype=float
    )
    # The blocks' columns sum to the quadratic's constant, which is therefore left out of the fit.
    design = np.hstack([_terms(np.array(shares))[:, 1:], own])
    found, *_ = np.linalg.lstsq(design, np.array(values), rcond=None)
    curves, effects = found[: -len(blocks)], found[-len(blocks) :]
    constant = float(effects.mean())
    weights = np.concatenate([[constant], curves])
    return weights, {block: float(one) - constant for block, one in zip(blocks, effects, strict=True)}


def _optimum(weights: Floats) -> tuple[float, float, float]:
    depth, width, resolution = _GRID[int(np.argmax(_terms(_GRID) @ weights))]
    return float(depth), float(width), float(resolution)


def _grid() -> Floats:
    steps = range(_SPACING + 1)
    cells = [(d, w, _SPACING - d - w) for d in steps for w in steps if d + w <= _SPACING]
    return np.array(cells, dtype=np.float64) / _SPACING


_GRID = _grid()
