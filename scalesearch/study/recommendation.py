"""What a search would recommend if it ended now, as text."""

from __future__ import annotations

from collections.abc import Mapping

from scalesearch.search.plan import Plan
from scalesearch.search.trial import Outcome
from scalesearch.study.decision_text import regret_words
from scalesearch.study.result import analyze
from scalesearch.study.trials_table import network_ids


def recommendation_so_far(plan: Plan, outcomes: Mapping[str, Outcome]) -> str:
    """Return what a search would recommend if it ended now, on one line; empty while nothing can be said.

    Args:
        plan: the search.
        outcomes: of its finished trials, by trial id.
    """
    result = analyze(plan, outcomes) if plan.config.kind.recommends else None
    if result is None:
        return ""
    return f"Recommended so far: {network_ids(plan)[result.recommended]}; {regret_words(result)}"
