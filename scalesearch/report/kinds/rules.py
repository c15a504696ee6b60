"""The presentation of a comparison of scaling rules."""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar

from scalesearch.report import figures
from scalesearch.report.document import Paragraph, Section, Table
from scalesearch.report.kinds.base import baseline_cost_text, drop_missing, terminal_caption
from scalesearch.report.kinds.grid import GridReport, key_figures_table
from scalesearch.report.rows import label
from scalesearch.report.tables import coefficients_table
from scalesearch.search.kinds import RuleComparison
from scalesearch.search.metrics import metric_words
from scalesearch.search.plan import Plan
from scalesearch.search.study_config import StudyConfig
from scalesearch.study.cost_labels import COST_WORDS, target_cost_words, times_of
from scalesearch.study.cost_sweep import combine_comparisons
from scalesearch.study.kinds.rules import comparison_lines
from scalesearch.study.result import StudyResult

_SEVERAL = 2


class RuleReport(GridReport):
    """Present a comparison of rules: which one is the best at one cost. None is recommended."""

    no_family: ClassVar[str] = "A comparison of rules gives no family."

    def title(self, config: StudyConfig) -> str:
        """Ask whether one dimension or all of them should grow."""
        return f"{config.baseline.name} at {target_cost_words(config)}: one dimension, or all?"

    def short_title(self, config: StudyConfig) -> str:
        """Return the baseline, its cost, and the budget."""
        name = config.baseline.name
        return f"{name} at {target_cost_words(config)}, budget {config.budget.title}, comparison of rules"

    def terminal_table_text(self, result: StudyResult) -> tuple[str, str]:
        """Return the baseline, its cost, the budget and the data as title, and the caption."""
        config = result.plan.config
        # At another φ, coefficients are not what the networks were multiplied by.
        doubling = "\nαβ²γ²: for each doubling of the cost" if config.phi != 1 else ""
        cost, budget, data = target_cost_words(config), config.budget.title, result.plan.data.name
        title = f"{config.baseline.name} at {cost}, budget {budget}, {data}"
        return title, terminal_caption(result, doubling)

    def sentence(self, result: StudyResult) -> str:
        """Say which rule is the best, and which tie with it."""
        ranking, plan = result.ranking, result.plan
        names = {arm.key: label(plan.by_network[arm.key]) for arm in ranking.arms}
        best, others = names[ranking.arms[0].key], [names[key] for key in ranking.tied[1:]]
        metric = metric_words(plan.config.metric)
        if ranking.significant:
            return (
                f"The best of {len(names)} rules is {best}, which leads each of them by more than the noise (95 %)"
            )
        if ranking.degrees_of_freedom == 0:
            return f"The highest {metric} has {best}, but with one seed, which proves nothing"
        verb = "are" if len(others) >= _SEVERAL else "is"
        ties = f"{_join_names(others)} {verb} within the noise (95 %)"
        return f"No single rule wins: {best} has the highest {metric}, but {ties}"

    def points_text(self, plan: Plan) -> str:
        """Say how many of the rules have a network of the target cost."""
        kind = plan.config.kind
        assert isinstance(kind, RuleComparison), "a comparison of rules"
        return f"{len(plan.trained)} of {len(kind.rules)} rules"

    def matched_text(self, config: StudyConfig) -> str:
        """Say what is set so that the cost is the target; by latency each rule follows its direction."""
        if config.cost == "latency":
            return f"each rule taken along its direction to {times_of(config)} the latency"
        return super().matched_text(config)

    def question_text(self, config: StudyConfig) -> str:
        """Say what the baseline costs, and which rules are compared."""
        return (
            f"{baseline_cost_text(config)} Growing depth, width or resolution alone, or all three by a rule, each "
            f"to {times_of(config)} the {COST_WORDS[config.cost]}: which gives the highest "
            f"{metric_words(config.metric)}? (Tan & Le 2019, Tables 3 and 7)"
        )

    def answer(self, result: StudyResult) -> Section:
        """Return the best rule in figures, and how far each one is behind."""
        lines = [line for line in comparison_lines(result)[1:] if not line.startswith("  ")]
        paragraphs = [Paragraph(line if line.endswith(":") else f"{line}.") for line in lines]
        return Section("The answer", (self.key_figures(result), coefficients_table(result), *paragraphs))

    def key_figures(self, result: StudyResult) -> Table:
        """Return the figures of the best rule, since none is recommended."""
        place = result.ranking.arms[0]
        return key_figures_table(result, place, result.plan.by_network[place.key])

    def evidence(self, result: StudyResult) -> Section:
        """Return the figures of the rules over their cost, and of how they learned."""
        curves = figures.curves(combine_comparisons([(Decimal(2) ** result.plan.config.phi, result)]))
        drawings = curves, figures.compute_allocation(result), figures.parallel(result), figures.learning(result)
        return Section("The evidence", drop_missing(*drawings))


def _join_names(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
