"""The networks of a search of stages as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table

    from scalesearch.study.answer import Answer


def stages_table(found: Answer) -> Table:
    """The networks trained the longest, best first: reward, accuracy, distance to the best, and what they cost."""
    from scalesearch.cli.narrow import narrow_table
    from scalesearch.design.architecture import Architecture
    from scalesearch.units import si

    plan = found.plan
    asked, reward = plan.question, plan.question.stages
    assert reward is not None, "a search of stages"
    table = narrow_table(
        f"{reward.space.name} over {asked.baseline.name}, {reward.reward.words}, budget {asked.budget.name}, "
        f"{plan.data.name}",
        "<|network<|layers<|reward|n|behind|accuracy|cost|MACs|params",
        "= ties with the best (95 %)   n: seeds   accuracy: of the proxy   cost: over the baseline's\n"
        "behind: difference in reward to the best, adjusted for the seeds",
    )
    for arm in found.ranking.arms:
        one = plan.by_network[arm.key]
        assert isinstance(one.architecture, Architecture), "stages are searched on baseline files only"
        table.add_row(
            "=" if arm.tied else " ",
            one.label,
            " ".join(map(str, one.architecture.depths)),
            found.with_error(arm.mean, arm.standard_error),
            str(arm.seeds),
            found.with_error(arm.behind, arm.behind_error),
            f"{arm.mean / plan.worth(arm.key):.4f}",
            f"{one.flops_ratio:.3f}x",
            si(one.cost.macs),
            si(one.cost.params),
            style="bold" if arm.key == found.ranking.recommended else None,
        )
    return table
