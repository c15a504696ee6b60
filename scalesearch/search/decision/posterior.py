"""What a study knows about its candidates, and what a choice between them may cost."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property, lru_cache

import numpy as np

from scalesearch.search.decision.data import Floats, StudyData
from scalesearch.search.decision.integration import integrate
from scalesearch.search.decision.model import Conditional, Model

DRAWS = 4096
_SEED = 2019
BOUND = 0.95
_DIGITS = 9
"""Digits that are kept of what is compared, so that equal networks tie whatever linear algebra is installed."""


@dataclass(frozen=True)
class Posterior:
    """Of the values of all candidates in the metric at the end of training, at the candidates' mean cost."""

    candidates: tuple[str, ...]
    conditional: Conditional
    weights: Floats
    """(B,) of the points at which `conditional` is given."""
    model: Model

    @cached_property
    def mean(self) -> Floats:
        """(candidates,)"""
        return np.asarray(np.round(self.weights @ self.conditional.mean, _DIGITS))

    @cached_property
    def covariance(self) -> Floats:
        """(candidates, candidates), over the unknowns too."""
        part, weights = self.conditional, self.weights
        root = part.loadings @ part.coefficient_root * np.sqrt(weights)[:, None, None]
        flat = root.transpose(1, 0, 2).reshape(len(self.candidates), -1)
        within = flat @ flat.T + np.diag(weights @ part.own_variance)
        off = part.mean - weights @ part.mean
        return np.asarray(within + np.einsum("b,bn,bm->nm", weights, off, off), dtype=np.float64)

    @cached_property
    def error(self) -> Floats:
        """(candidates,) standard deviations."""
        return np.asarray(np.sqrt(np.diag(self.covariance)), dtype=np.float64)

    @cached_property
    def noise(self) -> float:
        """Standard deviation of one training's metric at the end from seed to seed, the average candidate's."""
        return float(np.sqrt(self.weights @ np.mean(self.conditional.noise**2, axis=1)))

    @cached_property
    def draws(self) -> Floats:
        """(DRAWS, candidates): values that the data allow."""
        return self._draws[0]

    @cached_property
    def coefficient_draws(self) -> Floats:
        """(DRAWS, coefficients) of the same draws."""
        return self._draws[1]

    @cached_property
    def _draws(self) -> tuple[Floats, Floats]:
        random, part = np.random.default_rng(_SEED), self.conditional
        # Drawn at once: a point that gets one row more leaves the other rows what they are.
        steps = random.standard_normal((DRAWS, part.coefficients.shape[1]))
        own = random.standard_normal((DRAWS, len(self.candidates)))
        ends = np.floor(np.cumsum(self.weights) * DRAWS + 0.5).astype(int)
        counts = np.diff(ends, prepend=0)
        values, coefficients = np.empty_like(own), np.empty_like(steps)
        for point in np.flatnonzero(counts):
            rows = slice(ends[point] - counts[point], ends[point])
            moved = steps[rows] @ part.coefficient_root[point].T
            coefficients[rows] = part.coefficients[point] + moved
            deviations = own[rows] * np.sqrt(part.own_variance[point])
            values[rows] = part.mean[point] + moved @ part.loadings[point].T + deviations
        return values, coefficients

    @cached_property
    def probability_best(self) -> Floats:
        """(candidates,): they sum to 1."""
        best = np.argmax(self.draws, axis=1)
        return np.bincount(best, minlength=len(self.candidates)) / DRAWS

    @cached_property
    def _best(self) -> Floats:
        """(DRAWS,): the value of the best candidate."""
        return np.asarray(self.draws.max(axis=1), dtype=np.float64)

    @cached_property
    def expected_regret(self) -> Floats:
        """(candidates,): E[max over all − own], in points of the metric."""
        return np.asarray(np.maximum(0.0, self._best.mean() - self.draws.mean(axis=0)))

    def regret_bound(self, candidate: int) -> float:
        """What the regret of choosing the candidate stays below with 95 %."""
        return float(np.quantile(self._best - self.draws[:, candidate], BOUND))

    def gain(self, trainings: Floats) -> float:
        """How much lower the least expected regret is to be expected after more trainings.

        The value of information of that design (Raiffa & Schlaifer 1961, Applied Statistical Decision Theory,
        section 5.5): the draws are measured anew, and means move by linear regression on what is measured.

        Args:
            trainings: (candidates,) how many more of each, to the end.
        """
        new = np.flatnonzero(trainings)
        if not len(new):
            return 0.0
        errors = self.noise / np.sqrt(trainings[new])
        off = np.random.default_rng(_SEED).standard_normal((DRAWS, len(new))) * errors
        measured = self.draws[:, new] - self.mean[new] + off
        covariance = self.covariance[new]
        later = self.mean + measured @ np.linalg.solve(covariance[:, new] + np.diag(errors**2), covariance)
        # Less the choice of now in the same draws: both have the mean that is expected today.
        return float(np.mean(later.max(axis=1) - later[:, int(np.argmax(self.mean))]))


@dataclass(frozen=True, slots=True)
class _Keyed:
    """Data that are equal where their keys are."""

    key: str
    data: StudyData = field(compare=False)


def posterior(data: StudyData) -> Posterior:
    """The posterior of a study's candidates.

    The last few are remembered: a dashboard asks for the same ones again and again.

    Raises:
        ValueError: no candidate was measured.
    """
    if not data.rungs:
        raise ValueError("no candidate has a completed trial")
    shares = None if data.shares is None else data.shares.tolist()
    numbers = data.log_costs.tolist(), data.baseline_log_cost, data.smallest_noise
    return _posterior(_Keyed(repr((data.candidates, shares, numbers, data.trainings, data.baseline)), data))


@lru_cache(maxsize=8)
def _posterior(keyed: _Keyed) -> Posterior:
    data, model = keyed.data, Model(keyed.data)
    points = integrate(lambda z: model.conditional(z).log_density, len(model.unknowns))
    return Posterior(data.candidates, model.conditional(points.points), points.weights, model)
