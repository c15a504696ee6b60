"""Do budgets rank the networks alike? A line a network from budget to budget, from the records of `trust`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from scalesearch.report.figures.frame import Drawing, apply_layout, axis, escape_plotly
from scalesearch.report.palette import BEHIND, RECOMMENDED, TIED, MarkerStyle
from scalesearch.report.rows import CandidateRow, candidate_rows
from scalesearch.search.shares import Point
from scalesearch.search.trust import RankAgreement
from scalesearch.study.result import StudyResult
from scalesearch.study.trust_words import in_words
from scalesearch.study.trusting import OWN


def agreement(result: StudyResult, budgets: Mapping[str, Sequence[Point]]) -> Drawing | None:
    """The networks' ranks at each budget.

    Args:
        result: the answer, with what further budgets say.
        budgets: the networks' accuracies: the study's own budget under `OWN`, each further one under its name.

    Returns:
        None where no further budget was run.
    """
    further = [one.budget for one in result.trust]
    if not further or OWN not in budgets:
        return None
    order = [further[0], OWN, *further[1:]]  # the own budget beside each of the two others
    places = {name: ranks(budgets[name]) for name in order}
    keys = [key for key in places[OWN] if all(key in place for place in places.values())]
    known = {row.key: row for row in candidate_rows(result)}
    figure = go.Figure()
    for key in sorted(keys, key=lambda one: -places[OWN][one]):
        figure.add_trace(_line(known[key], [places[name][key] for name in order], order))
    count = len(keys)
    apply_layout(
        figure,
        height=520,
        margin={"l": 96, "r": 180, "t": 40, "b": 90},
        showlegend=False,
        xaxis=axis(
            "Budget",
            tickvals=list(range(len(order))),
            ticktext=[_name(one, result) for one in order],
            range=[-0.12, len(order) - 0.88],
        ),
        yaxis=axis("Rank among these networks (1: best)", range=[count + 0.5, 0.5], dtick=1),
        annotations=_labels(keys, places[order[-1]], known, len(order)),
    )
    return Drawing("agreement", "The same networks, ranked at each budget", _caption(result.trust), figure)


def ranks(points: Sequence[Point]) -> dict[str, float]:
    """By key the rank of the mean accuracy, 1 for the highest; equals share the mean of their ranks."""
    means = {
        point.key: sum(point.accuracies.values()) / len(point.accuracies) for point in points if point.accuracies
    }
    return {
        key: 1
        + sum(other > mean for other in means.values())
        + (sum(other == mean for other in means.values()) - 1) / 2
        for key, mean in means.items()
    }


def _line(row: CandidateRow, places: Sequence[float], order: Sequence[str]) -> go.Scatter:
    look = _look(row)
    return go.Scatter(
        name=escape_plotly(row.label),
        x=list(range(len(order))),
        y=list(places),
        mode="lines+markers",
        line={"color": look.colour, "width": 3 if row.status == "recommended" else 2},
        marker={"color": look.colour, "symbol": look.marker, "size": 15 if row.status == "recommended" else 11},
        hovertext=[
            f"<b>{escape_plotly(row.label)}</b>: rank {at:g}, {name}"
            for at, name in zip(places, order, strict=True)
        ],
        hoverinfo="text",
    )


def _look(row: CandidateRow) -> MarkerStyle:
    return {"recommended": RECOMMENDED, "tied": TIED}.get(row.status, BEHIND)


def _name(budget: str, result: StudyResult) -> str:
    agreed = next((one for one in result.trust if one.budget == budget), None)
    if agreed is None:
        return f"this study's ({escape_plotly(result.plan.config.budget.name)})"
    tau = agreed.tau
    return f"{escape_plotly(budget)}<br>τ = {tau.value:.2f} (95 %: {tau.low:.2f} … {tau.high:.2f})"


def _labels(
    keys: Sequence[str], last: Mapping[str, float], known: Mapping[str, CandidateRow], budgets: int
) -> list[dict[str, object]]:
    return [
        {
            "x": budgets - 1,
            "y": last[key],
            "xanchor": "left",
            "xshift": 14,
            "showarrow": False,
            "text": escape_plotly(known[key].label),
            "font": {"size": 13},
        }
        for key in keys
    ]


def _caption(agreements: Sequence[RankAgreement]) -> str:
    said = "; ".join(f"{one.budget}: {in_words(one)}" for one in agreements)
    ceilings = [f"{one.ceiling.value:.2f} ({one.budget})" for one in agreements if one.ceiling is not None]
    seeds = (
        f" One seed agrees with another at τ = {', '.join(ceilings)}, the most that can be asked."
        if ceilings
        else ""
    )
    return (
        "Mean accuracies over the same seeds at each budget, as ranks; lines that cross are networks that change "
        f"places. τ is Kendall's, 1 where no pair changes places.{seeds} Verdicts: {said}."
    )
