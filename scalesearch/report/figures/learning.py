"""How accuracy rose with training: by rung where candidates were left on the way, by epoch where none was."""

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
"""(images, accuracy)."""


def learning(result: StudyResult) -> Drawing | None:
    """Validation accuracy over training images, a line a network and seed; None where nothing has two points."""
    shown = candidate_rows(result)
    curves = {(key, seed): curve for key, seed, curve in _curves(result)}
    if not any(len(curve) > 1 for curve in curves.values()):
        return None
    figure, legend = go.Figure(), set[str]()
    ordered: list[tuple[str, CandidateRow | None]] = [(row.key, row) for row in reversed(shown)]
    for key, row in [(result.plan.base_id, None), *ordered]:
        name, look = _look(row, result)
        for (own, seed), curve in curves.items():
            if own == key:
                figure.add_trace(_line(name, look, curve, row, seed, name not in legend))
                legend.add(name)
    rungs = [rung.samples for rung in result.plan.rungs]
    apply_layout(
        figure,
        xaxis=axis(
            "Training images seen", tickformat=",", **({"tickvals": rungs} if rungs else {"rangemode": "tozero"})
        ),
        yaxis=axis(validation_words(result.plan.config.metric, result.plan.data.val), rangemode="tozero"),
        shapes=[dotted_line(at, 0, at, 1, yref="paper") for at in rungs],
        legend={"traceorder": "reversed"},
    )
    return Drawing("learning", _heading(result), _caption(result), figure)


def _curves(result: StudyResult) -> list[tuple[str, int, Curve]]:
    """By network and seed: the accuracy at the end of each rung, or after every epoch where there are no rungs."""
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


def _look(row: CandidateRow | None, result: StudyResult) -> tuple[str, MarkerStyle]:
    """What a legend calls it and how it is drawn: rules and the baseline by name, candidates by their place."""
    if row is None:
        name = escape_plotly(result.plan.config.baseline.name)
        return (f"{name}, unscaled" if result.plan.config.kind.scales else f"{name} as it is"), BASELINE_STYLE
    return (
        (escape_plotly(row.label), row.style)
        if row.rule
        else (status_label(row.status, result.plan.config), row.style)
    )


def _line(
    name: str, look: MarkerStyle, curve: Curve, row: CandidateRow | None, seed: int, first: bool
) -> go.Scatter:
    who = name if row is None else escape_plotly(row.label)
    strong = row is not None and (bool(row.rule) or row.status in ("recommended", "tied"))
    return go.Scatter(
        name=name,
        legendgroup=name,
        showlegend=first,
        x=[at for at, _ in curve],
        y=[accuracy for _, accuracy in curve],
        mode="lines+markers",
        line={"color": look.colour, "width": 2 if strong else 1.2, "dash": look.dash},
        marker={"color": look.colour, "symbol": look.marker, "size": 10 if strong else 7},
        hovertext=[f"<b>{who}</b>, seed {seed}<br>{at:,} images: {accuracy:.4f}" for at, accuracy in curve],
        hoverinfo="text",
    )


def _heading(result: StudyResult) -> str:
    return "Accuracy from rung to rung" if result.plan.rungs else "Accuracy from epoch to epoch"


def _caption(result: StudyResult) -> str:
    if not result.plan.rungs:
        return "A line is one training: a network with one seed, measured after every epoch."
    seeds = (
        " A mark without a line is a further seed of a finalist, which went straight to the top."
        if result.plan.scheduler.finalists and result.plan.scheduler.seeds > 1
        else ""
    )
    promotes = result.plan.scheduler.promotes
    left = f" What ends early was left: {promotes}." if promotes else ""
    return (
        "A line is a network with one seed; dotted uprights are the rungs, and at each the learning rate was run "
        f"down before accuracy was measured.{seeds}{left}"
    )
