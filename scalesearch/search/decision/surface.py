"""Describes the smooth part of the posterior: the metric as a quadratic in the shares of the compute.

Candidates of equal cost lie on a surface, so they differ by the shares of the log-cost that go to depth, width and
resolution (Scheffé's mixture model, Journal of the Royal Statistical Society B 20, 1958). The surface estimates
where between the candidates the best (α, β, γ) may lie, as far as the metric varies smoothly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from scalesearch.design.coefficients import AXES
from scalesearch.search.decision.data import Floats
from scalesearch.search.decision.posterior import Posterior
from scalesearch.search.decision.shares import ShareTerms

_SPACING = 50
"""The optimum is searched among shares that are multiples of 1/50."""
_TAILS = (2.5, 97.5)


@dataclass(frozen=True)
class Surface:
    """Holds the quadratic of a posterior, with its optimum and the uncertainty of both."""

    posterior: Posterior
    terms: ShareTerms

    @cached_property
    def _draws(self) -> tuple[Floats, Floats]:
        """The level (draws,) and the coefficients of the quadratic (draws, terms)."""
        draws, model = self.posterior.coefficient_draws, self.posterior.model
        return draws[:, model.data.target_channel] + model.level, draws[:, model.term_columns]

    def heights(self, shares: Sequence[tuple[float, float, float]]) -> Floats:
        """Return the expected metric at the end of training, (n,), of networks with these n shares of compute."""
        level, coefficients = self._draws
        return np.asarray(level.mean() + self.terms.evaluate(np.array(shares)) @ coefficients.mean(axis=0))

    @cached_property
    def optimum(self) -> tuple[float, float, float]:
        """The shares of depth, width and resolution at which the quadratic is highest; none is below 0."""
        depth, width, resolution = _GRID[int(np.argmax(self.terms.evaluate(_GRID) @ self._draws[1].mean(axis=0)))]
        return float(depth), float(width), float(resolution)

    @cached_property
    def optima(self) -> Floats:
        """(draws, 3): the shares of depth, width and resolution of the highest point, in draws of the posterior."""
        return np.asarray(_GRID[np.argmax(self._draws[1] @ self.terms.evaluate(_GRID).T, axis=1)])

    @cached_property
    def region(self) -> dict[str, tuple[float, float]]:
        """The 95 % interval of the optimum's share, by axis."""
        low, high = np.percentile(self.optima, _TAILS, axis=0)
        return {axis: (float(low[i]), float(high[i])) for i, axis in enumerate(AXES)}

    @cached_property
    def explained(self) -> float:
        """The expected share of the variance between the candidates that the quadratic explains."""
        smooth = self._draws[1] @ self.terms.values.T
        deviations = self.posterior.draws - self._draws[0][:, None] - smooth
        return float(np.mean(smooth.var(axis=1) / (smooth.var(axis=1) + deviations.var(axis=1))))


def surface_of(posterior: Posterior) -> Surface | None:
    """Return the surface of a posterior; None where the model has no quadratic in three shares."""
    terms, shares = posterior.model.terms, posterior.model.data.shares
    if terms is None or shares is None or terms.num_quadratic == 0 or shares.shape[1] != len(AXES):
        return None
    return Surface(posterior, terms)


def _share_grid() -> Floats:
    steps = range(_SPACING + 1)
    cells = [(d, w, _SPACING - d - w) for d in steps for w in steps if d + w <= _SPACING]
    return np.array(cells, dtype=np.float64) / _SPACING


_GRID = _share_grid()
