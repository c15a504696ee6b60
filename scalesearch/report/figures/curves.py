"""Accuracy over measured FLOPs, a curve a scaling rule."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from math import floor, log2, log10

import plotly.graph_objects as go

from scalesearch.design.exact import plain
from scalesearch.report.figures.frame import HEIGHT, Drawing, escape_plotly, theme_layout
from scalesearch.report.label_layout import spread_labels
from scalesearch.report.palette import BASELINE_STYLE, LIGHT, Theme, rule_style
from scalesearch.search.metrics import validation_words
from scalesearch.study.cost_sweep import BASELINE, CostSweep, SweepPoint
from scalesearch.study.cost_words import COST_WORDS
from scalesearch.units import si

_MARGIN = {"l": 96, "r": 256, "t": 86, "b": 92}
_LINE = 24
"""Pixels between the labels of two curves."""
_NARROW = 0.1
"""A range of accuracy whose ticks need a third digit."""


def scaling_curves(joint: CostSweep, theme: Theme = LIGHT) -> go.Figure:
    """Accuracy over measured FLOPs, a curve a rule from the baseline on: Tan & Le 2019, Figures 3, 4 and 8, as one.

    The x axis is logarithmic and has a tick at each cost that was compared; error bars are standard errors.

    Args:
        joint: comparisons of one baseline.
        theme: light or dark.
    """
    figure, curves = go.Figure(), joint.curves()
    bottom, top = _accuracy_range(joint)
    for rule, points in reversed(curves.items()):  # the best on top
        figure.add_trace(_curve(rule, points))
    if joint.base is not None:
        figure.add_trace(_start(joint.base))
    figure.update_layout(
        annotations=_labels(curves, bottom, top),
        height=HEIGHT,
        margin=_MARGIN,
        showlegend=False,
        hovermode="closest",
        title={
            "text": f"<b>{joint.baseline}: one dimension, or all?</b><br>"
            f"<sup>{escape_plotly(_subtitle(joint))}</sup>",
            "x": 0,
            "xref": "paper",
            "xanchor": "left",
            "y": 0.95,
        },
        xaxis=_cost_axis(joint),
        yaxis={
            "title": {"text": validation_words(joint.metric, joint.validation_images)},
            "range": [bottom, top],
            "tickformat": ".2f" if top - bottom > _NARROW else ".3f",
        },
    )
    return figure.update_layout(theme_layout(theme))


def curves(joint: CostSweep) -> Drawing:
    """`scaling_curves` with its title as words beside it."""
    figure = scaling_curves(joint)
    figure.update_layout(title=None, margin={"t": 30})
    caption = (
        f"{_subtitle(joint)}. Every curve begins at the baseline, whose trials all rules share; labels say the "
        "last accuracy."
    )
    return Drawing("curves", "Accuracy over measured FLOPs, a curve a rule", caption, figure)


def _subtitle(joint: CostSweep) -> str:
    most = max(point.seeds for point in joint.points)
    seeds = "1 seed" if most == 1 else f"{most} seeds"
    what = "cost" if joint.cost == "macs" else COST_WORDS[joint.cost]
    return f"Equal measured {what}; {joint.data}, budget {joint.budget}, {seeds}; bars: standard error"


def _curve(rule: str, points: Sequence[SweepPoint]) -> go.Scatter:
    """One rule's line; the baseline's point, which all share, has neither marker nor bar here."""
    look = rule_style(rule)
    shared = [point.rule == BASELINE for point in points]
    return go.Scatter(
        name=rule,
        x=[point.macs for point in points],
        y=[point.accuracy for point in points],
        mode="lines+markers",
        line={"color": look.colour, "width": 2.5, "dash": look.dash},
        marker={
            "color": look.colour,
            "symbol": look.marker,
            "size": [0 if one else 12 for one in shared],
            "opacity": 1,
            "line": {"width": 0},
        },
        error_y={
            "array": [0 if point.rule == BASELINE else point.standard_error for point in points],
            "color": look.colour,
            "thickness": 1.5,
            "width": 5,
        },
        text=[_hover(point) for point in points],
        hoverinfo=["skip" if one else "text" for one in shared],
    )


def _start(base: SweepPoint) -> go.Scatter:
    return go.Scatter(
        name=BASELINE,
        x=[base.macs],
        y=[base.accuracy],
        mode="markers",
        marker={"color": BASELINE_STYLE.colour, "symbol": BASELINE_STYLE.marker, "size": 12},
        error_y={"array": [base.standard_error], "color": BASELINE_STYLE.colour, "thickness": 1.5, "width": 5},
        text=[_hover(base)],
        hoverinfo="text",
    )


def _hover(point: SweepPoint) -> str:
    lines = [
        f"<b>{escape_plotly(point.rule)}</b> at {float(point.ratio):.3f}x",
        f"{si(point.macs)} FLOPs",
        f"accuracy {point.accuracy:.4f} ± {point.standard_error:.4f}, n = {point.seeds}",
    ]
    if point.gain is not None:
        lines.append(f"gain {point.gain.value:+.4f} (95 %: {point.gain.low:+.4f} … {point.gain.high:+.4f})")
    return "<br>".join(lines)


def _accuracy_range(joint: CostSweep) -> tuple[float, float]:
    """From the lowest bar's foot to the highest's head with a little air, never outside 0 … 1."""
    shown = [*joint.points, *(() if joint.base is None else (joint.base,))]
    low = min(one.accuracy - one.standard_error for one in shown)
    high = max(one.accuracy + one.standard_error for one in shown)
    air = 0.06 * max(high - low, 0.01)
    return max(low - air, 0.0), min(high + air, 1.0)


def _cost_axis(joint: CostSweep) -> dict[str, object]:
    ends = [joint.base_macs, *(point.macs for point in joint.points)]
    first, last = log10(min(ends)), log10(max(ends))
    wide = max(last - first, 0.05)
    if joint.cost == "macs":
        ticks = {float(times): f"<br>{plain(times)}x" for times in (Decimal(1), *joint.costs)}
    else:  # what was matched is not on this axis
        ticks = {2.0**power: "" for power in range(floor(log2(max(ends) / joint.base_macs)) + 1)}
    return {
        "type": "log",
        "title": {"text": "FLOPs (multiply-adds) of one image, logarithmic", "standoff": 12},
        "range": [first - 0.04 * wide, last + 0.02 * wide],
        "tickvals": [joint.base_macs * times for times in ticks],
        "ticktext": [f"{si(joint.base_macs * times)}{word}" for times, word in ticks.items()],
        "showline": True,
        "ticks": "outside",
    }


def _labels(curves: dict[str, tuple[SweepPoint, ...]], bottom: float, top: float) -> list[dict[str, object]]:
    """Each curve's marker, name and last accuracy to the right of the axes, as near to its end as may be."""
    ends = [points[-1] for points in curves.values()]
    largest = max(end.times for end in ends)
    high = HEIGHT - _MARGIN["t"] - _MARGIN["b"]
    per_pixel = (top - bottom) / high
    places = spread_labels([end.accuracy for end in ends], _LINE * per_pixel)
    return [
        {
            "x": 1.0,
            "xref": "paper",
            "xanchor": "left",
            "xshift": 14,
            "y": place,
            "yref": "y",
            "showarrow": False,
            "align": "left",
            "text": _label(one, largest),
        }
        for one, place in zip(ends, places, strict=True)
    ]


def _label(point: SweepPoint, largest: Decimal) -> str:
    look = rule_style(point.rule)
    marker = f'<span style="color:{look.colour}">{look.glyph}</span>'
    # A curve may end early: at the largest cost no network of its rule was compared.
    where = "" if point.times == largest else f" at {plain(point.times)}x"
    return f"{marker} <b>{escape_plotly(point.rule)}</b>  {point.accuracy:.3f} ± {point.standard_error:.3f}{where}"
