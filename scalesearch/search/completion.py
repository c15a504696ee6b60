"""How far the candidates of a plan have come: for words and tables."""

from __future__ import annotations

from collections.abc import Mapping

from scalesearch.search.plan import Plan
from scalesearch.search.trial import Outcome


def completed(plan: Plan, outcomes: Mapping[str, Outcome], rung: int) -> int:
    """How many candidates have a completed trial on a rung."""
    return len(plan.rung_arms(outcomes, rung, 1))


def all_completed(plan: Plan, outcomes: Mapping[str, Outcome]) -> bool:
    """Whether every candidate has a completed trial, on the first rung where there are rungs."""
    return len(plan.rung_arms(outcomes, 0, plan.scheduler.seeds)) == len(plan.trained)


def eliminated(plan: Plan, outcomes: Mapping[str, Outcome]) -> dict[str, int]:
    """The candidates that were left on a lower rung than the ranked ones, and on which."""
    reached, found = plan.reached_rung(outcomes), dict[str, int]()
    for rung in range(reached):
        found.update({arm.key: rung for arm in plan.rung_arms(outcomes, rung, 1)})
    ranked = {arm.key for arm in plan.rung_arms(outcomes, reached, 1)}
    return {key: rung for key, rung in found.items() if key not in ranked}
