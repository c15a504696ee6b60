"""Which candidate is best, and how sure that is.

The model is additive: accuracy = candidate + seed + noise, the noise alike for all candidates. Seeds decide
data order and augmentation, so candidates that share seeds are compared in pairs; a least-squares fit is the
paired difference where all seeds are shared and stays right where finalists have more seeds than the rest.

A candidate ties with the best unless their difference is above t(.975, df) standard errors of that
difference. Best against second best needs no correction for the number of candidates: the worst case for
a false winner is two equal leaders far ahead of all others (Gutmann & Maymin 1987, "Is the selected
population the best?", Annals of Statistics 15(1), theorem 1), and there the two-sided test is exact.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, log, sqrt

import numpy as np

from scalesearch.search.metrics import ImagesError

CONFIDENCE = 0.95
POWER = 0.8
_EQUAL = 1e-12
"""Residuals below this are those of equal values, by the rounding of the fit."""


@dataclass(frozen=True, slots=True)
class Arm:
    """One candidate as the ranking sees it."""

    key: str
    accuracies: Mapping[int, float]
    """Validation accuracy (share) by seed, of the trials that completed; in a search of stages the reward, and by
    another metric that."""
    macs_ratio: float
    """The trained proxy's MACs over the wanted multiple of the baseline proxy's; 1 is a perfect match."""
    activations: int
    params: int

    @property
    def mean(self) -> float | None:
        """Over the seeds; None without a completed trial."""
        return float(np.mean(list(self.accuracies.values()))) if self.accuracies else None


@dataclass(frozen=True, slots=True)
class Ranked:
    """One candidate's place."""

    key: str
    seeds: int
    mean: float
    """Mean accuracy over its own seeds, as measured."""
    standard_error: float
    """Of that mean: noise per trial over √seeds."""
    effect: float
    """Accuracy adjusted for the seeds it was run with and for proxy MACs; the ranking's score."""
    behind: float
    """Adjusted difference to the best, ≥ 0."""
    behind_error: float
    """Standard error of that difference."""
    tied: bool


@dataclass(frozen=True, slots=True)
class Ranking:
    """All candidates, best first, and what may be concluded."""

    arms: tuple[Ranked, ...]
    noise: float
    """Standard deviation of one trial's accuracy around candidate + seed."""
    degrees_of_freedom: int
    """Of `noise`; 0 where no candidate was repeated: then it is only the validation set's binomial error, or of a
    metric that has none the spread between the candidates (see `error_known`)."""
    macs_slope: float
    """Accuracy gained per unit of log proxy MACs, from baseline to candidates; used to adjust."""
    error_known: bool = True
    """Whether `noise` and what follows from it is an error; else nothing tells one, and it is a mere spread."""

    @property
    def tied(self) -> tuple[str, ...]:
        """The best and all that the data cannot tell from it."""
        return tuple(arm.key for arm in self.arms if arm.tied)

    @property
    def seeds_needed(self) -> int | None:
        """Seeds for each of the two best at which their lead, if it is real, would be found with 80 % power.

        Two-sided 5 % test of a difference with the noise known: n = 2 · (noise · (z.975 + z.8) / lead)²
        (Cohen 1988, chapter 2), and more than the best has, unless it leads already; None with one candidate, no
        repeated seeds, or no lead.
        """
        if len(self.arms) < 2 or self.degrees_of_freedom == 0 or self.arms[1].behind <= 0:
            return None
        from scipy.stats import norm

        lead = self.arms[1].behind
        wanted = float(norm.ppf(1 - (1 - CONFIDENCE) / 2) + norm.ppf(POWER))
        enough = max(2, ceil(2 * (self.noise * wanted / lead) ** 2))
        return enough if self.significant else max(enough, self.arms[0].seeds + 1)

    @property
    def significant(self) -> bool:
        """True only when a single candidate is left and its lead was measured over repeated seeds."""
        return len(self.tied) == 1 and self.degrees_of_freedom > 0


def rank(arms: Sequence[Arm], images: int | ImagesError | None, baseline: Arm | None = None) -> Ranking:
    """Rank candidates of equal cost.

    Args:
        arms: the candidates; those without a completed trial must be left out.
        images: the error that the validation images make, where there is one seed only; a number is that of
            accuracy on so many. None: the metric has no such error, and with one seed the spread between the
            candidates stands in, so that all but the odd one tie.
        baseline: the unscaled network's trials; from it comes what a factor in MACs is worth.

    Raises:
        ValueError: no arms, or one without accuracies.
    """
    if not arms or any(not arm.accuracies for arm in arms):
        raise ValueError("every arm needs at least one accuracy")
    fit = _fit(arms)
    error_of = ImagesError((images,)) if isinstance(images, int) else images
    noise, freedom = _noise(_learning(arms), error_of)
    slope = macs_slope(arms, baseline)
    effects = _adjusted(arms, fit, slope)
    best = min(range(len(arms)), key=lambda i: (-effects[i], arms[i].key))
    threshold = _t_quantile(freedom)
    ranked = []
    for i, arm in enumerate(arms):
        error = noise * sqrt(fit.variance_of_difference(i, best))
        behind = effects[best] - effects[i]
        mean = float(np.mean(list(arm.accuracies.values())))
        own_error = noise / sqrt(len(arm.accuracies))
        tied = i == best or behind <= threshold * error
        ranked.append(Ranked(arm.key, len(arm.accuracies), mean, own_error, effects[i], behind, error, tied))
    ranked.sort(key=lambda one: (one.behind, one.key))
    known = freedom > 0 or error_of is not None
    return Ranking(tuple(ranked), noise, freedom, slope, known)


def leaders(arms: Sequence[Arm], count: int, baseline: Arm | None = None) -> tuple[str, ...]:
    """The keys of the `count` best by adjusted accuracy: those worth more seeds."""
    slope = macs_slope(arms, baseline)
    effects = _adjusted(arms, _fit(arms), slope)
    order = sorted(range(len(arms)), key=lambda i: (-effects[i], arms[i].key))
    return tuple(arms[i].key for i in order[:count])


@dataclass(frozen=True, slots=True)
class Difference:
    """How much more accurate one arm is than another, adjusted as the ranking is, and its 95 % interval."""

    value: float
    low: float
    high: float


def difference(arms: Sequence[Arm], ranking: Ranking, key: str, other: str) -> Difference:
    """The first arm's effect less the other's, with its interval: t standard errors either way.

    Args:
        arms: those that were ranked.
        ranking: their ranking.
        key: of the first arm.
        other: of the second.
    """
    effects = {one.key: one.effect for one in ranking.arms}
    places = {arm.key: place for place, arm in enumerate(arms)}
    error = ranking.noise * sqrt(_fit(arms).variance_of_difference(places[key], places[other]))
    return _interval(effects[key] - effects[other], error, ranking.degrees_of_freedom)


def intervals(ranking: Ranking) -> dict[str, tuple[float, float]]:
    """The interval (95 %) of every arm's difference to the best, by key; those that hold 0 tie."""
    found = {arm.key: _interval(arm.behind, arm.behind_error, ranking.degrees_of_freedom) for arm in ranking.arms}
    return {key: (one.low, one.high) for key, one in found.items()}


def _interval(value: float, error: float, freedom: int) -> Difference:
    half = _t_quantile(freedom) * error
    return Difference(value, value - half, value + half)


@dataclass(frozen=True, slots=True)
class _Fit:
    effects: np.ndarray
    """(arms,) accuracy at the average seed."""
    residuals: np.ndarray
    """(trials,)"""
    weights: np.ndarray
    """(arms, trials): effects are weights times accuracies."""

    def variance_of_difference(self, i: int, j: int) -> float:
        """In units of the noise variance."""
        return float(np.sum((self.weights[i] - self.weights[j]) ** 2))


def _fit(arms: Sequence[Arm]) -> _Fit:
    """Least squares of accuracy on one column an arm and one a seed, seed effects summing to zero."""
    seeds = sorted({seed for arm in arms for seed in arm.accuracies})
    rows, values = [], []
    for i, arm in enumerate(arms):
        for seed, accuracy in sorted(arm.accuracies.items()):
            row = np.zeros(len(arms) + len(seeds))
            row[i] = row[len(arms) + seeds.index(seed)] = 1
            rows.append(row)
            values.append(accuracy)
    constraint = np.concatenate([np.zeros(len(arms)), np.ones(len(seeds))])
    design = np.array(rows)
    # The one redundancy (a constant in arms or in seeds) goes with the sum-to-zero row; pinv takes any other.
    inverse = np.linalg.pinv(np.vstack([design, constraint]))
    solution = inverse @ np.array([*values, 0.0])
    weights = inverse[: len(arms), :-1]
    return _Fit(solution[: len(arms)], np.array(values) - design @ solution, weights)


def _adjusted(arms: Sequence[Arm], fit: _Fit, slope: float) -> list[float]:
    """Effects less what MACs are worth, rounded so that equal arms tie whatever linear algebra is installed."""
    return [
        round(float(effect) - slope * log(arm.macs_ratio), 12)
        for arm, effect in zip(arms, fit.effects, strict=True)
    ]


def _learning(arms: Sequence[Arm]) -> Sequence[Arm]:
    """Those that the noise is measured on: what ends alike with every seed never left chance, and has none."""
    found = [arm for arm in arms if len(arm.accuracies) == 1 or len(set(arm.accuracies.values())) > 1]
    return found or arms


def _noise(arms: Sequence[Arm], images: ImagesError | None) -> tuple[float, int]:
    """Standard deviation of a trial and its degrees of freedom; half an image of the validation set at least.

    Of a metric whose error does not follow from the images (None) seeds that do not differ at all measure nothing:
    then, and without repeated seeds, it is the spread of the values.
    """
    trials = sum(len(arm.accuracies) for arm in arms)
    seeds = len({seed for arm in arms for seed in arm.accuracies})
    freedom = trials - len(arms) - (seeds - 1)
    measured = float(np.sqrt(np.sum(_fit(arms).residuals ** 2) / freedom)) if freedom > 0 else 0.0
    values = [value for arm in arms for value in arm.accuracies.values()]
    if images is None:
        return (measured, freedom) if measured > _EQUAL else (float(np.std(values)), 0)
    if freedom > 0:
        return max(measured, images.half_image), freedom
    # Half an image at least: a validation set that is wholly right still proves no certainty.
    return images.standard_error(min(max(float(np.mean(values)), images.half_image), 1 - images.half_image)), 0


def macs_slope(arms: Sequence[Arm], baseline: Arm | None) -> float:
    """What log MACs are worth: the candidates' mean gain over the baseline, or loss, at the ratio they have."""
    if baseline is None or not baseline.accuracies or baseline.macs_ratio == 1:
        return 0.0
    common = [arm for arm in arms if set(arm.accuracies) >= set(baseline.accuracies)]
    if not common:
        return 0.0
    gains = [
        np.mean([arm.accuracies[seed] - accuracy for seed, accuracy in baseline.accuracies.items()])
        for arm in common
    ]
    distance = np.mean([log(arm.macs_ratio) for arm in common]) - log(baseline.macs_ratio)
    # The baseline costs less than they do, or more where candidates shrink it.
    return max(0.0, float(np.mean(gains) / distance)) if distance * (1 - baseline.macs_ratio) > 0 else 0.0


def _t_quantile(freedom: int) -> float:
    from scipy.stats import norm, t

    tail = 1 - (1 - CONFIDENCE) / 2
    return float(t.ppf(tail, freedom)) if freedom > 0 else float(norm.ppf(tail))
