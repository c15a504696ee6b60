"""What a comparison of scaling rules says."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from scalesearch.design.paper import TABLES_3_AND_7
from scalesearch.search.metrics import ACCURACY, metric_words
from scalesearch.search.plan import Plan
from scalesearch.search.study_config import StudyConfig
from scalesearch.study.kinds.grid import GridResults
from scalesearch.study.provenance_words import matched_lines, provenance_line
from scalesearch.study.result import StudyResult

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

_PAPERS_PHI = 2


class RuleResults(GridResults):
    """The rules in their order; winner.yaml has the best one's coefficients."""

    def summary(self, result: StudyResult, folder: Path) -> list[str]:
        """The best rule, the others behind it, and what the comparison is based on."""
        del folder
        return [*comparison_lines(result), *matched_lines(result.plan.config), provenance_line(result)]

    def parameters(self, plan: Plan) -> dict[str, dict[str, float | str]]:
        """The coefficients, and the rule's name."""
        names = {plan.base_id: "baseline", **{key: one.name for key, one in plan.by_network.items()}}
        return {key: {**own, "rule": names[key]} for key, own in super().parameters(plan).items()}

    def distributions(self, plan: Plan) -> dict[str, BaseDistribution]:
        """The coefficients, and the rules' names."""
        from optuna.distributions import CategoricalDistribution

        names = ["baseline", *(one.name for one in plan.trained)]
        return {**super().distributions(plan), "rule": CategoricalDistribution(names)}


def comparison_lines(result: StudyResult) -> list[str]:
    """The best rule, compound against each single dimension with intervals, and what the baseline had."""
    plan, ranking = result.plan, result.ranking
    names = {arm.key: plan.by_network[arm.key].name for arm in ranking.arms}
    base, away = result.base.accuracies, result.intervals
    first = ranking.arms[0]
    by = "" if plan.config.metric == ACCURACY else f"{metric_words(plan.config.metric)} "
    lines = [f"Best: {names[first.key]}, {by}{result.measured(first)}; {result.certainty}"]
    for arm in ranking.arms[1:]:
        low, high = away[arm.key]
        interval = f" (95 %: {low:.4f} … {high:.4f})" if ranking.error_known else ""
        lines.append(f"  {names[arm.key]:<10} behind by {arm.behind:.4f}{interval}")
    if base:
        before = sum(base.values()) / len(base)
        gains = ", ".join(f"{names[arm.key]} {arm.mean - before:+.4f}" for arm in ranking.arms)
        lines.append(f"Over the baseline's {before:.4f}: {gains}")
    if papers := papers_gains(plan.config):
        printed = ", ".join(f"{name} {gain:+}" for name, gain in papers.items())
        lines.append(f"The paper, ImageNet top-1 at about 4x: {printed}")
    return lines


def papers_gains(config: StudyConfig) -> dict[str, Decimal]:
    """What Tables 3 and 7 of Tan & Le 2019 print for the baseline at about 4x, in points over it, by rule.

    Empty at another cost, of another kind of cost, and for a baseline that the paper does not scale.
    """
    rows = {row.variant: Decimal(row.top1) for row in TABLES_3_AND_7 if row.baseline == config.baseline.name}
    if config.cost != "macs" or config.phi != _PAPERS_PHI or not rows:
        return {}
    return {name: top1 - rows["baseline"] for name, top1 in rows.items() if name != "baseline"}
