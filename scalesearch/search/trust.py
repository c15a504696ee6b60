"""Does a proxy deserve trust? Whether budgets rank the same networks alike, and which way the best one moves.

Bello et al. 2021 (arXiv 2103.07579, section 6): width wins at 10 epochs, depth at 350. So networks are rerun at
further budgets, and two questions are asked of each: do the rankings agree (Kendall's τ-b, with an interval, and
beside it the τ of one seed with another within a budget, which no other budget can be expected to exceed), and does
accuracy shift toward depth, width or resolution.
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
from scalesearch.search.shares import Point

FEWEST = 4
"""Networks that a rank correlation needs to say anything."""
RESAMPLES = 2000
_SEED = 2019
_TAILS = (2.5, 97.5)
_DRIFT_TAILS = (0.4, 99.6)
"""A drift may be found toward three axes at two budgets: 5 % of false ones in all."""

Verdict = Literal["trust", "cannot tell", "drifts", "do not use"]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its interval (95 %, where nothing else is said), over networks drawn with replacement."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class RankAgreement:
    """How a further budget ranks the networks of a study."""

    budget: str
    networks: int
    seeds: int
    tau: Estimate
    """Kendall's τ-b between the networks' mean accuracies at the two budgets."""
    single: Estimate
    """Mean τ of one seed at one budget with another seed at the other."""
    ceiling: Estimate | None
    """Mean τ of one seed with another within a budget: what noise alone leaves of a perfect agreement."""
    drift: dict[str, Estimate]
    """By axis: how the slope of accuracy (in standard deviations) toward that axis changes; 99.2 % intervals."""

    @property
    def verdict(self) -> Verdict:
        """The stated rule: reversed or lost rankings first, then a shift, then what the noise allows to say."""
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
        """The axis that gains most at the further budget, if by more than the noise; None: none does."""
        gains = {axis: one for axis, one in self.drift.items() if one.low > 0}
        return max(gains, key=lambda axis: gains[axis].value, default=None)


def compare_rankings(budget: str, points: Sequence[Point], other: Sequence[Point]) -> RankAgreement:
    """Compare a study's budget with a further one.

    Args:
        budget: the further budget's name.
        points: the networks at the study's own budget, each with the same seeds.
        other: at the further one; networks that lack trials at either are left out.

    Raises:
        ValueError: fewer than `FEWEST` networks have trials at both.
    """
    pairs = _paired(points, other)
    if len(pairs) < FEWEST:
        raise ValueError(f"only {len(pairs)} networks have all trials at both budgets")
    first, second = (np.array([list(pair[i].accuracies.values()) for pair in pairs]) for i in (0, 1))
    picks = np.random.default_rng(_SEED).integers(0, len(pairs), (RESAMPLES, len(pairs)))
    shares = np.array([pair[0].shares for pair in pairs])
    seeds = first.shape[1]
    between = [(first[:, s], second[:, t]) for s, t in permutations(range(seeds), 2)]
    within = [(one[:, s], one[:, t]) for one in (first, second) for s, t in combinations(range(seeds), 2)]
    means = first.mean(1), second.mean(1)
    return RankAgreement(
        budget,
        len(pairs),
        seeds,
        _mean_tau([means], picks),
        _mean_tau(between or [means], picks),
        _mean_tau(within, picks) if within else None,
        _drift(shares, *means, picks),
    )


def _paired(points: Sequence[Point], other: Sequence[Point]) -> list[tuple[Point, Point]]:
    """The networks with as many seeds as any at both budgets."""
    found = {point.key: point for point in other}
    pairs = [(point, found[point.key]) for point in points if point.key in found]
    most = max((len(point.accuracies) for pair in pairs for point in pair), default=0)
    return [pair for pair in pairs if all(len(point.accuracies) == most for point in pair)]


def tau_b(first: Floats, second: Floats) -> float:
    """Kendall's τ-b; NaN where one of the two is constant."""
    return float(_taus(first, second, np.arange(len(first))[None])[0])


def _mean_tau(pairs: Sequence[tuple[Floats, Floats]], picks: np.ndarray) -> Estimate:
    whole = np.arange(picks.shape[1])[None]
    value = float(np.mean([_taus(*pair, whole)[0] for pair in pairs]))
    low, high = _percentiles(np.mean([_taus(*pair, picks) for pair in pairs], axis=0))
    return Estimate(0.0 if isnan(value) else value, low, high)


def _taus(first: Floats, second: Floats, picks: np.ndarray) -> Floats:
    """(resamples,) τ-b over the pairs of different networks among those picked."""
    signs = [np.sign(np.subtract.outer(one, one)) for one in (first, second)]
    # How often each pair of networks is in a resample; a network's pair with itself tells nothing.
    counts = np.stack([(picks == i).sum(1) for i in range(len(first))], axis=1).astype(np.float64)
    agree, one, two = (
        np.einsum("ri,ij,rj->r", counts, matrix, counts)
        for matrix in (signs[0] * signs[1], np.abs(signs[0]), np.abs(signs[1]))
    )
    norm = np.sqrt(one * two)
    return np.asarray(np.divide(agree, norm, out=np.full_like(norm, nan), where=norm > 0))


def _drift(shares: Floats, first: Floats, second: Floats, picks: np.ndarray) -> dict[str, Estimate]:
    """By axis the change of the slope of accuracy from the middle of the shares toward that axis."""
    own = _slopes(shares, first, second)
    drawn = np.array([_slopes(shares[pick], first[pick], second[pick]) for pick in picks])
    found = {}
    for i, axis in enumerate(AXES):
        low, high = _percentiles(drawn[:, i], _DRIFT_TAILS)
        found[axis] = Estimate(float(own[i]), low, high)
    return found


def _slopes(shares: Floats, first: Floats, second: Floats) -> Floats:
    """(3,) change of the slope along each axis; NaN where the networks lie on a line or all are alike."""
    design = np.column_stack([np.ones(len(shares)), shares[:, :2]])
    if np.linalg.matrix_rank(design, tol=1e-6) < design.shape[1] or min(first.std(), second.std()) == 0:
        return np.full(len(AXES), nan)
    scaled = np.column_stack([(one - one.mean()) / one.std() for one in (first, second)])
    weights = np.linalg.lstsq(design, scaled, rcond=None)[0][1:]
    change = np.append(weights[:, 1] - weights[:, 0], 0.0)
    return np.asarray(change - change.mean())


def _percentiles(values: Floats, tails: tuple[float, float] = _TAILS) -> tuple[float, float]:
    known = values[~np.isnan(values)]
    if not len(known):
        return -1.0, 1.0
    low, high = np.percentile(known, tails)
    return float(low), float(high)
