"""How a search by grid is shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from scalesearch.design.exact import plain
from scalesearch.report import figures
from scalesearch.report.article import Section, Table, Text
from scalesearch.report.family_section import family_section
from scalesearch.report.kinds.base import (
    KindReport,
    drawn,
    matched_texts,
    not_above,
    size_words,
    terminal_caption,
)
from scalesearch.report.tables import coefficients_table
from scalesearch.report.words import greek, seeds_words
from scalesearch.search.candidates import Candidate, tolerance
from scalesearch.search.metrics import metric_words
from scalesearch.search.plan import Plan
from scalesearch.search.ranking import Ranked
from scalesearch.search.shares import Point
from scalesearch.search.study_config import StudyConfig
from scalesearch.study.cost_words import COST_WORDS, times_of
from scalesearch.study.decision_words import regret_words
from scalesearch.study.result import StudyResult


class GridReport(KindReport):
    """Which α, β and γ to take, with the family that they give."""

    def title(self, config: StudyConfig) -> str:
        """How the baseline should spend what it may cost."""
        what = "compute" if config.cost == "macs" else COST_WORDS[config.cost]
        if config.shrinks:
            return f"How should {config.baseline.name} shrink to {times_of(config)} of its {what}?"
        return f"How should {config.baseline.name} spend its next {times_of(config)} of {what}?"

    def short_title(self, config: StudyConfig) -> str:
        """The baseline, φ, the budget, and what is matched."""
        matched = f"{COST_WORDS[config.cost]} matched" if config.match == "flops" else "γ taken literally"
        return f"{config.baseline.name}, φ = {plain(config.phi)}, budget {config.budget.title}, {matched}"

    def table_words(self, result: StudyResult) -> tuple[str, str]:
        """The baseline, φ, the budget and the data."""
        asked = result.plan.config
        head = f"{asked.baseline.name}, φ = {plain(asked.phi)}"
        return f"{head}, budget {asked.budget.title}, {result.plan.data.name}", terminal_caption(result)

    def sentence(self, result: StudyResult) -> str:
        """What is recommended, and what ties with it."""
        ranking, own = result.ranking, greek(result.winner.coefficients)
        tied, ranked = len(ranking.tied), len(ranking.arms)
        if result.below_baseline:
            return not_above(result, own, metric_words(result.plan.config.metric))
        said = f"{own} is recommended: {regret_words(result)}"
        if ranking.significant:
            return f"{said}; its measured mean leads each other network's by more than the noise (95 %)"
        if ranking.degrees_of_freedom == 0:
            return f"{said}; each network was trained with one seed, so the means alone prove nothing"
        how_many = f"all {ranked}" if tied == ranked else f"{tied} of the {ranked}"
        return (
            f"{said}; {how_many} networks that were trained to the end have measured means that tie within "
            "the noise (95 %)"
        )

    def networks(self, plan: Plan) -> str:
        """The points, their networks, and what is matched."""
        asked = plan.config
        within = f"within {plain(100 * tolerance(asked.cost))} %"
        matched = f"{self.matched_words(asked)} {within}" if asked.match == "flops" else "costs not matched"
        return f"{self.points_words(plan)}; {asked.rounding} rounding; {matched}"

    def points_words(self, plan: Plan) -> str:
        """How many points are how many networks."""
        found = plan.candidate_set
        whole = len(found.candidates) + len(found.unmatched)
        return f"{found.triples} triples are {whole} networks, of which {len(plan.trained)} are compared"

    def matched_words(self, config: StudyConfig) -> str:
        """What is set so that the cost is as wanted."""
        if config.cost == "latency":
            return f"px set so that the latency is {times_of(config)}"
        return f"px set so that the {COST_WORDS[config.cost]} are {times_of(config)}"

    def config(self, result: StudyResult) -> Section:
        """What was asked, in the paper's terms."""
        return Section("The question", (Text(self.question_text(result.plan.config)), *matched_texts(result)))

    def question_text(self, config: StudyConfig) -> str:
        """What the baseline costs, and what is asked about it."""
        return (
            f"{size_words(config)} Compound scaling multiplies its depth by α^φ, its width by β^φ and its "
            "resolution by γ^φ, with αβ²γ² ≈ 2 (Tan & Le 2019, equation 3). Which α, β and γ give the highest "
            f"{metric_words(config.metric)} at φ = {plain(config.phi)}?"
        )

    def answer(self, result: StudyResult) -> Section:
        """The answer in figures, and how far each candidate is behind."""
        return Section("The answer", (self.key_figures(result), coefficients_table(result)))

    def key_figures(self, result: StudyResult) -> Table:
        """The answer in figures."""
        return key_figures_of(result, result.place, result.winner)

    def evidence(self, result: StudyResult) -> Section:
        """The candidates by cost, shares and sizes, and how they learned."""
        own = (
            figures.pareto(result),
            figures.spending(result),
            figures.parallel(result),
            figures.learning(result),
            figures.regret(result),
        )
        return Section("The evidence", drawn(*own))

    def doubt(self, result: StudyResult, budgets: Mapping[str, Sequence[Point]]) -> Section | None:
        """Whether nominal costs or budgets mislead."""
        blocks = drawn(figures.agreement(result, budgets), figures.nominal(result))
        return Section("What could mislead", blocks) if blocks else None

    def family(self, result: StudyResult) -> Section | None:
        """The members that the coefficients give; None for a function."""
        return family_section(result)


def key_figures_of(result: StudyResult, place: Ranked, winner: Candidate) -> Table:
    """The answer in figures.

    Args:
        result: the answer.
        place: of the network that is shown, in the ranking.
        winner: the network.
    """
    plan, own, base = result.plan, winner.coefficients, result.base.accuracies
    word = metric_words(plan.config.metric)
    rows = [
        (f"highest {word}", f"{winner.name}: {greek(own)}") if winner.name else ("recommended", greek(own)),
        ("nominal αβ²γ²", f"{float(own.product):.3f}"),
        ("measured FLOPs", f"{float(winner.flops_ratio):.3f}x {plan.config.baseline.name}'s"),
        (word, result.measured(place)),
    ]
    if winner == result.winner and plan.config.kind.recommends:
        decision = result.decision
        expected = result.with_error(decision.mean(place.key), decision.error(place.key))
        rows.insert(3, (f"expected {word}", f"{expected} by all that was measured"))
        rows.insert(4, ("regret", regret_words(result)))
    if base:
        mean = sum(base.values()) / len(base)
        rows.append((f"{plan.config.baseline.name} unscaled", f"{mean:.4f} ({seeds_words(len(base))})"))
    needed = result.ranking.seeds_needed
    if needed is not None and not result.ranking.significant:
        rows.append(
            ("seeds for 80 % power", f"{needed}, to show the lead of the best over the second, if it is real")
        )
    return Table("", ("what", "value"), tuple(rows), frozenset(("what", "value")))
