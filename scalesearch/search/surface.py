"""A smooth answer beside the raw winner: accuracy as a quadratic over how the compute is spent.

Candidates of equal cost lie on a surface, so what distinguishes them are the shares of the log-FLOPs that go to
depth, width and resolution: (log α, 2 log β, 2 log γ) over their sum. A quadratic over two free shares has six
coefficients (Scheffé's mixture model, Journal of the Royal Statistical Society B 20, 1958); neighbours share
strength in it, where the ranking looks at each candidate alone. Seeds have effects of their own, and accuracies
are adjusted for proxy MACs as in the ranking.
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


@dataclass(frozen=True, slots=True)
class Point:
    """One network of the surface."""

    key: str
    shares: tuple[float, float, float]
    """Of the log-FLOPs, to depth, width and resolution; they sum to 1."""
    accuracies: Mapping[int, float]
    """By seed, adjusted for proxy MACs."""


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
    def _places(self) -> Floats:
        return np.array([point.shares for point in self.points])

    @cached_property
    def _means(self) -> Floats:
        """Each network's accuracy at the average seed."""
        effects = _seed_effects(self.points)
        return np.array(
            [np.mean([value - effects[seed] for seed, value in point.accuracies.items()]) for point in self.points]
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
    """Least squares over trials, less what their seeds add."""
    effects = _seed_effects(points)
    rows = [point.shares for point in points for _ in point.accuracies]
    values = [value - effects[seed] for point in points for seed, value in point.accuracies.items()]
    weights, *_ = np.linalg.lstsq(_terms(np.array(rows)), np.array(values), rcond=None)
    return np.asarray(weights)


def _seed_effects(points: Sequence[Point]) -> dict[int, float]:
    """What a seed adds, from the networks that have several: their accuracies less their own means."""
    found: dict[int, list[float]] = {seed: [] for point in points for seed in point.accuracies}
    common = [point for point in points if len(point.accuracies) == len(found)]
    for point in common:
        mean = float(np.mean(list(point.accuracies.values())))
        for seed, value in point.accuracies.items():
            found[seed].append(value - mean)
    return {seed: float(np.mean(values)) if values else 0.0 for seed, values in found.items()}


def _optimum(weights: Floats) -> tuple[float, float, float]:
    depth, width, resolution = _GRID[int(np.argmax(_terms(_GRID) @ weights))]
    return float(depth), float(width), float(resolution)


def _grid() -> Floats:
    steps = range(_SPACING + 1)
    cells = [(d, w, _SPACING - d - w) for d in steps for w in steps if d + w <= _SPACING]
    return np.array(cells, dtype=np.float64) / _SPACING


_GRID = _grid()
