"""What a comparison of scaling rules says."""

from __future__ import annotations

from scalesearch.search.ranking import intervals
from scalesearch.study.answer import Answer

SINGLE = ("depth", "width", "resolution")


def comparison_lines(found: Answer) -> list[str]:
    """The best rule, compound against each single dimension with intervals, and what the baseline had."""
    plan, ranking = found.plan, found.ranking
    names = {arm.key: plan.by_network[arm.key].name for arm in ranking.arms}
    base = plan.base_arm(found.outcomes).accuracies
    away = intervals(plan.arms(found.outcomes), ranking)
    first = ranking.arms[0]
    measured = f"{first.mean:.4f} ± {first.standard_error:.4f} ({first.seeds} seeds)"
    lines = [f"Best: {names[first.key]}, {measured}; {found.certainty}"]
    for arm in ranking.arms[1:]:
        low, high = away[arm.key]
        lines.append(f"  {names[arm.key]:<10} behind by {arm.behind:.4f} (95 %: {low:.4f} … {high:.4f})")
    if base:
        before = sum(base.values()) / len(base)
        gains = ", ".join(f"{names[arm.key]} {arm.mean - before:+.4f}" for arm in ranking.arms)
        lines.append(f"Over the baseline's {before:.4f}: {gains}")
    return lines
