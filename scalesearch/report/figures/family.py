"""The family that the answer gives: parameters over FLOPs beside the paper's, and the φ that each member has."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from math import log2

import plotly.graph_objects as go

from scalesearch.design.cost import cost
from scalesearch.design.family import Member, has_published, published
from scalesearch.design.paper import TABLE_2
from scalesearch.design.scaling import Baseline
from scalesearch.report.figures.frame import Drawing, apply_layout, axis, escape_plotly
from scalesearch.report.palette import BASELINE_STYLE, RECOMMENDED, RULE_STYLES, TIED, MarkerStyle
from scalesearch.study.family_files import found_family
from scalesearch.study.result import StudyResult
from scalesearch.units import si

_PEERS = "peers in Table 2 of Tan & Le 2019"
_PAPERS = "b0"
"""The baseline whose table the peers stand in."""


def family(result: StudyResult) -> Drawing | None:
    """The found members beside the published ones and the paper's peers; None where the study gives no family."""
    members = found_family(result.plan, result.winner.coefficients)
    base = result.plan.config.baseline
    if len(members) < 2 or not isinstance(base, Baseline):
        return None
    figure = go.Figure()
    if base.name == _PAPERS:
        figure.add_trace(_peers())
    if has_published(base):
        own = published(base)
        figure.add_traces(_two("as published", own, RULE_STYLES["compound"]))
    figure.add_traces(_two("of this study", members, RECOMMENDED))
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
    return Drawing("family", _heading(members), _caption(base), figure)


def _heading(members: Sequence[Member]) -> str:
    return f"Cost and effective φ of {members[0].baseline.name} to {members[-1].baseline.name}"


def _two(name: str, members: Sequence[Member], look: MarkerStyle) -> list[go.Scatter]:
    """The members on both sides of the figure."""
    prices = [cost(member.baseline.architecture) for member in members]
    base = prices[0].macs
    marks = {"color": look.colour, "symbol": look.marker, "size": 13 if look is RECOMMENDED else 10}
    line = {"color": look.colour, "width": 2}
    texts = [
        f"<b>{escape_plotly(one.baseline.name)}</b>, {name}<br>{si(price.macs)} multiply-adds, {si(price.params)} "
        f"parameters, {one.baseline.architecture.resolution} px<br>effective φ {log2(price.macs / base):.2f}"
        for one, price in zip(members, prices, strict=True)
    ]
    common = {
        "name": name,
        "legendgroup": name,
        "mode": "lines+markers",
        "marker": marks,
        "line": line,
        "hovertext": texts,
        "hoverinfo": "text",
    }
    left = go.Scatter(x=[one.macs for one in prices], y=[one.params for one in prices], **common)
    right = go.Scatter(
        x=list(range(len(members))),
        y=[log2(one.macs / base) for one in prices],
        xaxis="x2",
        yaxis="y2",
        showlegend=False,
        **common,
    )
    return [left, right]


def _peers() -> go.Scatter:
    """What the paper prints of networks that are no EfficientNets, where it prints FLOPs."""
    peers = [one for one in TABLE_2 if one.name != one.beside and one.flops_b is not None]
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


def _caption(base: Baseline) -> str:
    start = (
        "Left: what the members cost. Right: the φ that each member really has, log₂ of its measured FLOPs over "
        "the baseline's, over the φ that it is named by."
    )
    if base.name != _PAPERS:
        return start
    return (
        f"{start} The published b1 to b7 cost less than their φ says. Hollow: other networks, as the "
        "paper prints them. Accuracies are not compared here: the paper's are ImageNet's, this study's are a "
        "proxy's."
    )
