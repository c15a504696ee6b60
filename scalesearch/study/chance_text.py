"""Chance level as text: what a constant answer reaches on the data, and the rungs that did not exceed it."""

from __future__ import annotations

from collections.abc import Mapping

from scalesearch.search.metrics import BALANCED
from scalesearch.search.plan import Plan
from scalesearch.search.trial import Outcome


def chance_words(plan: Plan) -> str:
    """Return the best constant answer on the validation images and how often it is right, as text."""
    data, chance = plan.data, plan.chance
    if data.majority is not None and chance.metric != BALANCED:
        return f"'{data.majority.name}' ({chance.level:.4f})"
    is_uniform = chance.metric == BALANCED or len(set(data.sizes)) == 1
    return f"{'one class' if is_uniform else 'the largest class'} ({chance.level:.4f})"


def _images(plan: Plan, rung: int) -> int:
    """Return how many images a trial has seen at the end of a rung, or in all where there are none."""
    return plan.rungs[rung].samples if plan.rungs else plan.proxies.images(plan.proxies.spec(plan.base_id, 0))


def prolonged_lines(plan: Plan, outcomes: Mapping[str, Outcome]) -> list[str]:
    """Return one line for each rung on which no candidate was eliminated, because none exceeded chance level."""
    return [
        f"Nobody eliminated after {_images(plan, rung)} images: the best of {len(scores)} networks, "
        f"{max(scores):.4f}, does not differ from always answering {chance_words(plan)}"
        for rung in plan.state(outcomes).rungs_without_elimination
        if (scores := plan.first_seed_scores(outcomes, rung))
    ]
