"""The figure of a study's family: parameters over FLOPs beside the paper's, and each member's effective φ."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from math import log2

import plotly.graph_objects as go

from scalesearch.design.cost import cost
from scalesearch.design.family import has_published, published
from scalesearch.design.member import Member
from scalesearch.design.paper import TABLE_2
from scalesearch.design.scaling import Baseline
from scalesearch.report.figures.frame import Drawing, apply_layout, axis, escape_plotly
from scalesearch.report.palette import BASELINE_STYLE, RECOMMENDED, RULE_STYLES, TIED, MarkerStyle
from scalesearch.study.family_files import family_members
from scalesearch.study.result import StudyResult
from scalesearch.units import si

_PEERS = "peers in Table 2 of Tan & Le 2019"
_PAPER_BASELINE = "b0"
"""The baseline whose table in the paper lists the peers."""


def family(result: StudyResult) -> Drawing | None:
    """Draw the study's members beside the published ones and the paper's peers.

    Returns:
        None where the study gives no family of baseline files, or only one member.
    """
    members = family_members(result.plan, result.winner.coefficients)
    baseline = result.plan.config.baseline
    if len(members) < 2 or not isinstance(baseline, Baseline):
        return None
    figure = go.Figure()
    if baseline.name == _PAPER_BASELINE:
        figure.add_trace(_peers())
    if has_published(baseline):
        published_members = published(baseline)
        figure.add_traces(_both_panels("as published", published_members, RULE_STYLES["compound"]))
    figure.add_traces(_both_panels("of this study", members, RECOMMENDED))
    figure.add_trace(_diagonal(len(members)))
    apply_layout(
        figure,
        height=600,
        margin={"l": 96, "r": 40, "t": 60, "b": 80},
        xaxis=axis(
            "FLOPs (multiply-adds) of one image, logarithmic",
            type="log",
            dtick="D2",
            domain=[0, 0.58],
            tickformat="~s",
        ),
        yaxis=axis("Parameters (count), logarithmic", type="log", dtick="D2", tickformat="~s"),
        xaxis2=axis("φ that the member is named by", domain=[0.68, 1], dtick=1, anchor="y2"),
        yaxis2=axis("Effective φ (log₂ of the measured cost ratio)", dtick=1, anchor="x2"),
    )
    return Drawing("family", _heading(members), _caption(baseline), figure)


def _heading(members: Sequence[Member]) -> str:
    return f"Cost and effective φ of {members[0].baseline.name} to {members[-1].baseline.name}"


def _both_panels(name: str, members: Sequence[Member], style: MarkerStyle) -> list[go.Scatter]:
    """Draw the members in both panels of the figure."""
    costs = [cost(member.baseline.architecture) for member in members]
    base_macs = costs[0].macs
    marker = {"color": style.colour, "symbol": style.marker, "size": 13 if style is RECOMMENDED else 10}
    line = {"color": style.colour, "width": 2}
    texts = [
        f"<b>{escape_plotly(member.baseline.name)}</b>, {name}<br>{si(member_cost.macs)} multiply-adds, "
        f"{si(member_cost.params)} parameters, {member.baseline.architecture.resolution} px<br>"
        f"effective φ {log2(member_cost.macs / base_macs):.2f}"
        for member, member_cost in zip(members, costs, strict=True)
    ]
    common = {
        "name": name,
        "legendgroup": name,
        "mode": "lines+markers",
        "marker": marker,
        "line": line,
        "hovertext": texts,
        "hoverinfo": "text",
    }
    left = go.Scatter(
        x=[member_cost.macs for member_cost in costs], y=[member_cost.params for member_cost in costs], **common
    )
    right = go.Scatter(
        x=list(range(len(members))),
        y=[log2(member_cost.macs / base_macs) for member_cost in costs],
        xaxis="x2",
        yaxis="y2",
        showlegend=False,
        **common,
    )
    return [left, right]


def _peers() -> go.Scatter:
    """Draw the networks of the paper's Table 2 that are no EfficientNets and have printed FLOPs."""
    peers = [row for row in TABLE_2 if row.name != row.beside and row.flops_b is not None]
    return go.Scatter(
        name=_PEERS,
        x=[float(Decimal(peer.flops_b or 0) * 10**9) for peer in peers],
        y=[float(Decimal(peer.params_m) * 10**6) for peer in peers],
        mode="markers",
        marker={"color": BASELINE_STYLE.colour, "symbol": "circle-open", "size": 9, "line": {"width": 1.5}},
        hovertext=[
            f"<b>{peer.name}</b>, as the paper prints it<br>{peer.flops_b} G multiply-adds, {peer.params_m} M "
            f"parameters<br>ImageNet top-1 {peer.top1} %, beside {peer.beside}"
            for peer in peers
        ],
        hoverinfo="text",
    )


def _diagonal(count: int) -> go.Scatter:
    return go.Scatter(
        name="each step doubles the cost",
        x=[0, count - 1],
        y=[0, count - 1],
        mode="lines",
        xaxis="x2",
        yaxis="y2",
        hoverinfo="skip",
        line={"color": TIED.colour, "width": 1.5, "dash": "dot"},
    )


def _caption(baseline: Baseline) -> str:
    start = (
        "Left: what the members cost. Right: the φ that each member really has, log₂ of its measured FLOPs over "
        "the baseline's, over the φ that it is named by."
    )
    if baseline.name != _PAPER_BASELINE:
        return start
    return (
        f"{start} The published b1 to b7 cost less than their φ says. Hollow: other networks, as the "
        "paper prints them. Accuracies are not compared here: the paper's are ImageNet's, this study's are a "
        "proxy's."
    )
