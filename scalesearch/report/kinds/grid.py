"""The presentation of a grid search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from scalesearch.design.decimals import format_decimal
from scalesearch.report import figures
from scalesearch.report.document import Paragraph, Section, Table
from scalesearch.report.family_section import family_section
from scalesearch.report.kinds.base import (
    KindReport,
    baseline_cost_text,
    drop_missing,
    matched_cost_paragraphs,
    not_above_baseline,
    terminal_caption,
)
from scalesearch.report.phrases import format_coefficients, seeds_text
from scalesearch.report.tables import coefficients_table
from scalesearch.search.candidates import Candidate, tolerance
from scalesearch.search.metrics import metric_words
from scalesearch.search.plan import Plan
from scalesearch.search.ranking import Ranked
from scalesearch.search.shares import Point
from scalesearch.search.study_config import StudyConfig
from scalesearch.study.cost_labels import COST_WORDS, times_of
from scalesearch.study.decision_text import regret_words
from scalesearch.study.result import StudyResult


class GridReport(KindReport):
    """Present a grid search: which α, β and γ to take, and the family that they give."""

    def title(self, config: StudyConfig) -> str:
        """Ask how the baseline should spend, or save, the target cost."""
        what = "compute" if config.cost == "macs" else COST_WORDS[config.cost]
        if config.shrinks:
            return f"How should {config.baseline.name} shrink to {times_of(config)} of its {what}?"
        return f"How should {config.baseline.name} spend its next {times_of(config)} of {what}?"

    def short_title(self, config: StudyConfig) -> str:
        """Return the baseline, φ, the budget, and what is matched."""
        matched = f"{COST_WORDS[config.cost]} matched" if config.match == "flops" else "γ taken literally"
        return f"{config.baseline.name}, φ = {format_decimal(config.phi)}, budget {config.budget.title}, {matched}"

    def terminal_table_text(self, result: StudyResult) -> tuple[str, str]:
        """Return the baseline, φ, the budget and the data as title, and the caption."""
        config = result.plan.config
        head = f"{config.baseline.name}, φ = {format_decimal(config.phi)}"
        return f"{head}, budget {config.budget.title}, {result.plan.data.name}", terminal_caption(result)

    def sentence(self, result: StudyResult) -> str:
        """Say which network is recommended, and which tie with it."""
        ranking, recommended = result.ranking, format_coefficients(result.winner.coefficients)
        num_tied, num_ranked = len(ranking.tied), len(ranking.arms)
        if result.below_baseline:
            return not_above_baseline(result, recommended, metric_words(result.plan.config.metric))
        recommendation = f"{recommended} is recommended; {regret_words(result)}"
        if ranking.significant:
            return f"{recommendation}; its measured mean leads each other network's by more than the noise (95 %)"
        if ranking.degrees_of_freedom == 0:
            return f"{recommendation}; each network was trained with one seed, so the means alone prove nothing"
        how_many = f"all {num_ranked}" if num_tied == num_ranked else f"{num_tied} of the {num_ranked}"
        return (
            f"{recommendation}; {how_many} networks that were trained to the end have measured means that tie "
            "within the noise (95 %)"
        )

    def networks(self, plan: Plan) -> str:
        """Say where the networks came from, how they are rounded, and what is matched."""
        config = plan.config
        tolerance_text = f"within {format_decimal(100 * tolerance(config.cost))} %"
        matched = (
            f"{self.matched_text(config)} {tolerance_text}" if config.match == "flops" else "costs not matched"
        )
        return f"{self.points_text(plan)}; {config.rounding} rounding; {matched}"

    def points_text(self, plan: Plan) -> str:
        """Say how many triples (α, β, γ) give how many networks."""
        candidate_set = plan.candidate_set
        num_networks = len(candidate_set.candidates) + len(candidate_set.unmatched)
        return (
            f"{candidate_set.triples} triples are {num_networks} networks, of which {len(plan.trained)} are "
            "compared"
        )

    def matched_text(self, config: StudyConfig) -> str:
        """Say what is set so that the cost reaches its target."""
        if config.cost == "latency":
            return f"px set so that the latency is {times_of(config)}"
        return f"px set so that the {COST_WORDS[config.cost]} are {times_of(config)}"

    def question(self, result: StudyResult) -> Section:
        """Return the question in the paper's terms, and the matched cost."""
        return Section(
            "The question", (Paragraph(self.question_text(result.plan.config)), *matched_cost_paragraphs(result))
        )

    def question_text(self, config: StudyConfig) -> str:
        """Say what the baseline costs, and what is asked about it."""
        return (
            f"{baseline_cost_text(config)} Compound scaling multiplies its depth by α^φ, its width by β^φ and its "
            "resolution by γ^φ, with αβ²γ² ≈ 2 (Tan & Le 2019, equation 3). Which α, β and γ give the highest "
            f"{metric_words(config.metric)} at φ = {format_decimal(config.phi)}?"
        )

    def answer(self, result: StudyResult) -> Section:
        """Return the key figures, and how far each candidate is behind the best."""
        return Section("The answer", (self.key_figures(result), coefficients_table(result)))

    def key_figures(self, result: StudyResult) -> Table:
        """Return the answer in figures."""
        return key_figures_table(result, result.place, result.winner)

    def evidence(self, result: StudyResult) -> Section:
        """Return the figures of the candidates by cost, shares and sizes, and of how they learned."""
        drawings = (
            figures.pareto(result),
            figures.compute_allocation(result),
            figures.coefficients(result),
            figures.parallel(result),
            figures.learning(result),
            figures.regret(result),
        )
        return Section("The evidence", drop_missing(*drawings))

    def pitfalls(self, result: StudyResult, budgets: Mapping[str, Sequence[Point]]) -> Section | None:
        """Return the figures that show whether further budgets or nominal costs mislead."""
        blocks = drop_missing(figures.agreement(result, budgets), figures.nominal(result))
        return Section("What could mislead", blocks) if blocks else None

    def family(self, result: StudyResult) -> Section | None:
        """Return the members that the coefficients give, or None where a function builds the networks."""
        return family_section(result)


def key_figures_table(result: StudyResult, place: Ranked, winner: Candidate) -> Table:
    """Return the answer in figures.

    Args:
        result: the study's result.
        place: the row in the ranking of the network that is shown.
        winner: the network.
    """
    plan, coefficients, base_accuracies = result.plan, winner.coefficients, result.base.accuracies
    metric = metric_words(plan.config.metric)
    rows = [
        (f"highest {metric}", f"{winner.name}: {format_coefficients(coefficients)}")
        if winner.name
        else ("recommended", format_coefficients(coefficients)),
        ("nominal αβ²γ²", f"{float(coefficients.product):.3f}"),
        ("measured FLOPs", f"{float(winner.flops_ratio):.3f}x {plan.config.baseline.name}'s"),
        (metric, result.measured(place)),
    ]
    if winner == result.winner and plan.config.kind.recommends:
        decision = result.decision
        expected = result.with_error(decision.mean(place.key), decision.error(place.key))
        rows.insert(3, (f"expected {metric}", f"{expected} by all that was measured"))
        rows.insert(4, ("regret", regret_words(result)))
    if base_accuracies:
        mean = sum(base_accuracies.values()) / len(base_accuracies)
        rows.append((f"{plan.config.baseline.name} unscaled", f"{mean:.4f} ({seeds_text(len(base_accuracies))})"))
    seeds_needed = result.seeds_needed
    if seeds_needed is not None and not result.ranking.significant:
        rows.append(
            ("seeds for 80 % power", f"{seeds_needed}, to show the lead of the best over the second, if it is real")
        )
    return Table("", ("what", "value"), tuple(rows), frozenset(("what", "value")))
