"""The words around the table of a search of stages."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scalesearch.study.answer import Answer


def stages_words(found: Answer) -> tuple[str, str]:
    """The title and the caption."""
    from scalesearch.search.metrics import metric_words

    asked, search = found.plan.question, found.plan.question.stages
    assert search is not None, "a search of stages"
    title = (
        f"{search.space.name} over {asked.baseline.name}, {search.reward.words}, budget {asked.budget.name}, "
        f"{found.plan.data.name}"
    )
    caption = (
        f"= ties with the best (95 %)   n: seeds   {metric_words(asked.metric)}: of the proxy   cost: over the "
        "baseline's\nbehind: difference in reward to the best, adjusted for the seeds"
    )
    return title, caption
