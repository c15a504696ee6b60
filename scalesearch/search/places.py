"""Where a plan's networks stand among depth, width and resolution: what the surface and trust rest on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import log

from scalesearch.search.plan import Plan
from scalesearch.search.ranking import macs_slope
from scalesearch.search.surface import Point, Surface, shares_of, surface
from scalesearch.search.trial import Outcome


def surface_of(plan: Plan, outcomes: Mapping[str, Outcome]) -> Surface | None:
    """The smooth surface through all candidates and, by halving, all rungs; None where they are too few.

    Nor is there one over stages, which are no points in depth, width and resolution.
    """
    if not plan.question.kind.scales:
        return None
    return surface(places(plan, outcomes, range(plan.reached_rung(outcomes) + 1)))


def places(plan: Plan, outcomes: Mapping[str, Outcome], rungs: Iterable[int]) -> list[Point]:
    """The candidates' places and accuracies on some rungs, adjusted as the ranking is."""
    shares = {key: shares_of(one.coefficients) for key, one in plan.by_network.items()}
    values: dict[str, dict[tuple[int, int], float]] = {key: {} for key in shares}
    for rung in rungs:
        arms = plan.rung_arms(outcomes, rung, plan.scheduler.seeds)
        slope = macs_slope(arms, plan.base_on(outcomes, rung))
        for arm in arms:
            worth = slope * log(arm.macs_ratio)
            values[arm.key] |= {(rung, seed): one - worth for seed, one in arm.accuracies.items()}
    return [Point(key, shares[key], own) for key, own in values.items()]
