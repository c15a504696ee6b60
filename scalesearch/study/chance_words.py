"""What chance is on a study's data, and the rungs on which no network differed from it, in words."""

from __future__ import annotations

from collections.abc import Mapping

from scalesearch.search.metrics import BALANCED
from scalesearch.search.plan import Plan
from scalesearch.search.trial import Outcome


def chance_words(plan: Plan) -> str:
    """The answer that does without the images, and how often it is right."""
    data, chance = plan.data, plan.chance
    if data.majority is not None and chance.metric != BALANCED:
        return f"'{data.majority.name}' ({chance.level:.4f})"
    one_of_equals = chance.metric == BALANCED or len(set(data.sizes)) == 1
    return f"{'one class' if one_of_equals else 'the largest class'} ({chance.level:.4f})"


def prolonged_lines(plan: Plan, outcomes: Mapping[str, Outcome]) -> list[str]:
    """A line for each rung that eliminated nobody."""
    return [
        f"Nobody eliminated after {plan.rungs[rung].samples} images: the best of {len(reached)} networks, "
        f"{max(reached):.4f}, does not differ from always answering {chance_words(plan)}"
        for rung in plan.state(outcomes).prolonged
        if (reached := plan.reached(outcomes, rung))
    ]
