"""Accuracy over measured FLOPs: every ranked candidate with its error bar, the tied set, the Pareto front."""

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

_LEVEL = {
    False: "; whatever lies below the level one, by the unscaled network.",
    True: "; the level one is the unscaled network, which costs more.",
}
"""What the unscaled network's line says, by whether the candidates are smaller than it."""
_NAMED = 8
"""More names than that hide each other; then only the tied candidates' are written."""


def pareto(result: StudyResult) -> Drawing:
    """Accuracy over measured FLOPs of the candidates that are ranked."""
    ranked = [row for row in candidate_rows(result) if row.place is not None]
    figure = go.Figure()
    if len(ranked) > 1:
        figure.add_trace(_front(ranked))
    wanted, base = _wanted(result), _base(result)
    (left, right), (low, high) = _costs(ranked, wanted), _range(ranked, base)
    named = [row for row in ranked if len(ranked) <= _NAMED or row.status in ("recommended", "tied")]
    scale = (right - left) / 1000, (high - low) / 480  # px of the axes at 1200 px
    spots = [(row.candidate.cost.macs / scale[0], row.expected / scale[1]) for row in named]
    kept = pareto_front([(row.candidate.cost.macs, row.expected) for row in ranked])
    under = [(row.candidate.cost.macs, row.expected) not in kept for row in named]  # the line runs above them
    beside = dict(
        zip((row.key for row in named), place_labels(spots, [row.label for row in named], under), strict=True)
    )
    for status, own in by_status(ranked):
        figure.add_trace(_points(status, own, beside, result))
    asked = result.plan.config
    apply_layout(
        figure,
        xaxis=axis("Measured FLOPs (multiply-adds) of one image", tickformat="~s", range=[left, right]),
        yaxis=axis(validation_words(result.plan.config.metric, result.plan.data.val), range=[low, high]),
        shapes=[dotted_line(wanted, 0, wanted, 1, yref="paper"), *_base_line(base)],
        annotations=_words(result, wanted, base),
    )
    bars = "Accuracies are expected ones, by all that was measured; bars are their standard deviations."
    beaten = (
        "Whatever lies below the stepped line, the Pareto front of the candidates, is beaten by a candidate "
        "that costs no more" + ("." if base is None else _LEVEL[asked.shrinks])
    )
    line = (
        f"The upright line is {2 ** float(asked.phi):.4g}x the baseline's FLOPs, which every network was to have."
    )
    if asked.match == "none":
        line = "Costs were not matched, so that a network may be better because it is larger."
    return Drawing(
        "pareto",
        f"{metric_words(asked.metric).capitalize()} over measured FLOPs",
        f"{bars} {beaten} {line}",
        figure,
    )


def pareto_front(ranked: Sequence[tuple[int, float]]) -> list[tuple[int, float]]:
    """Those (multiply-adds, accuracy) that no other equals in both and beats in one, by rising cost."""
    kept: list[tuple[int, float]] = []
    for macs, accuracy in sorted(ranked, key=lambda one: (one[0], -one[1])):
        if not kept or accuracy > kept[-1][1]:
            kept.append((macs, accuracy))
    return kept


def _front(ranked: Sequence[CandidateRow]) -> go.Scatter:
    kept = pareto_front([(row.candidate.cost.macs, row.expected) for row in ranked])
    return go.Scatter(
        name="Pareto front",
        x=[macs for macs, _ in kept],
        y=[accuracy for _, accuracy in kept],
        mode="lines",
        line={"color": BASELINE_STYLE.colour, "width": 1.5, "shape": "hv"},
        hoverinfo="skip",
    )


def _points(
    status: Status, rows: Sequence[CandidateRow], beside: Mapping[str, str], result: StudyResult
) -> go.Scatter:
    look, words = STATUSES[status]
    return go.Scatter(
        name=words,
        x=[row.candidate.cost.macs for row in rows],
        y=[row.expected for row in rows],
        mode="markers+text",
        text=[f"  {escape_plotly(row.label)}  " if row.key in beside else "" for row in rows],
        textposition=[beside.get(row.key, "middle right") for row in rows],
        textfont={"size": 13},
        cliponaxis=False,
        marker={"color": look.colour, "symbol": look.marker, "size": 17 if status == "recommended" else 12},
        error_y={"array": [row.error for row in rows], "color": look.colour, "thickness": 1.5},
        hovertext=[hover_text(row, result) for row in rows],
        hoverinfo="text",
    )


def _wanted(result: StudyResult) -> float:
    from scalesearch.design.cost import cost

    asked = result.plan.config
    return float(cost(asked.baseline.architecture).macs * 2 ** float(asked.phi))


def _base(result: StudyResult) -> float | None:
    accuracies = result.base.accuracies
    return sum(accuracies.values()) / len(accuracies) if accuracies else None


def _base_line(base: float | None) -> list[dict[str, object]]:
    return [] if base is None else [dotted_line(0, base, 1, base, xref="paper")]


def _words(result: StudyResult, wanted: float, base: float | None) -> list[dict[str, object]]:
    asked = result.plan.config
    name = escape_plotly(asked.baseline.name)
    own = {"showarrow": False, "font": {"size": 13}, "xanchor": "left", "yanchor": "bottom", "xshift": 4}
    words = [{**own, "x": wanted, "y": 0, "yref": "paper", "text": f"{2 ** float(asked.phi):.4g}x = {si(wanted)}"}]
    if base is not None:
        words.append({**own, "x": 0, "xref": "paper", "y": base, "text": f"{name} unscaled, 1x: {base:.3f}"})
    return words


def _costs(ranked: Sequence[CandidateRow], wanted: float) -> tuple[float, float]:
    """All costs and the wanted one, with room for names."""
    every = [wanted, *(row.candidate.cost.macs for row in ranked)]
    air = 0.14 * max(max(every) - min(every), 0.01 * wanted)
    return min(every) - air / 2, max(every) + air


def _range(ranked: Sequence[CandidateRow], base: float | None) -> tuple[float, float]:
    """All bars and the baseline's line with a little air, never outside 0 … 1."""
    ends = [row.expected + sign * row.error for row in ranked for sign in (-1, 1)]
    ends += [] if base is None else [base]
    air = 0.08 * max(max(ends) - min(ends), 0.01)
    return max(min(ends) - air, 0.0), min(max(ends) + air, 1.0)
