"""The figure of parallel coordinates: every network's coefficients, costs and accuracy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from scalesearch.design.images import longer_side
from scalesearch.report.figures.frame import Drawing, apply_layout, escape_plotly
from scalesearch.report.figures.markers import accuracy_coloraxis, hover_text, shade
from scalesearch.report.palette import BASELINE_STYLE
from scalesearch.report.rows import CandidateRow, candidate_rows
from scalesearch.search.metrics import metric_words
from scalesearch.study.result import StudyResult
from scalesearch.units import si


@dataclass(frozen=True, slots=True)
class _Scale:
    """One vertical axis."""

    title: str
    value: Callable[[CandidateRow], float]
    shown: Callable[[float], str]


def parallel(result: StudyResult) -> Drawing | None:
    """Draw every candidate as a line over its coefficients, its costs and its expected accuracy.

    The lines are ordinary traces. plotly's own parallel coordinates need WebGL, which a page with a strict content
    security policy does not have, and follow no theme.

    Returns:
        None for fewer than two candidates.
    """
    rows = candidate_rows(result)
    if len(rows) < 2:
        return None
    scales = _scales(result)
    ends = [_range_of([scale.value(row) for row in rows]) for scale in scales]
    low, high = min(row.expected for row in rows), max(row.expected for row in rows)
    figure = go.Figure()
    for row in reversed(rows):  # the best on top
        figure.add_trace(_line(row, scales, ends, result, shade(row.expected, low, high)))
    figure.add_trace(_range_labels(scales, ends))
    if result.plan.config.kind.recommends:  # rules have colours of their own
        figure.add_trace(_colour_bar(low, high))
    apply_layout(
        figure,
        height=520,
        margin={"l": 70, "r": 110, "t": 84, "b": 40},
        showlegend=not result.plan.config.kind.recommends,
        legend={"y": -0.02, "yanchor": "top"},
        coloraxis=accuracy_coloraxis([low, high], metric_words(result.plan.config.metric).capitalize()),
        xaxis={"visible": False, "range": [-0.4, len(scales) - 0.6], "fixedrange": True},
        yaxis={"visible": False, "range": [-0.1, 1.1], "fixedrange": True},
        shapes=[_axis_line(i) for i in range(len(scales))],
        annotations=[_axis_title(i, scale) for i, scale in enumerate(scales)],
    )
    return Drawing("parallel", "What each network has", _caption(result), figure)


def _scales(result: StudyResult) -> list[_Scale]:
    metric = metric_words(result.plan.config.metric).capitalize()
    accuracy_title = f"{metric}<br>(expected)"
    return [
        _Scale("Depth α", lambda row: float(row.candidate.coefficients.alpha), "{:.3g}".format),
        _Scale("Width β", lambda row: float(row.candidate.coefficients.beta), "{:.3g}".format),
        _Scale("Resolution γ", lambda row: float(row.candidate.coefficients.gamma), "{:.3g}".format),
        _Scale("Side<br>(px)", lambda row: float(_side(row)), "{:.0f}".format),
        _Scale("FLOPs<br>(multiply-adds)", lambda row: float(row.candidate.cost.macs), si),
        _Scale("Parameters<br>(count)", lambda row: float(row.candidate.cost.params), si),
        _Scale("Activations<br>(elements)", lambda row: float(row.candidate.cost.activations), si),
        _Scale(accuracy_title, lambda row: row.expected, "{:.3f}".format),
    ]


def _side(row: CandidateRow) -> int:
    """Return the side of a network's images, of images that are not square the longer one."""
    return longer_side(row.candidate.architecture.resolution)


def _range_of(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    return (low, high) if high > low else (low - abs(low) / 2 - 1e-9, high + abs(high) / 2 + 1e-9)


def _line(
    row: CandidateRow,
    scales: Sequence[_Scale],
    ends: Sequence[tuple[float, float]],
    result: StudyResult,
    colour: str,
) -> go.Scatter:
    heights = [(scale.value(row) - low) / (high - low) for scale, (low, high) in zip(scales, ends, strict=True)]
    is_rule = bool(row.candidate.name)
    is_recommended = row.status == "recommended"
    colour = row.style.colour if is_rule else colour
    width = 2.5 if is_rule or row.status == "tied" else 1.2
    dash = row.style.dash if is_rule or row.status in ("left", "untrained") else "solid"
    symbol, size = (
        ("star", 15) if is_recommended else (row.style.marker, 11) if is_rule else ("circle", 8 if width > 2 else 5)
    )
    return go.Scatter(
        name=escape_plotly(row.label),
        x=list(range(len(scales))),
        y=heights,
        mode="lines+markers",
        line={"color": colour, "width": 4 if is_recommended else width, "dash": dash},
        marker={
            "color": row.style.colour if is_recommended else colour,
            "symbol": symbol,
            "size": size,
            "line": {"width": 0},
        },
        hovertext=[hover_text(row, result)] * len(scales),
        hoverinfo="text",
    )


def _range_labels(scales: Sequence[_Scale], ends: Sequence[tuple[float, float]]) -> go.Scatter:
    """Write the values at the foot and the head of each axis, in the colour of text."""
    places = [(i, part) for i in range(len(scales)) for part in (0, 1)]
    return go.Scatter(
        x=[i for i, _ in places],
        y=[1.06 if part else -0.06 for _, part in places],
        mode="text",
        text=[scales[i].shown(ends[i][part]) for i, part in places],
        textposition="middle center",
        textfont={"size": 12},
        hoverinfo="skip",
        showlegend=False,
        cliponaxis=False,
    )


def _colour_bar(low: float, high: float) -> go.Scatter:
    """Return a trace that shows nothing but the bar of colours."""
    return go.Scatter(
        x=[None],
        y=[None],
        mode="markers",
        hoverinfo="skip",
        marker={"color": [(low + high) / 2], "coloraxis": "coloraxis"},
    )


def _axis_line(i: int) -> dict[str, object]:
    line = {"color": BASELINE_STYLE.colour, "width": 1}
    return {"type": "line", "x0": i, "x1": i, "y0": 0, "y1": 1, "line": line, "layer": "below"}


def _axis_title(i: int, scale: _Scale) -> dict[str, object]:
    return {
        "x": i,
        "y": 1,
        "yref": "paper",
        "yanchor": "bottom",
        "text": scale.title,
        "showarrow": False,
        "font": {"size": 13},
    }


def _caption(result: StudyResult) -> str:
    metric_text = f"expected {metric_words(result.plan.config.metric)} {result.judged}"
    if not result.plan.config.kind.recommends:
        return f"A line is a rule's network; the last axis is its {metric_text}."
    dotted = [
        *(["eliminated earlier"] if result.eliminated else []),
        *(["not trained"] if result.untrained else []),
    ]
    eliminated_text = f" Dotted: {' or '.join(dotted)}." if dotted else ""
    return (
        f"A line is a network; its colour and the last axis are its {metric_text}. Thick lines tie with the best, "
        f"the one with stars is recommended.{eliminated_text}"
    )
