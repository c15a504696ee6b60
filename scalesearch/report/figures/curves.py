"""The figure of accuracy over measured FLOPs: a curve for each scaling rule."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from math import floor, log2, log10

import plotly.graph_objects as go

from scalesearch.design.decimals import format_decimal
from scalesearch.report.figures.frame import HEIGHT, Drawing, escape_plotly, theme_layout
from scalesearch.report.label_layout import spread_labels
from scalesearch.report.palette import BASELINE_STYLE, LIGHT, Theme, rule_style
from scalesearch.search.metrics import validation_words
from scalesearch.study.cost_labels import COST_WORDS
from scalesearch.study.cost_sweep import BASELINE, CostSweep, SweepPoint
from scalesearch.units import si

_MARGIN = {"l": 96, "r": 256, "t": 86, "b": 92}
_LABEL_GAP = 24
"""The least distance between the labels of two curves, in px."""
_NARROW_RANGE = 0.1
"""The largest range of accuracy whose ticks need a third digit."""


def scaling_curves(sweep: CostSweep, theme: Theme = LIGHT) -> go.Figure:
    """Draw accuracy over measured FLOPs, a curve for each rule that begins at the baseline.

    The figure combines Figures 3, 4 and 8 of Tan & Le 2019. The x axis is logarithmic and has a tick at each cost
    that was compared; error bars are standard errors.

    Args:
        sweep: comparisons of one baseline.
        theme: light or dark.
    """
    figure, curves = go.Figure(), sweep.curves()
    bottom, top = _accuracy_range(sweep)
    for rule, points in reversed(curves.items()):  # the best on top
        figure.add_trace(_curve(rule, points))
    if sweep.base is not None:
        figure.add_trace(_baseline_point(sweep.base))
    figure.update_layout(
        annotations=_curve_labels(curves, bottom, top),
        height=HEIGHT,
        margin=_MARGIN,
        showlegend=False,
        hovermode="closest",
        title={
            "text": f"<b>{sweep.baseline}: one dimension, or all?</b><br>"
            f"<sup>{escape_plotly(_subtitle(sweep))}</sup>",
            "x": 0,
            "xref": "paper",
            "xanchor": "left",
            "y": 0.95,
        },
        xaxis=_cost_axis(sweep),
        yaxis={
            "title": {"text": validation_words(sweep.metric, sweep.validation_images)},
            "range": [bottom, top],
            "tickformat": ".2f" if top - bottom > _NARROW_RANGE else ".3f",
        },
    )
    return figure.update_layout(theme_layout(theme))


def curves(sweep: CostSweep) -> Drawing:
    """Draw `scaling_curves` with the title as text beside the figure."""
    figure = scaling_curves(sweep)
    figure.update_layout(title=None, margin={"t": 30})
    caption = (
        f"{_subtitle(sweep)}. Every curve begins at the baseline, whose trials all rules share; labels say the "
        "last accuracy."
    )
    return Drawing("curves", "Accuracy over measured FLOPs, a curve a rule", caption, figure)


def _subtitle(sweep: CostSweep) -> str:
    max_seeds = max(point.seeds for point in sweep.points)
    seeds = "1 seed" if max_seeds == 1 else f"{max_seeds} seeds"
    matched = "cost" if sweep.cost == "macs" else COST_WORDS[sweep.cost]
    return f"Equal measured {matched}; {sweep.data}, budget {sweep.budget}, {seeds}; bars: standard error"


def _curve(rule: str, points: Sequence[SweepPoint]) -> go.Scatter:
    """Draw one rule's line; the baseline's point, which all share, has neither marker nor bar here."""
    style = rule_style(rule)
    shared = [point.rule == BASELINE for point in points]
    return go.Scatter(
        name=rule,
        x=[point.macs for point in points],
        y=[point.accuracy for point in points],
        mode="lines+markers",
        line={"color": style.colour, "width": 2.5, "dash": style.dash},
        marker={
            "color": style.colour,
            "symbol": style.marker,
            "size": [0 if is_shared else 12 for is_shared in shared],
            "opacity": 1,
            "line": {"width": 0},
        },
        error_y={
            "array": [0 if point.rule == BASELINE else point.standard_error for point in points],
            "color": style.colour,
            "thickness": 1.5,
            "width": 5,
        },
        text=[_hover(point) for point in points],
        hoverinfo=["skip" if is_shared else "text" for is_shared in shared],
    )


def _baseline_point(base: SweepPoint) -> go.Scatter:
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


def _accuracy_range(sweep: CostSweep) -> tuple[float, float]:
    """Return the range from the lowest bar's foot to the highest one's head with a little padding, within 0 … 1."""
    points = [*sweep.points, *(() if sweep.base is None else (sweep.base,))]
    low = min(point.accuracy - point.standard_error for point in points)
    high = max(point.accuracy + point.standard_error for point in points)
    padding = 0.06 * max(high - low, 0.01)
    return max(low - padding, 0.0), min(high + padding, 1.0)


def _cost_axis(sweep: CostSweep) -> dict[str, object]:
    ends = [sweep.base_macs, *(point.macs for point in sweep.points)]
    first, last = log10(min(ends)), log10(max(ends))
    width = max(last - first, 0.05)
    if sweep.cost == "macs":
        ticks = {float(times): f"<br>{format_decimal(times)}x" for times in (Decimal(1), *sweep.costs)}
    else:  # what was matched is not on this axis
        ticks = {2.0**power: "" for power in range(floor(log2(max(ends) / sweep.base_macs)) + 1)}
    return {
        "type": "log",
        "title": {"text": "FLOPs (multiply-adds) of one image, logarithmic", "standoff": 12},
        "range": [first - 0.04 * width, last + 0.02 * width],
        "tickvals": [sweep.base_macs * times for times in ticks],
        "ticktext": [f"{si(sweep.base_macs * times)}{suffix}" for times, suffix in ticks.items()],
        "showline": True,
        "ticks": "outside",
    }


def _curve_labels(curves: dict[str, tuple[SweepPoint, ...]], bottom: float, top: float) -> list[dict[str, object]]:
    """Return each curve's marker, name and last accuracy, right of the axes and as near to its end as possible."""
    ends = [points[-1] for points in curves.values()]
    largest_cost = max(end.times for end in ends)
    height = HEIGHT - _MARGIN["t"] - _MARGIN["b"]
    per_pixel = (top - bottom) / height
    positions = spread_labels([end.accuracy for end in ends], _LABEL_GAP * per_pixel)
    return [
        {
            "x": 1.0,
            "xref": "paper",
            "xanchor": "left",
            "xshift": 14,
            "y": position,
            "yref": "y",
            "showarrow": False,
            "align": "left",
            "text": _label(end, largest_cost),
        }
        for end, position in zip(ends, positions, strict=True)
    ]


def _label(point: SweepPoint, largest_cost: Decimal) -> str:
    style = rule_style(point.rule)
    marker = f'<span style="color:{style.colour}">{style.glyph}</span>'
    # A curve may end early: at the largest cost no network of its rule was compared.
    cost_text = "" if point.times == largest_cost else f" at {format_decimal(point.times)}x"
    return (
        f"{marker} <b>{escape_plotly(point.rule)}</b>  {point.accuracy:.3f} ± {point.standard_error:.3f}{cost_text}"
    )
