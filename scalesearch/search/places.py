"""Where a plan's networks stand among depth, width and resolution: what the surface and trust rest on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import log

from scalesearch.search.plan import Plan
from scalesearch.search.ranking import macs_slope
from scalesearch.search.surface import Point, Surface, shares_of, surface
from scalesearch.search.trial import Outcome


def surface_of(plan: Plan, outcomes: Mapping[str, Outcome]) -> Surface | None:
    """The smooth surface through all candidates and, by halving, all rungs; None where they are too few.

    Nor is there one over stages, which are no points in depth, width and resolution.
    """
    if plan.question.stages:
        return None
    rungs = [None] if plan.ladder is None else list(range(plan.climb(outcomes).reached + 1))
    return surface(places(plan, outcomes, rungs))


def places(plan: Plan, outcomes: Mapping[str, Outcome], rungs: Sequence[int | None]) -> list[Point]:
    """The candidates' places and accuracies on some rungs (None: at the end), adjusted as the ranking is."""
    shares = {key: shares_of(one.coefficients) for key, one in plan.by_network.items()}
    values: dict[str, dict[tuple[int, int], float]] = {key: {} for key in shares}
    budget = plan.question.budget
    for rung in rungs:
        arms = plan.rung_arms(outcomes, rung, max(budget.seeds, budget.final_seeds))
        base = plan.base_arm(outcomes) if rung is None else plan.base_on(outcomes, rung)
        slope = macs_slope(arms, base)
        for arm in arms:
            worth = slope * log(arm.macs_ratio)
            values[arm.key] |= {(rung or 0, seed): one - worth for seed, one in arm.accuracies.items()}
    return [Point(key, shares[key], own) for key, own in values.items()]
