"""The parts of a report that a search of stages has of its own: question, answer, evidence, a row a network."""

from __future__ import annotations

import csv
import io

from scalesearch.design.cost import cost
from scalesearch.report import figures
from scalesearch.report.article import Section, Table, Text
from scalesearch.report.rows import Row, behind_words, rows
from scalesearch.report.tables import error_cells, metric_column
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
    own = rows(found)
    columns = (
        "",
        "network",
        "reward",
        "seeds",
        "behind the best (95 %)",
        metric_words(found.plan.question.metric),
        "FLOPs",
        "parameters",
        "stages",
    )
    caption = (
        "= ties with the best (95 %). Rewards are means ± standard errors; those without one were left on an "
        "earlier rung. The accuracy is the proxy's, FLOPs are over the baseline's."
    )
    strong = frozenset(i for i, row in enumerate(own) if row.status == "recommended")
    cells = tuple(_cells(found, row) for row in own)
    return Table(caption, columns, cells, frozenset(("", "network", "stages")), strong)


def _cells(found: Answer, row: Row) -> tuple[str, ...]:
    one, place = row.candidate, row.place
    if place is None:
        after = "not complete" if row.left_after is None else f"left after {row.left_after:,} images"
        measured: tuple[str, ...] = (after, "", "", "")
    else:
        reward, accuracy = (
            found.with_error(place.mean, place.standard_error),
            place.mean / found.plan.worth(row.key),
        )
        behind = behind_words(row)
        measured = (reward, str(place.seeds), behind, f"{accuracy:.4f}")
    sizes = (f"{float(one.flops_ratio):.3f}x", si(one.cost.params), words_of_network(one.architecture))
    return ("=" if place and place.tied else "", row.label, *measured, *sizes)


def evidence(found: Answer) -> Section:
    """The figures that the answer rests on."""
    learning = figures.learning(found)
    return Section("The evidence", (figures.weighed(found), *([learning] if learning else [])))


def networks_csv(found: Answer) -> str:
    """A row a network, best first."""
    text = io.StringIO()
    rows_ = csv.writer(text, lineterminator="\n")
    value = metric_column(found.plan.question.metric)
    measured = ("reward", "standard_error", value, "seeds", "behind", "behind_low_95", "behind_high_95")
    rows_.writerow(("place", "network", "status", *measured, "macs", "params", "left_after_images", "stages"))
    for number, row in enumerate(rows(found), start=1):
        one, place = row.candidate, row.place
        own: tuple[object, ...] = ("",) * len(measured)
        if place is not None:
            reached = place.mean / found.plan.worth(row.key)
            error, *away = error_cells(found, row)
            own = (f"{place.mean:.5f}", error, f"{reached:.5f}", place.seeds, f"{place.behind:.5f}", *away)
        rank = "" if place is None else number
        left = "" if row.left_after is None else row.left_after
        sizes = (one.cost.macs, one.cost.params, left, words_of_network(one.architecture))
        rows_.writerow((rank, row.label, row.status, *own, *sizes))
    return text.getvalue()
