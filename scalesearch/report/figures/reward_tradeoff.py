"""The figure of accuracy over cost for a search of stages: the Pareto front, and where each network stands."""

from __future__ import annotations

import plotly.graph_objects as go

from scalesearch.design.cost import cost
from scalesearch.report.figures.frame import Drawing, apply_layout, axis, dotted_line, escape_plotly
from scalesearch.report.figures.markers import by_status
from scalesearch.report.palette import BASELINE_STYLE
from scalesearch.report.rows import STATUSES, CandidateRow, Status, candidate_rows, final_metrics, status_label
from scalesearch.search.metrics import validation_words
from scalesearch.search.observations import pareto
from scalesearch.search.stage_space import StagePoint
from scalesearch.study.kinds.stages import stages_of, words_of_network
from scalesearch.study.result import StudyResult

_AXES = {
    "macs": "FLOPs (multiply-adds) of one image",
    "latency": "Latency of one image (seconds)",
    "step": "A training step (seconds)",
}
_MAX_NAMES = 12


def reward_tradeoff(result: StudyResult) -> Drawing:
    """Draw accuracy over the cost that the reward weighs, for the networks that were trained the longest."""
    cost_kind = result.plan.config.kind.objectives[1]
    costs = _costs(result, cost_kind)
    ranked = [row for row in candidate_rows(result) if row.place is not None and row.key in costs]
    points = {row.key: (costs[row.key], _accuracy(result, row)) for row in ranked}
    figure = go.Figure()
    front = sorted(points[entry.key] for entry in pareto(result.plan, result.outcomes) if entry.key in points)
    if len(front) > 1:
        line = {"color": BASELINE_STYLE.colour, "width": 1.5, "shape": "hv"}
        x, y = zip(*front, strict=True)
        figure.add_trace(go.Scatter(name="Pareto front", x=x, y=y, mode="lines", line=line, hoverinfo="skip"))
    for status, status_rows in by_status(ranked):
        figure.add_trace(_points(status, status_rows, result, points))
    baseline_accuracy = result.plan.accuracy(result.base) if result.base.accuracies else None
    if baseline_accuracy is not None and result.plan.base_id in costs:
        figure.add_trace(_baseline(result, costs[result.plan.base_id], baseline_accuracy))
    apply_layout(
        figure,
        xaxis=axis(_AXES[cost_kind], tickformat="~s"),
        yaxis=axis(validation_words(result.plan.config.metric, result.plan.data.val)),
        shapes=[]
        if baseline_accuracy is None
        else [dotted_line(0, baseline_accuracy, 1, baseline_accuracy, xref="paper")],
    )
    baseline_text = (
        ""
        if baseline_accuracy is None
        else f" The grey dot and the dotted line are {result.plan.config.baseline.name} as it is: "
        f"{baseline_accuracy:.3f}."
    )
    caption = (
        "Whatever lies below the stepped line, the Pareto front of the means, is beaten by what costs no more. "
        f"Bars are standard errors. The cost is the network's, the accuracy its proxy's.{baseline_text}"
    )
    return Drawing("weighed", "Accuracy over cost", caption, figure)


def _costs(result: StudyResult, cost_kind: str) -> dict[str, float]:
    """Return the cost of each network and of the baseline by key."""
    plan = result.plan
    networks = {plan.base_id: plan.config.baseline.architecture}
    networks |= {key: candidate.architecture for key, candidate in plan.by_network.items()}
    if cost_kind == "macs":
        return {key: float(cost(network).macs) for key, network in networks.items()}
    points = [point for point in plan.suggested if isinstance(point, StagePoint)]
    times = stages_of(plan).times(points)
    return {key: times[network].seconds for key, network in networks.items() if network in times}


def _baseline(result: StudyResult, baseline_cost: float, accuracy: float) -> go.Scatter:
    """Draw the baseline at its own cost: a network that is found should beat it."""
    name = f"{escape_plotly(result.plan.config.baseline.name)} as it is"
    return go.Scatter(
        name=name,
        x=[baseline_cost],
        y=[accuracy],
        mode="markers",
        marker={"color": BASELINE_STYLE.colour, "symbol": BASELINE_STYLE.marker, "size": 12},
        hovertext=[f"<b>{name}</b><br>accuracy {accuracy:.4f}"],
        hoverinfo="text",
    )


def _accuracy(result: StudyResult, row: CandidateRow) -> float:
    assert row.place is not None, "only ranked networks are drawn"
    return row.place.mean / result.plan.reward_factor(row.key)


def _hover(row: CandidateRow, result: StudyResult) -> str:
    measured = [f"{name} {value}" for name, value in final_metrics(result, row.place)] if row.place else []
    return "<br>".join(
        [f"<b>{escape_plotly(row.label)}</b>", words_of_network(row.candidate.architecture), *measured]
    )


def _points(
    status: Status, rows: list[CandidateRow], result: StudyResult, points: dict[str, tuple[float, float]]
) -> go.Scatter:
    style, label = STATUSES[status][0], status_label(status, result.plan.config)
    x, y = zip(*(points[row.key] for row in rows), strict=True)
    errors = [
        row.place.standard_error / result.plan.reward_factor(row.key) for row in rows if row.place is not None
    ]
    named = [
        escape_plotly(row.label) if len(points) <= _MAX_NAMES or status == "recommended" else "" for row in rows
    ]
    return go.Scatter(
        name=label,
        x=x,
        y=y,
        mode="markers+text",
        text=[f"  {name}  " for name in named],
        textposition="middle right",
        textfont={"size": 13},
        cliponaxis=False,
        marker={"color": style.colour, "symbol": style.marker, "size": 17 if status == "recommended" else 12},
        error_y={"array": errors, "color": style.colour, "thickness": 1.5},
        hovertext=[_hover(row, result) for row in rows],
        hoverinfo="text",
    )
