"""Accuracy over cost of the networks of a search of stages: the front, and where the reward puts each."""

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
_NAMED = 12


def reward_tradeoff(result: StudyResult) -> Drawing:
    """Accuracy over what the reward weighs against it, of the networks that were trained the longest."""
    by = result.plan.config.kind.objectives[1]
    costs = _costs(result, by)
    ranked = [row for row in candidate_rows(result) if row.place is not None and row.key in costs]
    places = {row.key: (costs[row.key], _accuracy(result, row)) for row in ranked}
    figure = go.Figure()
    front = sorted(places[one.key] for one in pareto(result.plan, result.outcomes) if one.key in places)
    if len(front) > 1:
        line = {"color": BASELINE_STYLE.colour, "width": 1.5, "shape": "hv"}
        x, y = zip(*front, strict=True)
        figure.add_trace(go.Scatter(name="Pareto front", x=x, y=y, mode="lines", line=line, hoverinfo="skip"))
    for status, own in by_status(ranked):
        figure.add_trace(_points(status, own, result, places))
    base = result.plan.accuracy(result.base) if result.base.accuracies else None
    if base is not None and result.plan.base_id in costs:
        figure.add_trace(_baseline(result, costs[result.plan.base_id], base))
    apply_layout(
        figure,
        xaxis=axis(_AXES[by], tickformat="~s"),
        yaxis=axis(validation_words(result.plan.config.metric, result.plan.data.val)),
        shapes=[] if base is None else [dotted_line(0, base, 1, base, xref="paper")],
    )
    dotted = (
        ""
        if base is None
        else f" The grey dot and the dotted line are {result.plan.config.baseline.name} as it is: {base:.3f}."
    )
    caption = (
        "Whatever lies below the stepped line, the Pareto front of the means, is beaten by what costs no more. "
        f"Bars are standard errors. The cost is the network's, the accuracy its proxy's.{dotted}"
    )
    return Drawing("weighed", "Accuracy over cost", caption, figure)


def _costs(result: StudyResult, by: str) -> dict[str, float]:
    """What each network and the baseline cost, by key."""
    plan = result.plan
    networks = {plan.base_id: plan.config.baseline.architecture}
    networks |= {key: one.architecture for key, one in plan.by_network.items()}
    if by == "macs":
        return {key: float(cost(network).macs) for key, network in networks.items()}
    points = [one for one in plan.suggested if isinstance(one, StagePoint)]
    times = stages_of(plan).times(points)
    return {key: times[network].seconds for key, network in networks.items() if network in times}


def _baseline(result: StudyResult, at: float, accuracy: float) -> go.Scatter:
    """The baseline at its own cost: what is found is to beat it."""
    name = f"{escape_plotly(result.plan.config.baseline.name)} as it is"
    return go.Scatter(
        name=name,
        x=[at],
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
    status: Status, rows: list[CandidateRow], result: StudyResult, places: dict[str, tuple[float, float]]
) -> go.Scatter:
    look, words = STATUSES[status][0], status_label(status, result.plan.config)
    x, y = zip(*(places[row.key] for row in rows), strict=True)
    errors = [
        row.place.standard_error / result.plan.reward_factor(row.key) for row in rows if row.place is not None
    ]
    named = [escape_plotly(row.label) if len(places) <= _NAMED or status == "recommended" else "" for row in rows]
    return go.Scatter(
        name=words,
        x=x,
        y=y,
        mode="markers+text",
        text=[f"  {name}  " for name in named],
        textposition="middle right",
        textfont={"size": 13},
        cliponaxis=False,
        marker={"color": look.colour, "symbol": look.marker, "size": 17 if status == "recommended" else 12},
        error_y={"array": errors, "color": look.colour, "thickness": 1.5},
        hovertext=[_hover(row, result) for row in rows],
        hoverinfo="text",
    )
