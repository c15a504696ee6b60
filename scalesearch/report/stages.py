"""The parts of a report that a search of stages has of its own: question, answer, evidence, a row a network."""

from __future__ import annotations

from scalesearch.design.cost import cost
from scalesearch.report import figures
from scalesearch.report.article import Section, Table, Text
from scalesearch.report.tables import ranking_table
from scalesearch.search.metrics import metric_words
from scalesearch.search.question import Question
from scalesearch.search.stage_search import StageSearch
from scalesearch.search.stage_space import size
from scalesearch.study.answer import Answer
from scalesearch.study.stages_found import found_words, stages_of, words_of_network
from scalesearch.units import si


def _asked(found: Answer) -> StageSearch:
    return stages_of(found.plan).asked


def title(asked: Question) -> str:
    """The question."""
    return f"Which stages should {asked.baseline.name} have?"


def question(found: Answer) -> Section:
    """What was asked."""
    asked, base = _asked(found), found.plan.question.baseline
    price, points = cost(base.architecture), size(asked.space, stages_of(found.plan).baseline)
    text = (
        f"{base.name} has {si(price.macs)} multiply-adds and {si(price.params)} parameters at "
        f"{base.architecture.resolution} px. Every stage may have another block, kernel, expansion, "
        f"squeeze-and-excitation, number of layers and width, as far as the space {asked.space.name} has them: "
        f"{points:,} points. Which network has the highest reward {asked.reward.words}?"
    )
    return Section("The question", (Text(text), Text(f"The space is from: {asked.space.source}.")))


def answer(found: Answer) -> Section:
    """The winner in figures, all networks, and how they were found."""
    plan, place, own = found.plan, found.place, found.winner
    rows_ = [
        ("best reward", f"{own.label}: {words_of_network(own.architecture)}"),
        ("reward", found.measured(place)),
        (metric_words(plan.question.metric), f"{place.mean / plan.worth(place.key):.4f}"),
        ("cost", f"{float(own.flops_ratio):.3f}x {plan.question.baseline.name}'s multiply-adds"),
    ]
    if found.base.accuracies:
        base = plan.accuracy(found.base)
        reward = f"reward {base * plan.worth(plan.base_id):.4f}, accuracy {base:.4f}"
        rows_.append((f"{plan.question.baseline.name} as it is", reward))
    key = Table("", ("what", "value"), tuple(rows_), frozenset(("what", "value")))
    return Section("The answer", (key, networks(found), Text(f"Searched: {found_words(plan)}.")))


def networks(found: Answer) -> Table:
    """Every network, best first."""
    caption = (
        "= ties with the best (95 %). Rewards are means ± standard errors; those without one were left on an "
        "earlier rung. The accuracy is the proxy's, FLOPs are over the baseline's."
    )
    return ranking_table(found, caption)


def evidence(found: Answer) -> Section:
    """The figures that the answer rests on."""
    learning = figures.learning(found)
    return Section("The evidence", (figures.weighed(found), *([learning] if learning else [])))
