"""The numbers of a report as tables and as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from scalesearch.design.exact import plain
from scalesearch.report.article import Table
from scalesearch.report.candidate_columns import candidate_columns, candidate_file_columns, metric_column
from scalesearch.report.rows import rows
from scalesearch.search.metrics import ACCURACY
from scalesearch.study.columns import csv_text, of_medium
from scalesearch.study.cost_sweep import CostSweep, SweepPoint
from scalesearch.study.result import StudyResult

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


def curves_csv(joint: CostSweep) -> str:
    """A row a point of the figure, the baseline's first; accuracies and gains are shares, the paper's points."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    start = () if joint.base is None else (joint.base,)
    names = [metric_column(joint.metric) if name == "accuracy" else name for name in _CURVES]
    writer.writerow(_columns(names, joint.cost))
    writer.writerows(_row(one, joint) for one in (*start, *joint.points))
    return stream.getvalue()


def _columns(names: Sequence[str], by: str) -> list[str]:
    """With the ratio of the matched cost after that of the multiply-adds, where it is another."""
    place = names.index("flops_ratio") + 1
    return [*names[:place], *_if_other(by, f"{by}_ratio"), *names[place:]]


def _if_other(by: str, cell: str) -> list[str]:
    return [] if by == "macs" else [cell]


def _row(point: SweepPoint, joint: CostSweep) -> list[object]:
    gain = ("", "", "") if point.gain is None else (point.gain.value, point.gain.low, point.gain.high)
    return [
        point.rule,
        plain(point.times),
        f"{point.macs / joint.base_macs:.5f}",
        *_if_other(joint.cost, plain(point.ratio)),
        point.macs,
        point.proxy_macs,
        f"{point.accuracy:.6f}",
        f"{point.standard_error:.6f}",
        point.seeds,
        *(value if value == "" else f"{value:.6f}" for value in gain),
        "" if point.papers_gain is None else plain(point.papers_gain),
    ]


def ranking_csv(result: StudyResult) -> str:
    """A row a candidate, best first; accuracies are shares, `status` is the report's.

    By accuracy the last column is called `score`, as it always was. By another metric `score` is the metric's
    value, as in trials.csv, and the last column is `adjusted`. Of a search of stages a row a network, with its
    reward. Errors that nothing tells are empty.
    """
    return csv_text(candidate_file_columns(result), rows(result))


def ranking_table(result: StudyResult, caption: str) -> Table:
    """The same rows with the columns of a page."""
    candidates, columns = rows(result), of_medium(candidate_columns(result), "page")
    cells = tuple(tuple(column.page_cell(row) for column in columns) for row in candidates)
    left = frozenset(column.title for column in columns if column.is_text)
    strong = frozenset(i for i, row in enumerate(candidates) if row.status == "recommended")
    return Table(caption, tuple(column.title for column in columns), cells, left, strong)


def coefficients_table(result: StudyResult) -> Table:
    """Every scaled network, best first."""
    return ranking_table(result, _coefficients_caption(result))


def _coefficients_caption(result: StudyResult) -> str:
    recommends = result.plan.config.kind.recommends
    marks = "▸ recommended, = ties with the best (95 %)." if recommends else "= ties with the best (95 %)."
    left = any(row.left_after is not None for row in rows(result))
    asked, known = result.plan.config, result.ranking.error_known
    cost = " and for the proxy's cost, as the ranking is" if asked.adjusts else ", as the ranking is"
    what, noun = ("Accuracies", "an accuracy") if asked.metric == ACCURACY else ("Scores", "a score")
    tail = f" Those without {noun} were eliminated on an earlier rung." if left else ""
    errors, intervals = (" ± standard errors", ", with intervals") if known else ("", "")
    unknown = "" if known else " Their errors are not known: no seeds that differ, and images do not tell them."
    return (
        f"{marks} Expected values are posterior means with their standard deviations, by all that was measured of "
        f"all networks; best is the probability of being the best of all. {what} are means{errors}; the gap to "
        "the best is adjusted for the "
        f"seeds{cost}{intervals}.{unknown}{tail}"
    )
