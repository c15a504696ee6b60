"""The figure of the best coefficients: how probable each α, β and γ is by the response surface."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import plotly.graph_objects as go

from scalesearch.design.coefficients import AXES
from scalesearch.report.figures.frame import Drawing, apply_layout, axis
from scalesearch.report.palette import RECOMMENDED, RULE_STYLES
from scalesearch.search.decision.surface import Surface
from scalesearch.search.shares import coefficients_of
from scalesearch.study.result import StudyResult

_BINS = 10
"""The bars along a dimension: each holds a tenth of the compute."""
_LETTERS = "αβγ"
_GAP = 0.05
"""The room between two panels, as a share of the width."""


def coefficients(result: StudyResult) -> Drawing | None:
    """Draw the posterior probability of the best α, β and γ, one panel each.

    Returns:
        None where the model has no response surface, or nothing is recommended.
    """
    surface = result.decision.surface
    if surface is None or not result.plan.config.kind.recommends:
        return None
    probabilities = bar_probabilities(surface)
    winner = result.winner.coefficients
    chosen = float(winner.alpha), float(winner.beta), float(winner.gamma)
    width = (1 - 2 * _GAP) / len(AXES)
    figure, layout = go.Figure(), dict[str, object]()
    for index, (name, letter) in enumerate(zip(AXES, _LETTERS, strict=True)):
        suffix = "" if index == 0 else str(index + 1)
        edges = [coefficients_of([share] * len(AXES))[index] for share in np.linspace(0, 1, _BINS + 1)]
        figure.add_trace(_bars(name, letter, edges, [float(value) for value in probabilities[index]], suffix))
        start = index * (width + _GAP)
        layout[f"xaxis{suffix}"] = axis(
            f"{letter} ({name})",
            domain=[start, start + width],
            anchor=f"y{suffix}",
            range=[edges[0], edges[-1]],
            nticks=6,
        )
        title = "Probability (%)"
        layout[f"yaxis{suffix}"] = axis(
            title, anchor=f"x{suffix}", rangemode="tozero", matches=None if index == 0 else "y"
        )
        figure.add_trace(_recommended(letter, chosen[index], suffix))
    apply_layout(figure, height=420, showlegend=False, **layout)
    return Drawing("coefficients", "Which coefficients are probably the best", _CAPTION, figure)


_CAPTION = (
    "The probability that the highest point of the response surface has this α, β or γ, by all that was measured; "
    "a bar is a tenth of the compute (log α, 2 log β or 2 log γ over their sum). The star is the recommendation, "
    "which may lie elsewhere, because networks also deviate from the surface. A high bar at 1 says that the "
    "dimension should not grow, a wide spread that the search does not know."
)


def bar_probabilities(surface: Surface) -> np.ndarray:
    """Return the probability, (3, bars), that the best share of each dimension lies in each tenth."""
    tenths = np.minimum((surface.optima * _BINS + 1e-9).astype(int), _BINS - 1)
    return np.array([np.bincount(column, minlength=_BINS) / len(column) for column in tenths.T])


def _bars(name: str, letter: str, edges: list[float], probabilities: list[float], suffix: str) -> go.Bar:
    pairs = list(pairwise(edges))
    return go.Bar(
        name=letter,
        x=[(low + high) / 2 for low, high in pairs],
        y=[100 * value for value in probabilities],
        width=[high - low for low, high in pairs],
        marker={"color": RULE_STYLES[name].colour, "line": {"width": 0}, "opacity": 0.85},
        hovertext=[
            f"{letter} in {low:.2f} … {high:.2f}: {100 * value:.0f} %"
            for (low, high), value in zip(pairs, probabilities, strict=True)
        ],
        hoverinfo="text",
        xaxis=f"x{suffix}",
        yaxis=f"y{suffix}",
    )


def _recommended(letter: str, value: float, suffix: str) -> go.Scatter:
    """Mark the recommended network's coefficient on the axis."""
    return go.Scatter(
        x=[value],
        y=[0],
        mode="markers",
        marker={"symbol": RECOMMENDED.marker, "color": RECOMMENDED.colour, "size": 17},
        cliponaxis=False,
        hovertext=[f"recommended: {letter} = {value:.4g}"],
        hoverinfo="text",
        xaxis=f"x{suffix}",
        yaxis=f"y{suffix}",
    )
