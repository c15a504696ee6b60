"""The presentation of a search of stages (architecture search over the stages of a baseline)."""

from __future__ import annotations

from scalesearch.design.decimals import format_decimal
from scalesearch.report import figures
from scalesearch.report.document import Paragraph, Section, Table
from scalesearch.report.kinds.base import KindReport, baseline_cost_text, drop_missing, not_above_baseline
from scalesearch.report.tables import ranking_table
from scalesearch.search.metrics import metric_words
from scalesearch.search.plan import Plan
from scalesearch.search.stage_space import size
from scalesearch.search.study_config import StudyConfig
from scalesearch.study.kinds.stages import search_words, stages_of, words_of_network
from scalesearch.study.result import StudyResult


class StageReport(KindReport):
    """Present a search of stages: which stages the baseline should have."""

    def title(self, config: StudyConfig) -> str:
        """Ask which stages the baseline should have."""
        return f"Which stages should {config.baseline.name} have?"

    def short_title(self, config: StudyConfig) -> str:
        """Return the baseline, φ and the budget."""
        name, phi = config.baseline.name, format_decimal(config.phi)
        return f"{name}, φ = {phi}, budget {config.budget.title}, search of stages"

    def terminal_table_text(self, result: StudyResult) -> tuple[str, str]:
        """Return the space, the reward, the budget and the data as title, and the caption."""
        config, search = result.plan.config, stages_of(result.plan).asked
        title = (
            f"{search.space.name} over {config.baseline.name}, {search.reward.formula}, budget "
            f"{config.budget.title}, {result.plan.data.name}"
        )
        caption = (
            f"= ties with the best (95 %)   n: seeds   {metric_words(config.metric)}: of the proxy   cost: over "
            "the baseline's\ngap: difference in reward to the best, adjusted for the seeds"
        )
        return title, caption

    def sentence(self, result: StudyResult) -> str:
        """Say which network has the best reward, and which tie with it."""
        ranking, name = result.ranking, result.winner.label
        num_ranked = len(ranking.arms)
        if result.below_baseline:
            return not_above_baseline(result, name, "reward")
        if ranking.significant:
            return (
                f"{name} has the best reward of {num_ranked} networks, and leads each by more than the noise (95 %)"
            )
        if ranking.degrees_of_freedom == 0:
            return f"{name} has the best reward, but was trained with one seed, which proves nothing"
        num_tied = len(ranking.tied)
        how_many = f"all {num_ranked}" if num_tied == num_ranked else f"{num_tied} of the {num_ranked}"
        return (
            f"{name} has the best reward, but no single winner was found: {how_many} networks that were trained to "
            "the end tie within the noise (95 %)"
        )

    def networks(self, plan: Plan) -> str:
        """Say how many proposed points give how many networks, and that the reward weighs their costs."""
        points = f"{len(plan.suggested)} proposed points give {len(plan.trained)} networks within the limits"
        return f"{points}; at equal resolution, costs weighed by the reward"

    def question(self, result: StudyResult) -> Section:
        """Return the question: which network of the space has the highest reward."""
        space = stages_of(result.plan)
        search, num_points = space.asked, size(space.asked.space, space.baseline)
        text = (
            f"{baseline_cost_text(result.plan.config)} Every stage may have another block, kernel, expansion, "
            f"squeeze-and-excitation, number of layers and width, as far as the space {search.space.name} has "
            f"them: {num_points:,} points. Which network has the highest reward {search.reward.formula}?"
        )
        return Section("The question", (Paragraph(text), Paragraph(f"The space is from: {search.space.source}.")))

    def answer(self, result: StudyResult) -> Section:
        """Return the winner in figures, all networks, and how they were found."""
        searched = Paragraph(f"Searched: {search_words(result.plan)}.")
        return Section("The answer", (_key_figures(result), _networks_table(result), searched))

    def evidence(self, result: StudyResult) -> Section:
        """Return the figures of the networks by what the reward weighs, and of how they learned."""
        return Section("The evidence", drop_missing(figures.reward_tradeoff(result), figures.learning(result)))


def _key_figures(result: StudyResult) -> Table:
    plan, place, winner = result.plan, result.place, result.winner
    rows = [
        ("best reward", f"{winner.label}: {words_of_network(winner.architecture)}"),
        ("reward", result.measured(place)),
        (metric_words(plan.config.metric), f"{place.mean / plan.reward_factor(place.key):.4f}"),
        ("cost", f"{float(winner.flops_ratio):.3f}x {plan.config.baseline.name}'s multiply-adds"),
    ]
    if result.base.accuracies:
        base_accuracy = plan.accuracy(result.base)
        reward = (
            f"reward {base_accuracy * plan.reward_factor(plan.base_id):.4f}, "
            f"{metric_words(plan.config.metric)} {base_accuracy:.4f}"
        )
        rows.append((f"{plan.config.baseline.name} as it is", reward))
    return Table("", ("what", "value"), tuple(rows), frozenset(("what", "value")))


def _networks_table(result: StudyResult) -> Table:
    """Return the table of every network, best first."""
    metric = metric_words(result.plan.config.metric)
    caption = (
        "= ties with the best (95 %). Rewards are means ± standard errors; those without one were eliminated on an "
        f"earlier rung. The {metric} is the proxy's, FLOPs are over the baseline's."
    )
    return ranking_table(result, caption)
