"""The figure of learning curves: accuracy over training images.

It is drawn by rung where candidates were eliminated on the way, and by epoch where none was.
"""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from scalesearch.report.figures.frame import Drawing, apply_layout, axis, dotted_line, escape_plotly
from scalesearch.report.palette import BASELINE_STYLE, MarkerStyle
from scalesearch.report.rows import CandidateRow, candidate_rows, status_label
from scalesearch.search.metrics import validation_words
from scalesearch.search.trial import TrialSpec
from scalesearch.study.result import StudyResult

Curve = list[tuple[int, float]]
"""The points of a curve, each as (images, accuracy)."""


def learning(result: StudyResult) -> Drawing | None:
    """Draw validation accuracy over training images, a line for each network and seed.

    Returns:
        None where no curve has two points.
    """
    rows = candidate_rows(result)
    curves = {(key, seed): curve for key, seed, curve in _curves(result)}
    if not any(len(curve) > 1 for curve in curves.values()):
        return None
    figure, legend = go.Figure(), set[str]()
    ordered: list[tuple[str, CandidateRow | None]] = [(row.key, row) for row in reversed(rows)]
    for key, row in [(result.plan.base_id, None), *ordered]:
        name, style = _name_and_style(row, result)
        for (network_id, seed), curve in curves.items():
            if network_id == key:
                figure.add_trace(_line(name, style, curve, row, seed, name not in legend))
                legend.add(name)
    rungs = [rung.samples for rung in result.plan.rungs]
    apply_layout(
        figure,
        xaxis=axis(
            "Training images seen", tickformat=",", **({"tickvals": rungs} if rungs else {"rangemode": "tozero"})
        ),
        yaxis=axis(validation_words(result.plan.config.metric, result.plan.data.val), rangemode="tozero"),
        shapes=[dotted_line(images, 0, images, 1, yref="paper") for images in rungs],
        legend={"traceorder": "reversed"},
    )
    return Drawing("learning", _heading(result), _caption(result), figure)


def _curves(result: StudyResult) -> list[tuple[str, int, Curve]]:
    """Return for each network and seed the accuracy at the end of each rung, or after every epoch without rungs."""
    curves: dict[tuple[str, int], Curve] = {}
    for spec in _specs(result):
        outcome = result.outcomes[spec.id]
        epochs = outcome.epochs[-1:] if result.plan.rungs else outcome.epochs
        if outcome.score is not None:
            points = [(epoch.samples, epoch.metric_value) for epoch in epochs]
            curves.setdefault((spec.network_id, spec.seed), []).extend(points)
    return [(key, seed, sorted(curve)) for (key, seed), curve in sorted(curves.items())]


def _specs(result: StudyResult) -> Sequence[TrialSpec]:
    return [spec for spec in result.planned if spec.id in result.outcomes]


def _name_and_style(row: CandidateRow | None, result: StudyResult) -> tuple[str, MarkerStyle]:
    """Return a legend label and a style: rules and the baseline by name, candidates by their status."""
    if row is None:
        name = escape_plotly(result.plan.config.baseline.name)
        return (f"{name}, unscaled" if result.plan.config.kind.scales else f"{name} as it is"), BASELINE_STYLE
    return (
        (escape_plotly(row.label), row.style)
        if row.rule
        else (status_label(row.status, result.plan.config), row.style)
    )


def _line(
    name: str, style: MarkerStyle, curve: Curve, row: CandidateRow | None, seed: int, show_in_legend: bool
) -> go.Scatter:
    network = name if row is None else escape_plotly(row.label)
    strong = row is not None and (bool(row.rule) or row.status in ("recommended", "tied"))
    return go.Scatter(
        name=name,
        legendgroup=name,
        showlegend=show_in_legend,
        x=[images for images, _ in curve],
        y=[accuracy for _, accuracy in curve],
        mode="lines+markers",
        line={"color": style.colour, "width": 2 if strong else 1.2, "dash": style.dash},
        marker={"color": style.colour, "symbol": style.marker, "size": 10 if strong else 7},
        hovertext=[
            f"<b>{network}</b>, seed {seed}<br>{images:,} images: {accuracy:.4f}" for images, accuracy in curve
        ],
        hoverinfo="text",
    )


def _heading(result: StudyResult) -> str:
    return "Accuracy from rung to rung" if result.plan.rungs else "Accuracy from epoch to epoch"


def _caption(result: StudyResult) -> str:
    if not result.plan.rungs:
        return "A line is one training: a network with one seed, measured after every epoch."
    seeds_text = (
        " A mark without a line is a further seed of a finalist, which went straight to the top."
        if result.plan.scheduler.finalists and result.plan.scheduler.seeds > 1
        else ""
    )
    promotes = result.plan.scheduler.promotes
    eliminated_text = f" What ends early was left: {promotes}." if promotes else ""
    return (
        "A line is a network with one seed; dotted uprights are the rungs, and at each the learning rate was run "
        f"down before accuracy was measured.{seeds_text}{eliminated_text}"
    )
