"""Integrates over the unknowns of a model: importance sampling around the mode, from fixed low-discrepancy points.

The prior of every unknown is standard normal, so that in practice the posterior has one mode and tails no heavier
than those of a t distribution around it. The points are a Sobol sequence, mapped to that distribution. Where few
of them carry the posterior, more points are taken around the moments of those so far, and all are weighted by the
posterior over the mixture of the proposals (adaptive multiple importance sampling; Cornuet et al. 2012,
Scandinavian Journal of Statistics 39(4), algorithm 2). Nothing is drawn at random: the same data give the same
result.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from scalesearch.search.decision.data import Floats

POINTS = 256
"""The points of one sample; a power of two, as Sobol sequences require."""
ENOUGH = 100
"""Samples are added until the effective sample size reaches this number."""
_MOST_SAMPLES = 8
_FREEDOM = 8
"""The degrees of freedom of the proposals."""
_STEP, _CURVATURE_STEP = 1e-4, 1e-2
_MOST_STEPS = 60
_BOUND = 4.0
_SMALLEST_CURVATURE, _LARGEST_CURVATURE = 0.3, 1e8
"""The prior's curvature is 1: less than a third of it is an error of the finite differences, or a ridge."""


@dataclass(frozen=True, slots=True)
class Weighted:
    """Holds points in the space of unknowns and the share of the posterior that each represents."""

    points: Floats
    """(B, D): the points."""
    weights: Floats
    """(B,): their shares of the posterior; they sum to 1."""

    @property
    def effective(self) -> float:
        """The number of equally weighted points with as much information (Kish's effective sample size)."""
        return float(1 / np.sum(self.weights**2))


@dataclass(frozen=True, slots=True)
class _Proposal:
    """A multivariate t distribution."""

    centre: Floats
    root: Floats
    """(D, D): the lower triangular root of the scale matrix."""

    def points(self, sample: int) -> Floats:
        """Return (POINTS, D) points of a sample."""
        return self.centre + _standard_t_points(len(self.centre), sample) @ self.root.T

    def log_density(self, points: Floats) -> Floats:
        """Return (B,) log densities, up to a constant that all proposals share."""
        size = len(self.centre)
        whitened = np.linalg.solve(self.root, (points - self.centre).T)
        decay = (_FREEDOM + size) / 2 * np.log1p(np.sum(whitened**2, axis=0) / _FREEDOM)
        return np.asarray(-decay - np.log(np.diag(self.root)).sum())


def integrate(log_density: Callable[[Floats], Floats], size: int) -> Weighted:
    """Return weighted points that represent the posterior of standard normal unknowns.

    Args:
        log_density: of (B, size) points: (B,) log of likelihood × prior, up to a constant.
        size: how many unknowns there are.
    """
    mode = _find_mode(log_density, size)
    values, vectors = np.linalg.eigh(-_curvature(log_density, mode))
    covariance = (vectors / np.clip(values, _SMALLEST_CURVATURE, _LARGEST_CURVATURE)) @ vectors.T
    proposals = [_Proposal(mode, np.asarray(np.linalg.cholesky(covariance)))]
    points, logs = np.empty((0, size)), np.empty(0)
    while True:
        new_points = proposals[-1].points(len(proposals))
        points, logs = np.vstack([points, new_points]), np.concatenate([logs, log_density(new_points)])
        mixture = np.logaddexp.reduce([proposal.log_density(points) for proposal in proposals], axis=0)
        weights = np.exp(logs - mixture - (logs - mixture).max())
        weighted = Weighted(points, weights / weights.sum())
        if weighted.effective >= ENOUGH or len(proposals) == _MOST_SAMPLES:
            return weighted
        proposals.append(_next_proposal(weighted, covariance))


def _next_proposal(weighted: Weighted, covariance: Floats) -> _Proposal:
    """Return the next proposal from the moments of the points, blended with `covariance` where few points count."""
    centre = weighted.weights @ weighted.points
    deviations = weighted.points - centre
    trust = weighted.effective / (weighted.effective + len(centre))
    moments = trust * (weighted.weights * deviations.T) @ deviations + (1 - trust) * covariance
    return _Proposal(centre, np.asarray(np.linalg.cholesky(moments)))


@lru_cache(maxsize=64)
def _standard_t_points(size: int, sample: int) -> Floats:
    """Return (POINTS, size) points of a standard t distribution, different ones for each sample."""
    from scipy.special import ndtri
    from scipy.stats import chi2
    from scipy.stats.qmc import Sobol

    cells = Sobol(size + 1, scramble=True, rng=np.random.default_rng(sample)).random(POINTS)
    scale = np.sqrt(chi2.ppf(cells[:, size], _FREEDOM) / _FREEDOM)
    return np.asarray(ndtri(cells[:, :size]) / scale[:, None])


def _find_mode(log_density: Callable[[Floats], Floats], size: int) -> Floats:
    from scipy.optimize import minimize

    steps = np.vstack([np.zeros(size), np.eye(size) * _STEP])

    def value_and_slope(point: Floats) -> tuple[float, Floats]:
        values = log_density(point + steps)
        return -float(values[0]), -(values[1:] - values[0]) / _STEP

    options = {"maxiter": _MOST_STEPS, "ftol": 1e-7}
    bounds = [(-_BOUND, _BOUND)] * size
    result = minimize(value_and_slope, np.zeros(size), jac=True, method="L-BFGS-B", bounds=bounds, options=options)
    return np.asarray(result.x)


def _curvature(log_density: Callable[[Floats], Floats], point: Floats) -> Floats:
    """Return (D, D) second derivatives, by finite differences."""
    size, eye = len(point), np.eye(len(point)) * _CURVATURE_STEP
    pairs = [(i, j) for i in range(size) for j in range(i + 1)]
    moves = [np.zeros(size), *eye, *(eye[i] + eye[j] for i, j in pairs)]
    values = log_density(point + np.array(moves))
    centre, once, twice = values[0], values[1 : size + 1], values[size + 1 :]
    matrix = np.zeros((size, size))
    for (i, j), value in zip(pairs, twice, strict=True):
        matrix[i, j] = matrix[j, i] = (value - once[i] - once[j] + centre) / _CURVATURE_STEP**2
    return matrix
