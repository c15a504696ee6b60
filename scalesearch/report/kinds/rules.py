"""How a comparison of scaling rules is shown."""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar

from scalesearch.report import figures
from scalesearch.report.article import Section, Table, Text
from scalesearch.report.kinds.base import drawn, size_words, terminal_caption
from scalesearch.report.kinds.grid import GridReport, key_figures_of
from scalesearch.report.rows import label
from scalesearch.report.tables import coefficients_table
from scalesearch.search.kinds import RuleComparison
from scalesearch.search.metrics import metric_words
from scalesearch.search.plan import Plan
from scalesearch.search.study_config import StudyConfig
from scalesearch.study.cost_sweep import combine_comparisons
from scalesearch.study.cost_words import COST_WORDS, target_cost_words, times_of
from scalesearch.study.kinds.rules import comparison_lines
from scalesearch.study.result import StudyResult

_SEVERAL = 2


class RuleReport(GridReport):
    """Which rule is the best at one cost; none is recommended."""

    no_family: ClassVar[str] = "A comparison of rules gives no family."

    def title(self, config: StudyConfig) -> str:
        """One dimension or all."""
        return f"{config.baseline.name} at {target_cost_words(config)}: one dimension, or all?"

    def short_title(self, config: StudyConfig) -> str:
        """The baseline, its cost, and the budget."""
        name = config.baseline.name
        return f"{name} at {target_cost_words(config)}, budget {config.budget.title}, comparison of rules"

    def table_words(self, result: StudyResult) -> tuple[str, str]:
        """The baseline, its cost, the budget and the data."""
        asked = result.plan.config
        # At another φ, coefficients are not what the networks were multiplied by.
        doubling = "\nαβ²γ²: for each doubling of the cost" if asked.phi != 1 else ""
        head = (
            f"{asked.baseline.name} at {target_cost_words(asked)}, "
            f"budget {asked.budget.title}, {result.plan.data.name}"
        )
        return head, terminal_caption(result, doubling)

    def sentence(self, result: StudyResult) -> str:
        """Which rule is the best, and what ties with it."""
        ranking, plan = result.ranking, result.plan
        names = {arm.key: label(plan.by_network[arm.key]) for arm in ranking.arms}
        best, others = names[ranking.arms[0].key], [names[key] for key in ranking.tied[1:]]
        word = metric_words(plan.config.metric)
        if ranking.significant:
            return (
                f"The best of {len(names)} rules is {best}, which leads each of them by more than the noise (95 %)"
            )
        if ranking.degrees_of_freedom == 0:
            return f"The highest {word} has {best}, but with one seed, which proves nothing"
        are = "are" if len(others) >= _SEVERAL else "is"
        within = f"{_listed(others)} {are} within the noise (95 %)"
        return f"No single rule wins: {best} has the highest {word}, but {within}"

    def points_words(self, plan: Plan) -> str:
        """How many of the rules have a network of the wanted cost."""
        kind = plan.config.kind
        assert isinstance(kind, RuleComparison), "a comparison of rules"
        return f"{len(plan.trained)} of {len(kind.rules)} rules"

    def matched_words(self, config: StudyConfig) -> str:
        """By latency each rule is taken along its direction."""
        if config.cost == "latency":
            return f"each rule taken along its direction to {times_of(config)} the latency"
        return super().matched_words(config)

    def question_text(self, config: StudyConfig) -> str:
        """What the baseline costs, and what the rules are."""
        return (
            f"{size_words(config)} Growing depth, width or resolution alone, or all three by a rule, each to "
            f"{times_of(config)} the {COST_WORDS[config.cost]}: which gives the highest "
            f"{metric_words(config.metric)}? (Tan & Le 2019, Tables 3 and 7)"
        )

    def answer(self, result: StudyResult) -> Section:
        """The best rule in figures, and how far each is behind."""
        said = [line for line in comparison_lines(result)[1:] if not line.startswith("  ")]
        texts = [Text(line if line.endswith(":") else f"{line}.") for line in said]
        return Section("The answer", (self.key_figures(result), coefficients_table(result), *texts))

    def key_figures(self, result: StudyResult) -> Table:
        """Of the best: nothing is recommended."""
        place = result.ranking.arms[0]
        return key_figures_of(result, place, result.plan.by_network[place.key])

    def evidence(self, result: StudyResult) -> Section:
        """The rules over their cost, and how they learned."""
        curves = figures.curves(combine_comparisons([(Decimal(2) ** result.plan.config.phi, result)]))
        own = curves, figures.spending(result), figures.parallel(result), figures.learning(result)
        return Section("The evidence", drawn(*own))


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
