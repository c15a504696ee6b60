"""Validates proxies: whether larger budgets rank the same networks alike, and in which direction the best moves.

Bello et al. 2021 (arXiv 2103.07579, section 6) found that width is best at 10 epochs, depth at 350. So networks are
trained again at further budgets, and each budget is tested in two ways. First, do the rankings agree? This is
Kendall's τ-b with an interval, compared with the τ between seeds within a budget, which no other budget can be
expected to exceed. Second, does accuracy shift toward depth, width or resolution?
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, permutations
from math import isnan, nan
from typing import Literal

import numpy as np

from scalesearch.design.coefficients import AXES
from scalesearch.search.decision.data import Floats
from scalesearch.search.decision.records import FurtherBudgets
from scalesearch.search.shares import Point

FEWEST = 4
"""The least number of networks for a rank correlation."""
RESAMPLES = 2000
_SEED = 2019
_TAILS = (2.5, 97.5)
_DRIFT_TAILS = (0.4, 99.6)
"""Percentiles of a drift's interval: with three axes and two budgets, false drifts have 5 % probability in all."""

Verdict = Literal["trust", "cannot tell", "drifts", "do not use"]


@dataclass(frozen=True, slots=True)
class Estimate:
    """Holds an estimate with its bootstrap interval over networks (95 % unless stated otherwise)."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class RankAgreement:
    """Holds how a further budget ranks the networks of a study."""

    budget: str
    networks: int
    seeds: int
    tau: Estimate
    """Kendall's τ-b between the networks' mean accuracies at the two budgets."""
    single: Estimate
    """Mean τ of one seed at one budget with another seed at the other."""
    ceiling: Estimate | None
    """Mean τ of one seed with another within a budget: the agreement that noise would leave of a perfect one."""
    drift: dict[str, Estimate]
    """The change of the slope of accuracy (in standard deviations) toward each axis; 99.2 % intervals."""

    @property
    def verdict(self) -> Verdict:
        """The verdict: `do not use` for reversed or lost rankings, else `drifts` for a shift, else by the noise."""
        ceiling = self.ceiling
        if self.tau.high < 0 or (self.tau.value <= 0 and ceiling is not None and ceiling.low > 0):
            return "do not use"
        if ceiling is not None and ceiling.low > 0 and self.single.high < ceiling.value / 2:
            return "do not use"
        if self.toward is not None:
            return "drifts"
        seeds_agree = ceiling is None or ceiling.low > 0
        return "trust" if self.tau.low > 0 and seeds_agree else "cannot tell"

    @property
    def toward(self) -> str | None:
        """The axis that gains most at the further budget, if by more than the noise; None: no axis does."""
        gains = {axis: change for axis, change in self.drift.items() if change.low > 0}
        return max(gains, key=lambda axis: gains[axis].value, default=None)


@dataclass(frozen=True)
class ProxyValidation:
    """Holds how the further budgets validate a study's proxy, and their trials."""

    agreements: tuple[RankAgreement, ...]
    """One for each further budget."""
    further: FurtherBudgets
    """The trials of the further budgets, for the decision."""


def compare_rankings(budget: str, points: Sequence[Point], other: Sequence[Point]) -> RankAgreement:
    """Compare a study's budget with a further one.

    Args:
        budget: the name of the further budget.
        points: the networks at the study's own budget, each with the same seeds.
        other: the networks at the further budget; networks that lack trials at either are left out.

    Raises:
        ValueError: fewer than `FEWEST` networks have trials at both.
    """
    pairs = _pair_networks(points, other)
    if len(pairs) < FEWEST:
        raise ValueError(f"only {len(pairs)} networks have all trials at both budgets")
    first, second = (np.array([list(pair[i].accuracies.values()) for pair in pairs]) for i in (0, 1))
    resamples = np.random.default_rng(_SEED).integers(0, len(pairs), (RESAMPLES, len(pairs)))
    shares = np.array([pair[0].shares for pair in pairs])
    seeds = first.shape[1]
    between = [(first[:, s], second[:, t]) for s, t in permutations(range(seeds), 2)]
    within = [
        (accuracies[:, s], accuracies[:, t])
        for accuracies in (first, second)
        for s, t in combinations(range(seeds), 2)
    ]
    means = first.mean(1), second.mean(1)
    return RankAgreement(
        budget,
        len(pairs),
        seeds,
        _mean_tau([means], resamples),
        _mean_tau(between or [means], resamples),
        _mean_tau(within, resamples) if within else None,
        _drift(shares, *means, resamples),
    )


def _pair_networks(points: Sequence[Point], other: Sequence[Point]) -> list[tuple[Point, Point]]:
    """Pair the networks of both budgets, and keep the pairs in which both have the largest number of seeds."""
    others = {point.key: point for point in other}
    pairs = [(point, others[point.key]) for point in points if point.key in others]
    most = max((len(point.accuracies) for pair in pairs for point in pair), default=0)
    return [pair for pair in pairs if all(len(point.accuracies) == most for point in pair)]


def tau_b(first: Floats, second: Floats) -> float:
    """Return Kendall's τ-b; NaN where one of the two is constant."""
    return float(_taus(first, second, np.arange(len(first))[None])[0])


def _mean_tau(pairs: Sequence[tuple[Floats, Floats]], resamples: np.ndarray) -> Estimate:
    identity = np.arange(resamples.shape[1])[None]
    value = float(np.mean([_taus(*pair, identity)[0] for pair in pairs]))
    low, high = _percentiles(np.mean([_taus(*pair, resamples) for pair in pairs], axis=0))
    return Estimate(0.0 if isnan(value) else value, low, high)


def _taus(first: Floats, second: Floats, resamples: np.ndarray) -> Floats:
    """Return (resamples,) τ-b over the pairs of different networks in each resample."""
    signs = [np.sign(np.subtract.outer(values, values)) for values in (first, second)]
    # How often each network is in a resample; a network's pair with itself has sign 0 and does not count.
    counts = np.stack([(resamples == i).sum(1) for i in range(len(first))], axis=1).astype(np.float64)
    concordance, first_pairs, second_pairs = (
        np.einsum("ri,ij,rj->r", counts, matrix, counts)
        for matrix in (signs[0] * signs[1], np.abs(signs[0]), np.abs(signs[1]))
    )
    norm = np.sqrt(first_pairs * second_pairs)
    return np.asarray(np.divide(concordance, norm, out=np.full_like(norm, nan), where=norm > 0))


def _drift(shares: Floats, first: Floats, second: Floats, resamples: np.ndarray) -> dict[str, Estimate]:
    """Return, by axis, the change of the slope of accuracy from the middle of the shares toward that axis."""
    changes = _slopes(shares, first, second)
    resampled_changes = np.array(
        [_slopes(shares[resample], first[resample], second[resample]) for resample in resamples]
    )
    drift = {}
    for i, axis in enumerate(AXES):
        low, high = _percentiles(resampled_changes[:, i], _DRIFT_TAILS)
        drift[axis] = Estimate(float(changes[i]), low, high)
    return drift


def _slopes(shares: Floats, first: Floats, second: Floats) -> Floats:
    """Return (3,) changes of the slope along each axis; NaN where the networks lie on a line or all are equal."""
    design = np.column_stack([np.ones(len(shares)), shares[:, :2]])
    if np.linalg.matrix_rank(design, tol=1e-6) < design.shape[1] or min(first.std(), second.std()) == 0:
        return np.full(len(AXES), nan)
    scaled = np.column_stack([(values - values.mean()) / values.std() for values in (first, second)])
    weights = np.linalg.lstsq(design, scaled, rcond=None)[0][1:]
    change = np.append(weights[:, 1] - weights[:, 0], 0.0)
    return np.asarray(change - change.mean())


def _percentiles(values: Floats, tails: tuple[float, float] = _TAILS) -> tuple[float, float]:
    known = values[~np.isnan(values)]
    if not len(known):
        return -1.0, 1.0
    low, high = np.percentile(known, tails)
    return float(low), float(high)
