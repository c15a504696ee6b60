"""The smooth part of what a study knows: the metric as a quadratic over how the compute is spent.

Candidates of equal cost lie on a surface, so what distinguishes them are the shares of the log-cost that go to
depth, width and resolution (Scheffé's mixture model, Journal of the Royal Statistical Society B 20, 1958). It says
where between the candidates the best (α, β, γ) may lie, as far as these differ smoothly.
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
"""The optimum is looked for among shares that are multiples of 1/50."""
_TAILS = (2.5, 97.5)


@dataclass(frozen=True)
class Surface:
    """The quadratic of a posterior, its optimum, and how far both can be trusted."""

    posterior: Posterior
    terms: ShareTerms

    @cached_property
    def _draws(self) -> tuple[Floats, Floats]:
        """(draws,) the level, and (draws, terms) the quadratic's coefficients."""
        draws, model = self.posterior.coefficient_draws, self.posterior.model
        return draws[:, model.data.target_channel] + model.level, draws[:, model.term_columns]

    def heights(self, shares: Sequence[tuple[float, float, float]]) -> Floats:
        """(places,): the expected metric of networks that spend their compute so, at the end of training."""
        level, coefficients = self._draws
        return np.asarray(level.mean() + self.terms.evaluate(np.array(shares)) @ coefficients.mean(axis=0))

    @cached_property
    def optimum(self) -> tuple[float, float, float]:
        """The shares at which the quadratic is highest, among all that are tried (no share below 0)."""
        depth, width, resolution = _GRID[int(np.argmax(self.terms.evaluate(_GRID) @ self._draws[1].mean(axis=0)))]
        return float(depth), float(width), float(resolution)

    @cached_property
    def region(self) -> dict[str, tuple[float, float]]:
        """By axis the 95 % interval of the optimum's share."""
        optima = _GRID[np.argmax(self._draws[1] @ self.terms.evaluate(_GRID).T, axis=1)]
        low, high = np.percentile(optima, _TAILS, axis=0)
        return {axis: (float(low[i]), float(high[i])) for i, axis in enumerate(AXES)}

    @cached_property
    def explained(self) -> float:
        """The expected share of the variance between the candidates that the quadratic makes."""
        smooth = self._draws[1] @ self.terms.values.T
        own = self.posterior.draws - self._draws[0][:, None] - smooth
        return float(np.mean(smooth.var(axis=1) / (smooth.var(axis=1) + own.var(axis=1))))


def surface_of(posterior: Posterior) -> Surface | None:
    """The surface; None where the model has no quadratic over three shares."""
    terms, shares = posterior.model.terms, posterior.model.data.shares
    if terms is None or shares is None or terms.num_quadratic == 0 or shares.shape[1] != len(AXES):
        return None
    return Surface(posterior, terms)


def _grid() -> Floats:
    steps = range(_SPACING + 1)
    cells = [(d, w, _SPACING - d - w) for d in steps for w in steps if d + w <= _SPACING]
    return np.array(cells, dtype=np.float64) / _SPACING


_GRID = _grid()
