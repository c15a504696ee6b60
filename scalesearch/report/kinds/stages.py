"""How a search of stages is shown."""

from __future__ import annotations

from scalesearch.design.exact import plain
from scalesearch.report import figures
from scalesearch.report.article import Section, Table, Text
from scalesearch.report.kinds.base import KindReport, drawn, not_above, size_words
from scalesearch.report.tables import ranking_table
from scalesearch.search.metrics import metric_words
from scalesearch.search.plan import Plan
from scalesearch.search.stage_space import size
from scalesearch.search.study_config import StudyConfig
from scalesearch.study.kinds.stages import search_words, stages_of, words_of_network
from scalesearch.study.result import StudyResult


class StageReport(KindReport):
    """Which stages the baseline should have."""

    def title(self, config: StudyConfig) -> str:
        """The configuration."""
        return f"Which stages should {config.baseline.name} have?"

    def short_title(self, config: StudyConfig) -> str:
        """The baseline and the budget."""
        name, phi = config.baseline.name, plain(config.phi)
        return f"{name}, φ = {phi}, budget {config.budget.title}, search of stages"

    def table_words(self, result: StudyResult) -> tuple[str, str]:
        """The space, the reward, the budget and the data."""
        asked, search = result.plan.config, stages_of(result.plan).asked
        title = (
            f"{search.space.name} over {asked.baseline.name}, {search.reward.formula}, "
            f"budget {asked.budget.title}, {result.plan.data.name}"
        )
        caption = (
            f"= ties with the best (95 %)   n: seeds   {metric_words(asked.metric)}: of the proxy   cost: over the "
            "baseline's\ngap: difference in reward to the best, adjusted for the seeds"
        )
        return title, caption

    def sentence(self, result: StudyResult) -> str:
        """Which network has the best reward, and what ties with it."""
        ranking, name = result.ranking, result.winner.label
        many = len(ranking.arms)
        if result.below_baseline:
            return not_above(result, name, "reward")
        if ranking.significant:
            return f"{name} has the best reward of {many} networks, and leads each by more than the noise (95 %)"
        if ranking.degrees_of_freedom == 0:
            return f"{name} has the best reward, but was trained with one seed, which proves nothing"
        ties = len(ranking.tied)
        how_many = f"all {many}" if ties == many else f"{ties} of the {many}"
        return (
            f"{name} has the best reward, but no single winner was found: {how_many} networks that were trained to "
            "the end tie within the noise (95 %)"
        )

    def networks(self, plan: Plan) -> str:
        """How many proposals are how many networks; costs are weighed."""
        points = f"{len(plan.suggested)} suggested points are {len(plan.trained)} networks within the limits"
        return f"{points}; at equal resolution, costs weighed by the reward"

    def config(self, result: StudyResult) -> Section:
        """What was asked."""
        space = stages_of(result.plan)
        asked, points = space.asked, size(space.asked.space, space.baseline)
        text = (
            f"{size_words(result.plan.config)} Every stage may have another block, kernel, expansion, "
            f"squeeze-and-excitation, number of layers and width, as far as the space {asked.space.name} has them: "
            f"{points:,} points. Which network has the highest reward {asked.reward.formula}?"
        )
        return Section("The question", (Text(text), Text(f"The space is from: {asked.space.source}.")))

    def answer(self, result: StudyResult) -> Section:
        """The winner in figures, all networks, and how they were found."""
        searched = Text(f"Searched: {search_words(result.plan)}.")
        return Section("The answer", (_key_figures(result), _networks(result), searched))

    def evidence(self, result: StudyResult) -> Section:
        """The networks by what the reward weighs, and how they learned."""
        return Section("The evidence", drawn(figures.weighed(result), figures.learning(result)))


def _key_figures(result: StudyResult) -> Table:
    plan, place, own = result.plan, result.place, result.winner
    rows = [
        ("best reward", f"{own.label}: {words_of_network(own.architecture)}"),
        ("reward", result.measured(place)),
        (metric_words(plan.config.metric), f"{place.mean / plan.reward_factor(place.key):.4f}"),
        ("cost", f"{float(own.flops_ratio):.3f}x {plan.config.baseline.name}'s multiply-adds"),
    ]
    if result.base.accuracies:
        base = plan.accuracy(result.base)
        reward = (
            f"reward {base * plan.reward_factor(plan.base_id):.4f}, {metric_words(plan.config.metric)} {base:.4f}"
        )
        rows.append((f"{plan.config.baseline.name} as it is", reward))
    return Table("", ("what", "value"), tuple(rows), frozenset(("what", "value")))


def _networks(result: StudyResult) -> Table:
    """Every network, best first."""
    word = metric_words(result.plan.config.metric)
    caption = (
        "= ties with the best (95 %). Rewards are means ± standard errors; those without one were eliminated on an "
        f"earlier rung. The {word} is the proxy's, FLOPs are over the baseline's."
    )
    return ranking_table(result, caption)
