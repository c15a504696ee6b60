"""What a comparison of scaling rules says."""

from __future__ import annotations

from decimal import Decimal

from scalesearch.design.exact import plain
from scalesearch.design.paper import TABLES_3_AND_7
from scalesearch.search.metrics import ACCURACY, metric_words
from scalesearch.search.question import Question
from scalesearch.study.answer import Answer

_PAPERS_PHI = 2


def comparison_lines(found: Answer) -> list[str]:
    """The best rule, compound against each single dimension with intervals, and what the baseline had."""
    plan, ranking = found.plan, found.ranking
    names = {arm.key: plan.by_network[arm.key].name for arm in ranking.arms}
    base, away = found.base.accuracies, found.intervals
    first = ranking.arms[0]
    by = "" if plan.question.metric == ACCURACY else f"{metric_words(plan.question.metric)} "
    lines = [f"Best: {names[first.key]}, {by}{found.measured(first)}; {found.certainty}"]
    for arm in ranking.arms[1:]:
        low, high = away[arm.key]
        interval = f" (95 %: {low:.4f} … {high:.4f})" if ranking.error_known else ""
        lines.append(f"  {names[arm.key]:<10} behind by {arm.behind:.4f}{interval}")
    if base:
        before = sum(base.values()) / len(base)
        gains = ", ".join(f"{names[arm.key]} {arm.mean - before:+.4f}" for arm in ranking.arms)
        lines.append(f"Over the baseline's {before:.4f}: {gains}")
    if papers := papers_gains(plan.question):
        printed = ", ".join(f"{name} {gain:+}" for name, gain in papers.items())
        lines.append(f"The paper, ImageNet top-1 at about 4x: {printed}")
    return lines


def transfer_line(found: Answer, name: str) -> str:
    """Whether the recommendation of another φ, a rule of this comparison, still ties with the best here."""
    plan, ranking = found.plan, found.ranking
    phi = plain(plan.question.phi)
    own = next((arm for arm in ranking.arms if name in plan.by_network[arm.key].rules), None)
    if own is None:
        return (
            f"At φ = {phi}: no network of {name} has the wanted cost and a completed trial, so it was not compared"
        )
    low, high = found.intervals[own.key]
    best = plan.by_network[ranking.arms[0].key]
    if name in best.rules:
        return f"At φ = {phi}: {name} is the best again; {found.certainty}"
    verdict = "still ties" if own.tied else "no longer ties"
    behind = f"behind by {own.behind:.4f} ({low:.4f} … {high:.4f})"
    return f"At φ = {phi}: {name} {verdict} with the best, {best.name}: {behind}"


def papers_gains(question: Question) -> dict[str, Decimal]:
    """What Tables 3 and 7 of Tan & Le 2019 print for the baseline at about 4x, in points over it, by rule.

    Empty at another cost, of another kind of cost, and for a baseline that the paper does not scale.
    """
    rows = {row.variant: Decimal(row.top1) for row in TABLES_3_AND_7 if row.baseline == question.baseline.name}
    if question.cost != "macs" or question.phi != _PAPERS_PHI or not rows:
        return {}
    return {name: top1 - rows["baseline"] for name, top1 in rows.items() if name != "baseline"}
