"""The numbers of figures and of a report as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from scalesearch.design.exact import plain
from scalesearch.report.rows import Row, rows
from scalesearch.search.metrics import ACCURACY
from scalesearch.study.answer import Answer
from scalesearch.study.joint import Joint, Measured

_CURVES = (
    "rule",
    "times",
    "flops_ratio",
    "macs",
    "proxy_macs",
    "accuracy",
    "standard_error",
    "seeds",
    "gain",
    "gain_low_95",
    "gain_high_95",
    "papers_gain_points",
)


def curves_csv(found: Joint) -> str:
    """A row a point of the figure, the baseline's first; accuracies and gains are shares, the paper's points."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    start = () if found.base is None else (found.base,)
    names = [metric_column(found.metric) if name == "accuracy" else name for name in _CURVES]
    writer.writerow(_columns(names, found.cost))
    writer.writerows(_row(one, found) for one in (*start, *found.points))
    return stream.getvalue()


def _columns(names: Sequence[str], by: str) -> list[str]:
    """With the ratio of the matched cost after that of the multiply-adds, where it is another."""
    place = names.index("flops_ratio") + 1
    return [*names[:place], *_if_other(by, f"{by}_ratio"), *names[place:]]


def _if_other(by: str, cell: str) -> list[str]:
    return [] if by == "macs" else [cell]


def _row(one: Measured, found: Joint) -> list[object]:
    gain = ("", "", "") if one.gain is None else (one.gain.value, one.gain.low, one.gain.high)
    return [
        one.rule,
        plain(one.times),
        f"{one.macs / found.base_macs:.5f}",
        *_if_other(found.cost, plain(one.ratio)),
        one.macs,
        one.proxy_macs,
        f"{one.accuracy:.6f}",
        f"{one.standard_error:.6f}",
        one.seeds,
        *(value if value == "" else f"{value:.6f}" for value in gain),
        "" if one.papers_gain is None else plain(one.papers_gain),
    ]


_RANKING = (
    "place",
    "candidate",
    "status",
    "alpha",
    "beta",
    "gamma",
    "product",
    "resolution",
    "flops_ratio",
    "macs",
    "params",
    "activations",
    "",
    "standard_error",
    "seeds",
    "behind",
    "behind_low_95",
    "behind_high_95",
    "left_after_images",
    "",
)
"""The metric's value and the rows' adjusted score are called by the metric."""


def ranking_csv(found: Answer) -> str:
    """A row a candidate, best first; accuracies are shares, `status` is the report's.

    By accuracy the last column is called `score`, as it always was. By another metric `score` is the metric's
    value, as in trials.csv, and the last column is `adjusted`. Errors that nothing tells are empty.
    """
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    by, metric = found.plan.question.cost, found.plan.question.metric
    names = iter((metric_column(metric), "score" if metric == ACCURACY else "adjusted"))
    writer.writerow(_columns([name or next(names) for name in _RANKING], by))
    writer.writerows(_candidate(place, row, found) for place, row in enumerate(rows(found), start=1))
    return stream.getvalue()


def metric_column(metric: str) -> str:
    """What a table calls the column of the metric's values."""
    return "accuracy" if metric == ACCURACY else "score"


def error_cells(found: Answer, row: Row) -> tuple[str, str, str]:
    """A row's standard error and the interval of its distance to the best; empty where nothing tells them."""
    if row.place is None or not found.ranking.error_known:
        return "", "", ""
    low, high = row.behind_95 or (0.0, 0.0)
    return f"{row.place.standard_error:.5f}", f"{low:.5f}", f"{high:.5f}"


def _candidate(number: int, row: Row, found: Answer) -> list[object]:
    one, place, by = row.candidate, row.place, found.plan.question.cost
    own = one.coefficients
    measured = [""] * 6
    if place is not None:
        error, *away = error_cells(found, row)
        measured = [f"{place.mean:.5f}", error, str(place.seeds), f"{place.behind:.5f}", *away]
    return [
        "" if place is None else number,
        inert_cell(row.label),
        row.status,
        *(plain(value) for value in (own.alpha, own.beta, own.gamma)),
        f"{float(own.product):.5f}",
        one.architecture.resolution,
        plain(one.flops_ratio),
        *_if_other(by, plain(one.matched_ratio)),
        one.cost.macs,
        one.cost.params,
        one.cost.activations,
        *measured,
        "" if row.left_after is None else row.left_after,
        "" if row.score is None else f"{row.score:.5f}",
    ]


def inert_cell(text: str) -> str:
    """`text` as a spreadsheet shows it: an apostrophe before what it would take for a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
