"""The summary and the files of a comparison of scaling rules."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from scalesearch.design.paper import TABLES_3_AND_7
from scalesearch.search.metrics import ACCURACY, metric_words
from scalesearch.search.plan import Plan
from scalesearch.search.study_config import StudyConfig
from scalesearch.study.kinds.grid import GridResults
from scalesearch.study.provenance_text import matched_lines, provenance_line
from scalesearch.study.result import StudyResult

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

_PAPERS_PHI = 2
"""Tables 3 and 7 of Tan & Le 2019 compare networks of about 4 = 2² times the baseline's cost."""


class RuleResults(GridResults):
    """The rules by rank; winner.yaml holds the coefficients of the best one."""

    def summary(self, result: StudyResult, folder: Path) -> list[str]:
        """Return the best rule, the gaps of the others to it, and what the comparison is based on."""
        del folder
        return [*comparison_lines(result), *matched_lines(result.plan.config), provenance_line(result)]

    def parameters(self, plan: Plan) -> dict[str, dict[str, float | str]]:
        """Return the coefficients and the name of each network's rule, by the id of the network."""
        names = {plan.base_id: "baseline", **{key: candidate.name for key, candidate in plan.by_network.items()}}
        return {key: {**coefficients, "rule": names[key]} for key, coefficients in super().parameters(plan).items()}

    def distributions(self, plan: Plan) -> dict[str, BaseDistribution]:
        """Return the distributions of the coefficients and of the rules' names."""
        from optuna.distributions import CategoricalDistribution

        names = ["baseline", *(candidate.name for candidate in plan.trained)]
        return {**super().distributions(plan), "rule": CategoricalDistribution(names)}


def comparison_lines(result: StudyResult) -> list[str]:
    """Return one line for the best rule, one for each other rule, and one for the gains over the baseline.

    The gap of each other rule to the best has its 95 % interval. A last line has the gains that the paper prints,
    where there are any.
    """
    plan, ranking = result.plan, result.ranking
    names = {arm.key: plan.by_network[arm.key].name for arm in ranking.arms}
    base_accuracies, intervals = result.base.accuracies, result.intervals
    best = ranking.arms[0]
    metric_prefix = "" if plan.config.metric == ACCURACY else f"{metric_words(plan.config.metric)} "
    lines = [f"Best: {names[best.key]}, {metric_prefix}{result.measured(best)}; {result.certainty}"]
    for arm in ranking.arms[1:]:
        low, high = intervals[arm.key]
        interval = f" (95 %: {low:.4f} … {high:.4f})" if ranking.error_known else ""
        lines.append(f"  {names[arm.key]:<10} behind by {arm.behind:.4f}{interval}")
    if base_accuracies:
        base_mean = sum(base_accuracies.values()) / len(base_accuracies)
        gains = ", ".join(f"{names[arm.key]} {arm.mean - base_mean:+.4f}" for arm in ranking.arms)
        lines.append(f"Over the baseline's {base_mean:.4f}: {gains}")
    if papers := papers_gains(plan.config):
        printed = ", ".join(f"{name} {gain:+}" for name, gain in papers.items())
        lines.append(f"The paper, ImageNet top-1 at about 4x: {printed}")
    return lines


def papers_gains(config: StudyConfig) -> dict[str, Decimal]:
    """Return what Tables 3 and 7 of Tan & Le 2019 print at about 4x, in points over the baseline, by rule.

    The mapping is empty at another ratio, for another kind of cost, and for a baseline that the paper does not
    scale.
    """
    rows = {row.variant: Decimal(row.top1) for row in TABLES_3_AND_7 if row.baseline == config.baseline.name}
    if config.cost != "macs" or config.phi != _PAPERS_PHI or not rows:
        return {}
    return {name: top1 - rows["baseline"] for name, top1 in rows.items() if name != "baseline"}
