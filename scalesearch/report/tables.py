"""The candidates of a study as a table and as CSV, and the points of a cost sweep as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from scalesearch.design.decimals import format_decimal
from scalesearch.report.candidate_columns import candidate_columns, candidate_file_columns, metric_column
from scalesearch.report.document import Table
from scalesearch.report.rows import candidate_rows
from scalesearch.search.metrics import ACCURACY
from scalesearch.study.columns import csv_text, of_medium
from scalesearch.study.cost_sweep import CostSweep, SweepPoint
from scalesearch.study.result import StudyResult

_CURVE_COLUMNS = (
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


def curves_csv(sweep: CostSweep) -> str:
    """Write a cost sweep as CSV: a row for each point of the figure, the baseline's first.

    Accuracies and gains are shares; the paper's gains are percentage points.
    """
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    base_points = () if sweep.base is None else (sweep.base,)
    names = [metric_column(sweep.metric) if name == "accuracy" else name for name in _CURVE_COLUMNS]
    writer.writerow(_with_cost_ratio(names, sweep.cost))
    writer.writerows(_point_cells(point, sweep) for point in (*base_points, *sweep.points))
    return stream.getvalue()


def _with_cost_ratio(names: Sequence[str], cost: str) -> list[str]:
    """Insert the ratio of the matched cost after that of the multiply-adds, where it is another."""
    index = names.index("flops_ratio") + 1
    return [*names[:index], *_unless_macs(cost, f"{cost}_ratio"), *names[index:]]


def _unless_macs(cost: str, cell: str) -> list[str]:
    return [] if cost == "macs" else [cell]


def _point_cells(point: SweepPoint, sweep: CostSweep) -> list[object]:
    gain = ("", "", "") if point.gain is None else (point.gain.value, point.gain.low, point.gain.high)
    return [
        point.rule,
        format_decimal(point.times),
        f"{point.macs / sweep.base_macs:.5f}",
        *_unless_macs(sweep.cost, format_decimal(point.ratio)),
        point.macs,
        point.proxy_macs,
        f"{point.accuracy:.6f}",
        f"{point.standard_error:.6f}",
        point.seeds,
        *(value if value == "" else f"{value:.6f}" for value in gain),
        "" if point.papers_gain is None else format_decimal(point.papers_gain),
    ]


def ranking_csv(result: StudyResult) -> str:
    """Write the candidates as CSV, best first, a row for each.

    Accuracies are shares, and `status` is the report's. The metric's values are in the column `accuracy`, or in
    `score` where the metric is another. For a search of stages each row is a network with its reward. Errors that
    are not known are empty.
    """
    return csv_text(candidate_file_columns(result), candidate_rows(result))


def ranking_table(result: StudyResult, caption: str) -> Table:
    """Return the same rows as `ranking_csv` with the columns of a page."""
    rows, columns = candidate_rows(result), of_medium(candidate_columns(result), "page")
    cells = tuple(tuple(column.page_cell(row) for column in columns) for row in rows)
    text_columns = frozenset(column.title for column in columns if column.is_text)
    strong_rows = frozenset(i for i, row in enumerate(rows) if row.status == "recommended")
    return Table(caption, tuple(column.title for column in columns), cells, text_columns, strong_rows)


def coefficients_table(result: StudyResult) -> Table:
    """Return the table of every scaled network, best first."""
    return ranking_table(result, _coefficients_caption(result))


def _coefficients_caption(result: StudyResult) -> str:
    recommends = result.plan.config.kind.recommends
    marks = "▸ recommended, = ties with the best (95 %)." if recommends else "= ties with the best (95 %)."
    any_eliminated = any(row.eliminated_after is not None for row in candidate_rows(result))
    config, error_known = result.plan.config, result.ranking.error_known
    cost_text = " and for the proxy's cost, as the ranking is" if config.adjusts else ", as the ranking is"
    plural, singular = ("Accuracies", "an accuracy") if config.metric == ACCURACY else ("Scores", "a score")
    eliminated_text = f" Those without {singular} were eliminated on an earlier rung." if any_eliminated else ""
    if result.untrained:
        eliminated_text += f" Not trained: {result.untrained_words}."
    errors, intervals = (" ± standard errors", ", with intervals") if error_known else ("", "")
    unknown_text = (
        "" if error_known else " Their errors are not known: no seeds that differ, and images do not tell them."
    )
    return (
        f"{marks} Expected values are posterior means with their standard deviations, by all that was measured of "
        f"all networks; best is the probability of being the best of all. {plural} are means{errors}; the gap to "
        "the best is adjusted for the "
        f"seeds{cost_text}{intervals}.{unknown_text}{eliminated_text}"
    )
