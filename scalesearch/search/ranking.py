"""Ranks candidates and tests which of them tie with the best.

The model is additive: accuracy = candidate + seed + noise, with the same noise for all candidates. Seeds determine
data order and augmentation, so candidates that share seeds are compared in pairs. A least-squares fit equals the
paired difference where all seeds are shared, and stays valid where finalists have more seeds than the others.

A candidate ties with the best unless their difference exceeds t(.975, df) standard errors of that difference. Best
against second best needs no correction for the number of candidates: the worst case for a false winner is two equal
leaders far ahead of all others (Gutmann & Maymin 1987, "Is the selected population the best?", Annals of Statistics
15(1), theorem 1), and there the two-sided test is exact.
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
"""Residuals below this come from equal values: they are rounding errors of the fit."""


@dataclass(frozen=True, slots=True)
class Arm:
    """Holds the results of one candidate for the ranking."""

    key: str
    accuracies: Mapping[int, float]
    """Validation accuracy (share) by seed, of the completed trials; the reward in a search of stages, or the value
    of another metric."""
    macs_ratio: float
    """The trained proxy's MACs over the target multiple of the baseline proxy's; 1 is a perfect match."""
    activations: int
    params: int

    @property
    def mean(self) -> float | None:
        """The mean accuracy over the seeds; None without a completed trial."""
        return float(np.mean(list(self.accuracies.values()))) if self.accuracies else None


@dataclass(frozen=True, slots=True)
class Ranked:
    """Holds one candidate's position in the ranking."""

    key: str
    seeds: int
    mean: float
    """Accuracy at the average seed: the mean over all seeds where it has them all. What it lacks is estimated from
    how others did with these seeds."""
    standard_error: float
    """Standard error of that mean: noise per trial over √seeds."""
    effect: float
    """Accuracy adjusted for the candidate's seeds and for proxy MACs; the score that ranks."""
    behind: float
    """Gap to the best: the adjusted difference, ≥ 0."""
    behind_error: float
    """Standard error of that difference."""
    tied: bool


@dataclass(frozen=True, slots=True)
class Ranking:
    """Holds all candidates, best first, with the noise that decides which tie."""

    arms: tuple[Ranked, ...]
    noise: float
    """Standard deviation of one trial's accuracy around candidate + seed."""
    degrees_of_freedom: int
    """Degrees of freedom of `noise`; 0 where no candidate was repeated. Then `noise` is only the validation set's
    binomial error or, for a metric that has none, the spread between the candidates (see `error_known`)."""
    macs_slope: float
    """Accuracy gained per unit of log proxy MACs, from baseline to candidates; used for the adjustment."""
    error_known: bool = True
    """Whether `noise` estimates an error; otherwise the error is unknown and `noise` is only a spread."""

    @property
    def tied(self) -> tuple[str, ...]:
        """The keys of the best candidate and of all that tie with it."""
        return tuple(arm.key for arm in self.arms if arm.tied)

    @property
    def seeds_needed(self) -> int | None:
        """The seeds for each of the two best at which their lead, if it is real, would be found with 80 % power.

        The formula is that of a two-sided 5 % test of a difference with known noise:
        n = 2 · (noise · (z.975 + z.8) / lead)² (Cohen 1988, chapter 2). It is more than the best has now, unless
        the lead is significant already. None with one candidate, no repeated seeds, or no lead.
        """
        if len(self.arms) < 2 or self.degrees_of_freedom == 0 or self.arms[1].behind <= 0:
            return None
        from scipy.stats import norm

        lead = self.arms[1].behind
        quantiles = float(norm.ppf(1 - (1 - CONFIDENCE) / 2) + norm.ppf(POWER))
        required = max(2, ceil(2 * (self.noise * quantiles / lead) ** 2))
        return required if self.significant else max(required, self.arms[0].seeds + 1)

    @property
    def significant(self) -> bool:
        """Whether no other candidate ties with the best and the noise was measured over repeated seeds."""
        return len(self.tied) == 1 and self.degrees_of_freedom > 0


def rank(arms: Sequence[Arm], images: int | ImagesError | None, baseline: Arm | None = None) -> Ranking:
    """Rank candidates of equal cost.

    Args:
        arms: the candidates; those without a completed trial must be left out.
        images: the sampling error of the validation images, which replaces the noise where there is one seed only;
            an integer is the number of images for accuracy. None: the metric has no such error, and with one seed
            the spread between the candidates is used, so that all except outliers tie.
        baseline: the unscaled network's trials, from which the effect of MACs on accuracy is estimated.

    Raises:
        ValueError: no arms, or one without accuracies.
    """
    if not arms or any(not arm.accuracies for arm in arms):
        raise ValueError("every arm needs at least one accuracy")
    fit = _fit(arms)
    images_error = ImagesError((images,)) if isinstance(images, int) else images
    varying = _varying_arms(arms)
    noise, degrees_of_freedom = _noise(varying, images_error, fit if len(varying) == len(arms) else _fit(varying))
    slope = _fitted_slope(arms, baseline)
    effects = _adjusted(arms, fit, slope)
    best = min(range(len(arms)), key=lambda i: (-effects[i], arms[i].key))
    threshold = _quantile(degrees_of_freedom)
    ranked = []
    for i, arm in enumerate(arms):
        error = noise * sqrt(fit.variance_of_difference(i, best))
        gap = effects[best] - effects[i]
        mean = round(float(fit.effects[i]), 12)
        mean_error = noise / sqrt(len(arm.accuracies))
        tied = i == best or gap <= threshold * error
        ranked.append(Ranked(arm.key, len(arm.accuracies), mean, mean_error, effects[i], gap, error, tied))
    ranked.sort(key=lambda entry: (entry.behind, entry.key))
    error_known = degrees_of_freedom > 0 or images_error is not None
    return Ranking(tuple(ranked), noise, degrees_of_freedom, slope, error_known)


def leaders(arms: Sequence[Arm], count: int, baseline: Arm | None = None) -> tuple[str, ...]:
    """Return the keys of the `count` best by adjusted accuracy, which get more seeds."""
    slope = macs_slope(arms, baseline)
    effects = _adjusted(arms, _fit(arms), slope)
    order = sorted(range(len(arms)), key=lambda i: (-effects[i], arms[i].key))
    return tuple(arms[i].key for i in order[:count])


@dataclass(frozen=True, slots=True)
class Difference:
    """Holds the difference in accuracy of two arms, adjusted as in the ranking, with its 95 % interval."""

    value: float
    low: float
    high: float


def difference(arms: Sequence[Arm], ranking: Ranking, key: str, other: str) -> Difference:
    """Return the first arm's effect minus the other's, with its interval: ± t standard errors.

    Args:
        arms: the arms that were ranked.
        ranking: their ranking.
        key: the key of the first arm.
        other: the key of the second arm.
    """
    effects = {entry.key: entry.effect for entry in ranking.arms}
    indices = {arm.key: index for index, arm in enumerate(arms)}
    error = ranking.noise * sqrt(_fit(arms).variance_of_difference(indices[key], indices[other]))
    return _interval(effects[key] - effects[other], error, ranking.degrees_of_freedom)


def intervals(ranking: Ranking) -> dict[str, tuple[float, float]]:
    """Return the 95 % interval of every arm's gap to the best, by key; arms whose interval contains 0 tie."""
    differences = {
        arm.key: _interval(arm.behind, arm.behind_error, ranking.degrees_of_freedom) for arm in ranking.arms
    }
    return {key: (difference.low, difference.high) for key, difference in differences.items()}


def _interval(value: float, error: float, degrees_of_freedom: int) -> Difference:
    half_width = _quantile(degrees_of_freedom) * error
    return Difference(value, value - half_width, value + half_width)


@dataclass(frozen=True, slots=True)
class _Fit:
    effects: np.ndarray
    """(arms,): accuracy at the average seed."""
    squares: float
    """The sum of the squared residuals."""
    covariance: np.ndarray
    """(arms, arms): the covariance of the effects, in units of the noise variance."""

    def variance_of_difference(self, i: int, j: int) -> float:
        """Return the variance of the difference of two effects, in units of the noise variance."""
        return float(self.covariance[i, i] + self.covariance[j, j] - 2 * self.covariance[i, j])


def _fit(arms: Sequence[Arm]) -> _Fit:
    """Fit accuracy by least squares on one column per arm and one per seed; seed effects sum to zero.

    The normal equations have as many unknowns as arms and seeds, however many trials there are.
    """
    seeds = sorted({seed for arm in arms for seed in arm.accuracies})
    values = np.array([[arm.accuracies.get(seed, 0.0) for seed in seeds] for arm in arms])
    has_trial = np.array([[seed in arm.accuracies for seed in seeds] for arm in arms], dtype=float)
    gram = np.block([[np.diag(has_trial.sum(1)), has_trial], [has_trial.T, np.diag(has_trial.sum(0))]])
    # The sum-to-zero row removes the redundancy between arms and seeds; arms without common seeds have another.
    constraint = np.concatenate([np.zeros(len(arms)), np.ones(len(seeds))])
    constrained = gram + np.outer(constraint, constraint)
    inverse = np.linalg.inv(constrained) if _is_connected(gram) else np.linalg.pinv(constrained, hermitian=True)
    solution = inverse @ np.concatenate([values.sum(1), values.sum(0)])
    own = inverse[: len(arms)]
    residuals = (values - solution[: len(arms), None] - solution[None, len(arms) :]) * has_trial
    return _Fit(solution[: len(arms)], float(np.sum(residuals**2)), own @ gram @ own.T)


def _is_connected(gram: np.ndarray) -> bool:
    """Return whether every two arms can be compared, over common seeds and other arms."""
    from scipy.sparse.csgraph import connected_components

    return bool(connected_components(gram, directed=False, return_labels=False) == 1)


def _adjusted(arms: Sequence[Arm], fit: _Fit, slope: float) -> list[float]:
    """Subtract the effect of MACs; rounded, so that equal arms tie with any linear algebra library."""
    return [
        round(float(effect) - slope * log(arm.macs_ratio), 12)
        for arm, effect in zip(arms, fit.effects, strict=True)
    ]


def _varying_arms(arms: Sequence[Arm]) -> Sequence[Arm]:
    """Return the arms that measure the noise; an arm equal for all seeds never left chance level, and has none."""
    varying = [arm for arm in arms if len(arm.accuracies) == 1 or len(set(arm.accuracies.values())) > 1]
    return varying or arms


def _noise(arms: Sequence[Arm], images: ImagesError | None, fit: _Fit) -> tuple[float, int]:
    """Return the standard deviation of a trial, at least half a validation image, and its degrees of freedom.

    Where the metric's error does not follow from the images (None), seeds that do not differ at all measure no
    noise. In that case, and without repeated seeds, the spread of the values is returned.
    """
    trials = sum(len(arm.accuracies) for arm in arms)
    seeds = len({seed for arm in arms for seed in arm.accuracies})
    degrees_of_freedom = trials - len(arms) - (seeds - 1)
    noise = float(np.sqrt(fit.squares / degrees_of_freedom)) if degrees_of_freedom > 0 else 0.0
    values = [value for arm in arms for value in arm.accuracies.values()]
    if images is None:
        return (noise, degrees_of_freedom) if noise > _EQUAL else (float(np.std(values)), 0)
    if degrees_of_freedom > 0:
        return max(noise, images.half_image), degrees_of_freedom
    # At least half an image: a score of 1 on the validation set does not mean certainty.
    return images.standard_error(min(max(float(np.mean(values)), images.half_image), 1 - images.half_image)), 0


def _fitted_slope(arms: Sequence[Arm], baseline: Arm | None) -> float:
    """Return the slope of accuracy in log MACs from the gains of all candidates, whichever seeds they have.

    Candidates that have all seeds of the baseline are a selection of good ones where seeds go to these, so that
    `macs_slope`, which takes no others, is too large there.
    """
    if baseline is None or not any(arm.accuracies.keys() & baseline.accuracies.keys() for arm in arms):
        return 0.0
    *effects, base_effect = _fit((*arms, baseline)).effects
    return _slope([float(effect - base_effect) for effect in effects], arms, baseline)


def macs_slope(arms: Sequence[Arm], baseline: Arm | None) -> float:
    """Return the slope of accuracy in log MACs, from the mean gain or loss over the baseline.

    Only candidates that have all of the baseline's seeds count.
    """
    if baseline is None or not baseline.accuracies:
        return 0.0
    common = [arm for arm in arms if set(arm.accuracies) >= set(baseline.accuracies)]
    if not common:
        return 0.0
    gains = [
        float(np.mean([arm.accuracies[seed] - accuracy for seed, accuracy in baseline.accuracies.items()]))
        for arm in common
    ]
    return _slope(gains, common, baseline)


def _slope(gains: Sequence[float], arms: Sequence[Arm], baseline: Arm) -> float:
    """Return the mean gain over the baseline for each unit of log MACs."""
    if baseline.macs_ratio == 1:
        return 0.0
    distance = np.mean([log(arm.macs_ratio) for arm in arms]) - log(baseline.macs_ratio)
    # The baseline costs less than the candidates, or more where these are scaled down.
    return max(0.0, float(np.mean(gains) / distance)) if distance * (1 - baseline.macs_ratio) > 0 else 0.0


def _quantile(degrees_of_freedom: int) -> float:
    from scipy.stats import norm, t

    tail = 1 - (1 - CONFIDENCE) / 2
    return float(t.ppf(tail, degrees_of_freedom)) if degrees_of_freedom > 0 else float(norm.ppf(tail))
