"""The figure of how each candidate allocates its compute.

A triangle shows the shares of log-FLOPs of depth, width and resolution, with the response surface behind.
"""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from scalesearch.report.figures.frame import Drawing, apply_layout
from scalesearch.report.figures.markers import accuracy_coloraxis, by_status, hover_text
from scalesearch.report.palette import BASELINE_STYLE
from scalesearch.report.rows import STATUSES, CandidateRow, Status, candidate_rows
from scalesearch.search.decision.surface import Surface
from scalesearch.search.metrics import metric_words
from scalesearch.search.shares import shares_of
from scalesearch.study.result import StudyResult

Shares = tuple[float, float, float]

_STEPS, _DOT_SIZE = 40, 9
"""The number of dots of the surface along an edge, and their size in px."""
_SIZES: dict[Status, int] = {"recommended": 21, "tied": 17, "behind": 13, "left": 9, "untrained": 9}
_CORNER = 0.85
"""A network with a larger share is in a corner, beside the numbers of the axes."""
_LEAST_PROBABILITY = 0.02
"""Smaller probabilities of being the best are not written."""
_OUTLINE_WIDTHS: dict[Status, float] = {"recommended": 2.5, "tied": 2.5}


def compute_allocation(result: StudyResult) -> Drawing | None:
    """Draw the candidates by their shares of log-FLOPs.

    Returns:
        None for a comparison of rules, and where fewer than two candidates have αβ²γ² > 1.
    """
    if not result.plan.config.kind.recommends:
        return None
    rows = [row for row in candidate_rows(result) if row.candidate.coefficients.product > 1]
    if len(rows) < 2:
        return None
    surface = result.decision.surface
    figure = go.Figure()
    values = [row.expected for row in rows]
    if surface is not None:
        dots = _lattice()
        surface_values = surface.heights(dots).tolist()
        figure.add_trace(_background(dots, surface_values))
        figure.add_trace(_region(surface))
    for status, status_rows in by_status(rows):
        figure.add_traces([_points(status, status_rows, result), _legend_entry(status)])
    if surface is not None:
        figure.add_trace(_optimum(surface))
    metric = metric_words(result.plan.config.metric).capitalize()
    title = f"{metric}, expected {result.judged}"
    apply_layout(
        figure,
        height=680,
        margin={"l": 60, "r": 40, "t": 60, "b": 60},
        ternary={"sum": 100, **{f"{letter}axis": _axis(name) for letter, name in _NAMES.items()}},
        # The colours span the candidates' values, so that plotly clips the surface where it leaves them.
        coloraxis=accuracy_coloraxis(values, title),
        legend={"orientation": "v", "y": 1, "yanchor": "top"},
    )
    return Drawing("spending", "Where each network spends its compute", _caption(surface, result), figure)


_NAMES = {"a": "depth", "b": "width", "c": "resolution"}


def _axis(name: str) -> dict[str, object]:
    title = {"text": f"{name} (% of log-FLOPs)"}
    return {"title": title, "ticksuffix": " %", "ticks": "outside", "ticklen": 14, "dtick": 20, "min": 0}


def _lattice() -> list[Shares]:
    """Return the points of a triangular lattice that fills the triangle."""
    steps = range(_STEPS + 1)
    return [(i / _STEPS, j / _STEPS, (_STEPS - i - j) / _STEPS) for i in steps for j in steps if i + j <= _STEPS]


def _background(dots: Sequence[Shares], surface_values: Sequence[float]) -> go.Scatterternary:
    return go.Scatterternary(
        name="response surface",
        **_ternary_coordinates(dots),
        mode="markers",
        marker={
            "symbol": "circle",
            "size": _DOT_SIZE,
            "opacity": 0.4,
            "color": list(surface_values),
            "coloraxis": "coloraxis",
            "line": {"width": 0},
        },
        hoverinfo="skip",
        showlegend=False,
    )


def _points(status: Status, rows: Sequence[CandidateRow], result: StudyResult) -> go.Scatterternary:
    style, label = STATUSES[status]
    return go.Scatterternary(
        name=label,
        **_ternary_coordinates([shares_of(row.candidate.coefficients) for row in rows]),
        mode="markers+text",
        text=[_probability_text(row) for row in rows],
        textposition=[_text_position(shares_of(row.candidate.coefficients)) for row in rows],
        cliponaxis=False,
        showlegend=False,
        marker={
            "symbol": "star" if status == "recommended" else "circle",
            "size": _SIZES[status],
            "color": [row.expected for row in rows],
            "coloraxis": "coloraxis",
            "line": {"width": _OUTLINE_WIDTHS.get(status, 1), "color": style.colour},
        },
        hovertext=[f"{hover_text(row, result)}<br>{_shares_text(row)}" for row in rows],
        hoverinfo="text",
    )


def _probability_text(row: CandidateRow) -> str:
    """Return the probability of being the best, or nothing where it is small."""
    return f"{100 * row.probability_best:.0f} %" if row.probability_best >= _LEAST_PROBABILITY else ""


def _text_position(shares: Shares) -> str:
    """Return the side of a mark where no number of an axis is."""
    depth, _, resolution = shares
    if depth > _CORNER:
        return "bottom center"
    return "top left" if resolution > _CORNER else "top center"


def _legend_entry(status: Status) -> go.Scatterternary:
    """Return the mark for the legend, which has no place for the colour of an accuracy."""
    style, label = STATUSES[status]
    return go.Scatterternary(
        name=label,
        a=[None],
        b=[None],
        c=[None],
        mode="markers",
        marker={
            "symbol": "star" if status == "recommended" else "circle",
            "size": _SIZES[status],
            "color": "rgba(0,0,0,0)",
            "line": {"width": _OUTLINE_WIDTHS.get(status, 1), "color": style.colour},
        },
    )


def _shares_text(row: CandidateRow) -> str:
    parts = zip(_NAMES.values(), shares_of(row.candidate.coefficients), strict=True)
    return "spends " + ", ".join(f"{100 * share:.0f} % on {name}" for name, share in parts)


def _optimum(surface: Surface) -> go.Scatterternary:
    """Mark the highest point of the surface in the colour of text, which follows the theme."""
    return go.Scatterternary(
        name="highest point of the surface",
        **_ternary_coordinates([surface.optimum]),
        mode="text",
        text=["<b>✛</b>"],
        textfont={"size": 26},
        cliponaxis=False,
        showlegend=False,
        hovertext=["highest point of the response surface"],
        hoverinfo="text",
    )


def _region(surface: Surface) -> go.Scatterternary:
    corners = region_corners([surface.region[axis] for axis in ("depth", "width", "resolution")])
    return go.Scatterternary(
        name="highest point, 95 % of each share",
        **_ternary_coordinates([*corners, corners[0]]),
        mode="lines",
        line={"color": BASELINE_STYLE.colour, "width": 3, "dash": "dash"},
        hoverinfo="skip",
    )


def region_corners(bounds: Sequence[tuple[float, float]]) -> list[Shares]:
    """Return the corners, in order, of the shares within bounds: the triangle clipped at each bound in turn.

    The method is Sutherland & Hodgman's (1974). Where nothing lies within the bounds, the result is the last
    point that was cut away.

    Args:
        bounds: the lowest and the highest share of depth, width and resolution.
    """
    corners: list[Shares] = [(1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)]
    for i, (low, high) in enumerate(bounds):
        for bound, sign in ((low, 1), (high, -1)):
            corners = _clip(corners, i, bound, sign) or corners[:1]
    return corners


def _clip(corners: Sequence[Shares], i: int, bound: float, sign: int) -> list[Shares]:
    """Return the part of a convex outline whose share `i` is at least (`sign` 1) or at most (−1) `bound`."""
    outline: list[Shares] = []
    for first, second in zip(corners, [*corners[1:], corners[0]], strict=True):
        inside, next_inside = (sign * (corner[i] - bound) >= -1e-12 for corner in (first, second))
        if inside:
            outline.append(first)
        if inside != next_inside:
            fraction = (bound - first[i]) / (second[i] - first[i])
            x, y, z = (a + fraction * (b - a) for a, b in zip(first, second, strict=True))
            outline.append((x, y, z))
    return outline


def _ternary_coordinates(shares: Sequence[Shares]) -> dict[str, list[float]]:
    return {letter: [100 * share[i] for share in shares] for i, letter in enumerate("abc")}


def _caption(surface: Surface | None, result: StudyResult) -> str:
    verb = "shrinks" if result.plan.config.shrinks else "grows"
    start = (
        f"A corner is a network that {verb} in one dimension alone; a network's place is its shares of the "
        "log-FLOPs, log α, 2 log β and 2 log γ over their sum. Percentages are probabilities of being the best."
    )
    colours = f"Colours are expected accuracies {result.judged}"
    if surface is None:
        return f"{start} {colours}."
    return (
        f"{start} {colours}: of each network by all that was measured, and behind them by the fitted quadratic "
        "alone (cut off where it leaves the range of the networks'). ✛ is where the quadratic is highest; the "
        "dashed outline is bounded by the 95 % interval of each of its three shares, one at a time. The quadratic "
        f"makes {100 * surface.explained:.0f} % of the variance between the networks; the rest is their own."
    )
