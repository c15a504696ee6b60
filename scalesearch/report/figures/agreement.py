"""The figure of rank agreement between budgets: a line for each network, from the records of `trust`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from scalesearch.report.figures.frame import Drawing, apply_layout, axis, escape_plotly
from scalesearch.report.palette import BEHIND, RECOMMENDED, TIED, MarkerStyle
from scalesearch.report.rows import CandidateRow, candidate_rows
from scalesearch.search.proxy_validation import RankAgreement
from scalesearch.search.shares import Point
from scalesearch.study.proxy_validation import OWN
from scalesearch.study.proxy_validation_text import in_words
from scalesearch.study.result import StudyResult


def agreement(result: StudyResult, budgets: Mapping[str, Sequence[Point]]) -> Drawing | None:
    """Draw the networks' ranks at each budget.

    Args:
        result: the study's result, with the rank agreement of further budgets.
        budgets: the networks' accuracies: the study's own budget under `OWN`, each further one under its name.

    Returns:
        None where no further budget was run.
    """
    further_budgets = [rank_agreement.budget for rank_agreement in result.agreements]
    if not further_budgets or OWN not in budgets:
        return None
    # The study's own budget is next to each of the two others.
    order = [further_budgets[0], OWN, *further_budgets[1:]]
    ranks_by_budget = {name: ranks(budgets[name]) for name in order}
    keys = [
        key for key in ranks_by_budget[OWN] if all(key in budget_ranks for budget_ranks in ranks_by_budget.values())
    ]
    rows_by_key = {row.key: row for row in candidate_rows(result)}
    figure = go.Figure()
    for key in sorted(keys, key=lambda key: -ranks_by_budget[OWN][key]):
        figure.add_trace(_line(rows_by_key[key], [ranks_by_budget[name][key] for name in order], order))
    num_networks = len(keys)
    apply_layout(
        figure,
        height=520,
        margin={"l": 96, "r": 180, "t": 40, "b": 90},
        showlegend=False,
        xaxis=axis(
            "Budget",
            tickvals=list(range(len(order))),
            ticktext=[_budget_label(budget, result) for budget in order],
            range=[-0.12, len(order) - 0.88],
        ),
        yaxis=axis("Rank among these networks (1: best)", range=[num_networks + 0.5, 0.5], dtick=1),
        annotations=_network_labels(keys, ranks_by_budget[order[-1]], rows_by_key, len(order)),
    )
    return Drawing("agreement", "The same networks, ranked at each budget", _caption(result.agreements), figure)


def ranks(points: Sequence[Point]) -> dict[str, float]:
    """Return the rank of each network's mean accuracy by key, 1 for the highest.

    Equal means share the mean of their ranks.
    """
    means = {
        point.key: sum(point.accuracies.values()) / len(point.accuracies) for point in points if point.accuracies
    }
    return {
        key: 1
        + sum(other > mean for other in means.values())
        + (sum(other == mean for other in means.values()) - 1) / 2
        for key, mean in means.items()
    }


def _line(row: CandidateRow, row_ranks: Sequence[float], budgets: Sequence[str]) -> go.Scatter:
    style = _row_style(row)
    return go.Scatter(
        name=escape_plotly(row.label),
        x=list(range(len(budgets))),
        y=list(row_ranks),
        mode="lines+markers",
        line={"color": style.colour, "width": 3 if row.status == "recommended" else 2},
        marker={"color": style.colour, "symbol": style.marker, "size": 15 if row.status == "recommended" else 11},
        hovertext=[
            f"<b>{escape_plotly(row.label)}</b>: rank {rank:g}, {name}"
            for rank, name in zip(row_ranks, budgets, strict=True)
        ],
        hoverinfo="text",
    )


def _row_style(row: CandidateRow) -> MarkerStyle:
    return {"recommended": RECOMMENDED, "tied": TIED}.get(row.status, BEHIND)


def _budget_label(budget: str, result: StudyResult) -> str:
    rank_agreement = next((entry for entry in result.agreements if entry.budget == budget), None)
    if rank_agreement is None:
        return f"this study's ({escape_plotly(result.plan.config.budget.name)})"
    tau = rank_agreement.tau
    return f"{escape_plotly(budget)}<br>τ = {tau.value:.2f} (95 %: {tau.low:.2f} … {tau.high:.2f})"


def _network_labels(
    keys: Sequence[str], last_ranks: Mapping[str, float], rows_by_key: Mapping[str, CandidateRow], num_budgets: int
) -> list[dict[str, object]]:
    return [
        {
            "x": num_budgets - 1,
            "y": last_ranks[key],
            "xanchor": "left",
            "xshift": 14,
            "showarrow": False,
            "text": escape_plotly(rows_by_key[key].label),
            "font": {"size": 13},
        }
        for key in keys
    ]


def _caption(agreements: Sequence[RankAgreement]) -> str:
    verdicts = "; ".join(f"{rank_agreement.budget}: {in_words(rank_agreement)}" for rank_agreement in agreements)
    ceilings = [
        f"{rank_agreement.ceiling.value:.2f} ({rank_agreement.budget})"
        for rank_agreement in agreements
        if rank_agreement.ceiling is not None
    ]
    seeds_text = (
        f" One seed agrees with another at τ = {', '.join(ceilings)}, the most that can be asked."
        if ceilings
        else ""
    )
    return (
        "Mean accuracies over the same seeds at each budget, as ranks; lines that cross are networks that change "
        f"places. τ is Kendall's, 1 where no pair changes places.{seeds_text} Verdicts: {verdicts}."
    )
