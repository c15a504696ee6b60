"""Collects the shares and accuracies of a study's candidates: the data on which proxies are validated."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import log

from scalesearch.search.ranking import macs_slope
from scalesearch.search.shares import Point, shares_of
from scalesearch.search.study_trials import StudyTrials
from scalesearch.search.trial import Outcome


def surface_data(plan: StudyTrials, outcomes: Mapping[str, Outcome], rungs: Iterable[int]) -> list[Point]:
    """Return the candidates' shares and their accuracies on some rungs, adjusted as in the ranking."""
    shares = {key: shares_of(candidate.coefficients) for key, candidate in plan.by_network.items()}
    values: dict[str, dict[tuple[int, int], float]] = {key: {} for key in shares}
    for rung in rungs:
        arms = plan.rung_arms(outcomes, rung, plan.scheduler.seeds)
        slope = macs_slope(arms, plan.baseline_on(outcomes, rung))
        for arm in arms:
            adjustment = slope * log(arm.macs_ratio)
            values[arm.key] |= {(rung, seed): accuracy - adjustment for seed, accuracy in arm.accuracies.items()}
    return [Point(key, shares[key], accuracies) for key, accuracies in values.items()]
