"""Computes the posterior of the candidates' values, and the regret of choosing one of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property, lru_cache

import numpy as np

from scalesearch.search.decision.data import Floats, StudyData
from scalesearch.search.decision.integration import integrate
from scalesearch.search.decision.model import Conditional, Model

DRAWS = 4096
_SEED = 2019
REGRET_LEVEL = 0.95
"""The probability with which the regret stays below its bound."""
_DIGITS = 9
"""Posterior means are rounded to this many digits, so that equal networks tie with any linear algebra library."""


@dataclass(frozen=True)
class Posterior:
    """Holds the posterior of the candidates' values: the metric at the end of training, at their mean cost."""

    candidates: tuple[str, ...]
    conditional: Conditional
    weights: Floats
    """(B,): the posterior weights of the points of the unknowns at which `conditional` is given; they sum to 1."""
    model: Model

    @cached_property
    def mean(self) -> Floats:
        """(candidates,): the posterior means."""
        return np.asarray(np.round(self.weights @ self.conditional.mean, _DIGITS))

    @cached_property
    def covariance(self) -> Floats:
        """(candidates, candidates): the posterior covariance, by the law of total covariance over the unknowns."""
        conditional, weights = self.conditional, self.weights
        root = conditional.loadings @ conditional.coefficient_root * np.sqrt(weights)[:, None, None]
        # One product sums R Rᵀ over the points.
        flat = root.transpose(1, 0, 2).reshape(len(self.candidates), -1)
        within = flat @ flat.T + np.diag(weights @ conditional.own_variance)
        deviations = conditional.mean - weights @ conditional.mean
        return np.asarray(within + np.einsum("b,bn,bm->nm", weights, deviations, deviations), dtype=np.float64)

    @cached_property
    def error(self) -> Floats:
        """(candidates,): the posterior standard deviations."""
        return np.asarray(np.sqrt(np.diag(self.covariance)), dtype=np.float64)

    @cached_property
    def noise(self) -> float:
        """The average candidate's standard deviation, from seed to seed, of the metric at the end of training."""
        return float(np.sqrt(self.weights @ np.mean(self.conditional.noise**2, axis=1)))

    @cached_property
    def draws(self) -> Floats:
        """(DRAWS, candidates): joint draws of the candidates' values from the posterior."""
        return self._draws[0]

    @cached_property
    def coefficient_draws(self) -> Floats:
        """(DRAWS, coefficients): the model's coefficients in the same draws."""
        return self._draws[1]

    @cached_property
    def _draws(self) -> tuple[Floats, Floats]:
        generator, conditional = np.random.default_rng(_SEED), self.conditional
        # All are drawn at once, so that a point that gets one row more leaves the other rows unchanged.
        coefficient_normals = generator.standard_normal((DRAWS, conditional.coefficients.shape[1]))
        own_normals = generator.standard_normal((DRAWS, len(self.candidates)))
        # Each point of the unknowns gets its share of the rows; rounding the cumulative sum keeps their number.
        ends = np.floor(np.cumsum(self.weights) * DRAWS + 0.5).astype(int)
        counts = np.diff(ends, prepend=0)
        values, coefficients = np.empty_like(own_normals), np.empty_like(coefficient_normals)
        for point in np.flatnonzero(counts):
            rows = slice(ends[point] - counts[point], ends[point])
            shifts = coefficient_normals[rows] @ conditional.coefficient_root[point].T
            coefficients[rows] = conditional.coefficients[point] + shifts
            deviations = own_normals[rows] * np.sqrt(conditional.own_variance[point])
            values[rows] = conditional.mean[point] + shifts @ conditional.loadings[point].T + deviations
        return values, coefficients

    @cached_property
    def probability_best(self) -> Floats:
        """(candidates,): the probability that each candidate is the best; they sum to 1."""
        best = np.argmax(self.draws, axis=1)
        return np.bincount(best, minlength=len(self.candidates)) / DRAWS

    @cached_property
    def _best(self) -> Floats:
        """(DRAWS,): the value of the best candidate in each draw."""
        return np.asarray(self.draws.max(axis=1), dtype=np.float64)

    @cached_property
    def expected_regret(self) -> Floats:
        """(candidates,): the expected regret E[max over all − own value], in points of the metric."""
        return np.asarray(np.maximum(0.0, self._best.mean() - self.draws.mean(axis=0)))

    def regret_bound(self, candidate: int) -> float:
        """Return the bound below which the candidate's regret stays with probability `REGRET_LEVEL`.

        Args:
            candidate: the index of the candidate.
        """
        return float(np.quantile(self._best - self.draws[:, candidate], REGRET_LEVEL))

    def value_of_trainings(self, trainings: Floats) -> float:
        """Return how much the least expected regret is expected to decrease after more trainings.

        This is the expected value of sample information (Raiffa & Schlaifer 1961, Applied Statistical Decision
        Theory, section 5.5): the draws are measured anew, and means are updated by linear regression on the
        measurements.

        Args:
            trainings: (candidates,) how many more trainings to the end each candidate gets.
        """
        retrained = np.flatnonzero(trainings)
        if not len(retrained):
            return 0.0
        errors = self.noise / np.sqrt(trainings[retrained])
        # A stream of its own: with that of `_draws`, the noise could be the very numbers that the draws came from.
        noise = np.random.default_rng((_SEED, 1)).standard_normal((DRAWS, len(retrained))) * errors
        observations = self.draws[:, retrained] - self.mean[retrained] + noise
        covariance = self.covariance[retrained]
        updated_means = self.mean + observations @ np.linalg.solve(
            covariance[:, retrained] + np.diag(errors**2), covariance
        )
        # Compared with today's choice in the same draws: the updated means have today's means as expectation.
        return float(np.mean(updated_means.max(axis=1) - updated_means[:, int(np.argmax(self.mean))]))


@dataclass(frozen=True, slots=True)
class _Keyed:
    """Data with a key, for a cache: instances are equal where their keys are."""

    key: tuple[object, ...]
    data: StudyData = field(compare=False)


def posterior(data: StudyData) -> Posterior:
    """Return the posterior of a study's candidates.

    The last few are cached, because a dashboard requests the same ones again and again.

    Raises:
        ValueError: no candidate was measured.
    """
    if not data.rungs:
        raise ValueError("no candidate has a completed trial")
    return _posterior(_Keyed(data.key, data))


def most_probably_best(data: StudyData) -> tuple[str, ...]:
    """Return the candidates, trained or not, by their probability of being the best of all, then by their mean.

    Empty if no candidate was measured. Results are cached, because a scheduler requests those of every wave at each
    step of a search.
    """
    return _most_probably_best(_Keyed(data.key, data)) if data.rungs else ()


@lru_cache(maxsize=1024)
def _most_probably_best(keyed: _Keyed) -> tuple[str, ...]:
    result = _posterior(keyed)
    rows = zip(-result.probability_best, -result.mean, result.candidates, strict=True)
    return tuple(key for _, _, key in sorted(rows))


@lru_cache(maxsize=8)
def _posterior(keyed: _Keyed) -> Posterior:
    data, model = keyed.data, Model(keyed.data)
    points = integrate(lambda z: model.conditional(z).log_density, len(model.unknowns))
    return Posterior(data.candidates, model.conditional(points.points), points.weights, model)
