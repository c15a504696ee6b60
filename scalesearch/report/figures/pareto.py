"""The figure of accuracy over measured FLOPs: ranked candidates with error bars, the tied set, the Pareto front."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from scalesearch.report.figures.frame import Drawing, apply_layout, axis, dotted_line, escape_plotly
from scalesearch.report.figures.markers import by_status, hover_text
from scalesearch.report.label_layout import place_labels
from scalesearch.report.palette import BASELINE_STYLE
from scalesearch.report.rows import STATUSES, CandidateRow, Status, candidate_rows
from scalesearch.search.metrics import metric_words, validation_words
from scalesearch.study.result import StudyResult
from scalesearch.units import si

_BASELINE_TEXTS = {
    False: "; whatever lies below the level one, by the unscaled network.",
    True: "; the level one is the unscaled network, which costs more.",
}
"""The explanation of the unscaled network's line, by whether the candidates are smaller than it."""
_MAX_NAMES = 8
"""The most names that do not hide each other; with more, only the tied candidates are named."""


def pareto(result: StudyResult) -> Drawing:
    """Draw accuracy over measured FLOPs of the candidates that are ranked."""
    ranked = [row for row in candidate_rows(result) if row.place is not None]
    figure = go.Figure()
    if len(ranked) > 1:
        figure.add_trace(_front(ranked))
    target, baseline = _target_macs(result), _baseline_accuracy(result)
    (min_macs, max_macs), (min_accuracy, max_accuracy) = (
        _cost_range(ranked, target),
        _accuracy_range(ranked, baseline),
    )
    named = [row for row in ranked if len(ranked) <= _MAX_NAMES or row.status in ("recommended", "tied")]
    scale = (
        (max_macs - min_macs) / 1000,
        (max_accuracy - min_accuracy) / 480,
    )  # axis units per px at 1200 px
    pixels = [(row.candidate.cost.macs / scale[0], row.expected / scale[1]) for row in named]
    front = pareto_front([(row.candidate.cost.macs, row.expected) for row in ranked])
    below = [(row.candidate.cost.macs, row.expected) not in front for row in named]  # the line runs above them
    label_positions = dict(
        zip((row.key for row in named), place_labels(pixels, [row.label for row in named], below), strict=True)
    )
    for status, status_rows in by_status(ranked):
        figure.add_trace(_points(status, status_rows, label_positions, result))
    config = result.plan.config
    apply_layout(
        figure,
        xaxis=axis("Measured FLOPs (multiply-adds) of one image", tickformat="~s", range=[min_macs, max_macs]),
        yaxis=axis(
            validation_words(result.plan.config.metric, result.plan.data.val), range=[min_accuracy, max_accuracy]
        ),
        shapes=[dotted_line(target, 0, target, 1, yref="paper"), *_baseline_line(baseline)],
        annotations=_annotations(result, target, baseline),
    )
    bars_text = "Accuracies are expected ones, by all that was measured; bars are their standard deviations."
    front_text = (
        "Whatever lies below the stepped line, the Pareto front of the candidates, is beaten by a candidate "
        "that costs no more" + ("." if baseline is None else _BASELINE_TEXTS[config.shrinks])
    )
    target_text = (
        f"The upright line is {2 ** float(config.phi):.4g}x the baseline's FLOPs, which every network was to have."
    )
    if config.match == "none":
        target_text = "Costs were not matched, so that a network may be better because it is larger."
    return Drawing(
        "pareto",
        f"{metric_words(config.metric).capitalize()} over measured FLOPs",
        f"{bars_text} {front_text} {target_text}",
        figure,
    )


def pareto_front(points: Sequence[tuple[int, float]]) -> list[tuple[int, float]]:
    """Return the Pareto front of (multiply-adds, accuracy), by rising cost.

    No other point equals one of these in both values and beats it in one.
    """
    front: list[tuple[int, float]] = []
    for macs, accuracy in sorted(points, key=lambda point: (point[0], -point[1])):
        if not front or accuracy > front[-1][1]:
            front.append((macs, accuracy))
    return front


def _front(ranked: Sequence[CandidateRow]) -> go.Scatter:
    points = pareto_front([(row.candidate.cost.macs, row.expected) for row in ranked])
    return go.Scatter(
        name="Pareto front",
        x=[macs for macs, _ in points],
        y=[accuracy for _, accuracy in points],
        mode="lines",
        line={"color": BASELINE_STYLE.colour, "width": 1.5, "shape": "hv"},
        hoverinfo="skip",
    )


def _points(
    status: Status, rows: Sequence[CandidateRow], label_positions: Mapping[str, str], result: StudyResult
) -> go.Scatter:
    style, label = STATUSES[status]
    return go.Scatter(
        name=label,
        x=[row.candidate.cost.macs for row in rows],
        y=[row.expected for row in rows],
        mode="markers+text",
        text=[f"  {escape_plotly(row.label)}  " if row.key in label_positions else "" for row in rows],
        textposition=[label_positions.get(row.key, "middle right") for row in rows],
        textfont={"size": 13},
        cliponaxis=False,
        marker={"color": style.colour, "symbol": style.marker, "size": 17 if status == "recommended" else 12},
        error_y={"array": [row.error for row in rows], "color": style.colour, "thickness": 1.5},
        hovertext=[hover_text(row, result) for row in rows],
        hoverinfo="text",
    )


def _target_macs(result: StudyResult) -> float:
    from scalesearch.design.cost import cost

    config = result.plan.config
    return float(cost(config.baseline.architecture).macs * 2 ** float(config.phi))


def _baseline_accuracy(result: StudyResult) -> float | None:
    return result.decision.baseline_mean


def _baseline_line(accuracy: float | None) -> list[dict[str, object]]:
    return [] if accuracy is None else [dotted_line(0, accuracy, 1, accuracy, xref="paper")]


def _annotations(
    result: StudyResult, target_macs: float, baseline_accuracy: float | None
) -> list[dict[str, object]]:
    config = result.plan.config
    name = escape_plotly(config.baseline.name)
    common = {"showarrow": False, "font": {"size": 13}, "xanchor": "left", "yanchor": "bottom", "xshift": 4}
    annotations = [
        {
            **common,
            "x": target_macs,
            "y": 0,
            "yref": "paper",
            "text": f"{2 ** float(config.phi):.4g}x = {si(target_macs)}",
        }
    ]
    if baseline_accuracy is not None:
        annotations.append(
            {
                **common,
                "x": 0,
                "xref": "paper",
                "y": baseline_accuracy,
                "text": f"{name} unscaled, 1x: {baseline_accuracy:.3f}",
            }
        )
    return annotations


def _cost_range(ranked: Sequence[CandidateRow], target_macs: float) -> tuple[float, float]:
    """Return a range that covers all costs and the target, with room for names."""
    costs = [target_macs, *(row.candidate.cost.macs for row in ranked)]
    padding = 0.14 * max(max(costs) - min(costs), 0.01 * target_macs)
    return min(costs) - padding / 2, max(costs) + padding


def _accuracy_range(ranked: Sequence[CandidateRow], baseline_accuracy: float | None) -> tuple[float, float]:
    """Return a range that covers all bars and the baseline's line with a little padding, within 0 … 1."""
    ends = [row.expected + sign * row.error for row in ranked for sign in (-1, 1)]
    ends += [] if baseline_accuracy is None else [baseline_accuracy]
    padding = 0.08 * max(max(ends) - min(ends), 0.01)
    return max(min(ends) - padding, 0.0), min(max(ends) + padding, 1.0)
