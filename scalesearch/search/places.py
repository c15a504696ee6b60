"""Where a plan's networks stand among depth, width and resolution: what proxies are validated on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import log

from scalesearch.search.plan import Plan
from scalesearch.search.ranking import macs_slope
from scalesearch.search.shares import Point, shares_of
from scalesearch.search.trial import Outcome


def surface_data(plan: Plan, outcomes: Mapping[str, Outcome], rungs: Iterable[int]) -> list[Point]:
    """The candidates' places and accuracies on some rungs, adjusted as the ranking is."""
    shares = {key: shares_of(one.coefficients) for key, one in plan.by_network.items()}
    values: dict[str, dict[tuple[int, int], float]] = {key: {} for key in shares}
    for rung in rungs:
        arms = plan.rung_arms(outcomes, rung, plan.scheduler.seeds)
        slope = macs_slope(arms, plan.baseline_on(outcomes, rung))
        for arm in arms:
            worth = slope * log(arm.macs_ratio)
            values[arm.key] |= {(rung, seed): one - worth for seed, one in arm.accuracies.items()}
    return [Point(key, shares[key], own) for key, own in values.items()]
