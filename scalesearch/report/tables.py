"""The numbers of a figure as a table."""

from __future__ import annotations

import csv
import io

from scalesearch.design.exact import plain
from scalesearch.study.joint import Joint, Measured

_COLUMNS = (
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
    writer.writerow(_COLUMNS)
    start = () if found.base is None else (found.base,)
    writer.writerows(_row(one, found.base_macs) for one in (*start, *found.points))
    return stream.getvalue()


def _row(one: Measured, base_macs: int) -> list[object]:
    gain = ("", "", "") if one.gain is None else (one.gain.value, one.gain.low, one.gain.high)
    return [
        one.rule,
        plain(one.times),
        f"{one.macs / base_macs:.5f}",
        one.macs,
        one.proxy_macs,
        f"{one.accuracy:.6f}",
        f"{one.standard_error:.6f}",
        one.seeds,
        *(value if value == "" else f"{value:.6f}" for value in gain),
        "" if one.papers_gain is None else plain(one.papers_gain),
    ]
