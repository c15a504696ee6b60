"""The numbers of figures and of a report as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from scalesearch.design.exact import plain
from scalesearch.report.rows import Row, rows
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
    writer.writerow(_columns(_CURVES, found.cost))
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
    "accuracy",
    "standard_error",
    "seeds",
    "behind",
    "behind_low_95",
    "behind_high_95",
    "left_after_images",
    "score",
)


def ranking_csv(found: Answer) -> str:
    """A row a candidate, best first; accuracies are shares, `status` is the report's."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    by = found.plan.question.cost
    writer.writerow(_columns(_RANKING, by))
    writer.writerows(_candidate(place, row, by) for place, row in enumerate(rows(found), start=1))
    return stream.getvalue()


def _candidate(number: int, row: Row, by: str) -> list[object]:
    one, place = row.candidate, row.place
    own = one.coefficients
    measured = [""] * 6
    if place is not None:
        low, high = row.behind_95 or (0.0, 0.0)
        measured = [
            *(f"{value:.5f}" for value in (place.mean, place.standard_error)),
            str(place.seeds),
            *(f"{value:.5f}" for value in (place.behind, low, high)),
        ]
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
