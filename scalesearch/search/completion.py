"""Reports how far the candidates of a plan have progressed, for text and tables."""

from __future__ import annotations

from collections.abc import Mapping

from scalesearch.search.plan import Plan
from scalesearch.search.trial import Outcome


def completed(plan: Plan, outcomes: Mapping[str, Outcome], rung: int) -> int:
    """Return how many candidates have a completed trial on a rung."""
    return len(plan.rung_arms(outcomes, rung, 1))


def all_completed(plan: Plan, outcomes: Mapping[str, Outcome]) -> bool:
    """Return whether every candidate has a completed trial, on the first rung where there are rungs."""
    return len(plan.rung_arms(outcomes, 0, plan.scheduler.seeds)) == len(plan.trained)


def untrained(plan: Plan, outcomes: Mapping[str, Outcome]) -> tuple[str, ...]:
    """Return the candidates without any finished trial, which the model judges by what is known of the others."""
    begun = {trial.network for trial in plan.candidate_trials if plan.trial_id(trial) in outcomes}
    return tuple(key for key in plan.by_network if key not in begun)


def eliminated(plan: Plan, outcomes: Mapping[str, Outcome]) -> dict[str, int]:
    """Return the candidates that stopped on a lower rung than the ranked ones, and the last rung of each."""
    reached, last_rungs = plan.reached_rung(outcomes), dict[str, int]()
    for rung in range(reached):
        last_rungs.update({arm.key: rung for arm in plan.rung_arms(outcomes, rung, 1)})
    ranked = {arm.key for arm in plan.rung_arms(outcomes, reached, 1)}
    return {key: rung for key, rung in last_rungs.items() if key not in ranked}
