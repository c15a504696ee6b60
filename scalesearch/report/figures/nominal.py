"""The figure of nominal against measured FLOPs: why triples (α, β, γ) mislead, and what matching corrects."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from scalesearch.design.scaling import Baseline
from scalesearch.errors import SpaceError
from scalesearch.report.figures.frame import Drawing, apply_layout, axis, escape_plotly
from scalesearch.report.palette import BASELINE_STYLE, TIED
from scalesearch.search.candidates import Candidate, candidates
from scalesearch.search.grid import triples
from scalesearch.study.result import StudyResult

_PAPER = "paper"


def nominal(result: StudyResult) -> Drawing | None:
    """Draw measured over nominal cost of the study's grid: with γ taken literally as in the paper, and as compared.

    Returns:
        None where there is no grid of baseline files (a comparison of rules, a search by a sampler, a function that
        builds networks), and where γ taken literally leaves no valid resolution.
    """
    config = result.plan.config
    if not config.kind.from_grid or not isinstance(config.baseline, Baseline):
        return None
    grid = triples(config.budget.step, config.budget.tolerance, config.baseline.axes)
    try:
        literal = candidates(config.baseline, grid, config.phi, _PAPER, "none").candidates
    except SpaceError:
        return None
    compared = (*result.plan.candidate_set.candidates, *result.plan.candidate_set.unmatched)
    low, high = _range([*literal, *compared], result)
    figure = go.Figure()
    figure.add_trace(_diagonal(low, high))
    figure.add_trace(
        _points("γ taken literally, the paper's rounding", literal, result, BASELINE_STYLE.colour, "circle-open")
    )
    matched = "as searched: " + ("px matched" if config.match == "flops" else "γ taken literally")
    figure.add_trace(_points(f"{matched}, {config.rounding} rounding", compared, result, TIED.colour, TIED.marker))
    apply_layout(
        figure,
        xaxis=axis("Nominal FLOPs, (αβ²γ²)^φ (times the baseline's)", ticksuffix="x"),
        yaxis=axis("Measured FLOPs (times the baseline's)", ticksuffix="x"),
    )
    ratios = [float(candidate.flops_ratio) for candidate in literal]
    name = escape_plotly(config.baseline.name)
    caption = (
        f"Taken literally, the {len(grid)} triples of this grid are {len(literal)} networks of "
        f"{min(ratios):.2f}x to {max(ratios):.2f}x {name}'s FLOPs; the line is where nominal and measured are "
        "equal. Who compares them finds the largest, not the best. Where the px are matched, nominal products "
        "still differ, because α and β stand as they were asked for; what is measured is equal, or the network "
        "is not compared."
    )
    return Drawing("nominal", "Nominal and measured FLOPs are not the same", caption, figure)


def _nominal(candidate: Candidate, result: StudyResult) -> float:
    """Return the mean nominal cost of the grid's own triples; a matched γ is none of them."""
    aliases = [float(alias.product) for alias in candidate.aliases]
    return float((sum(aliases) / len(aliases)) ** float(result.plan.config.phi))


def _points(
    name: str, candidates: Sequence[Candidate], result: StudyResult, colour: str, symbol: str
) -> go.Scatter:
    return go.Scatter(
        name=name,
        x=[_nominal(candidate, result) for candidate in candidates],
        y=[float(candidate.flops_ratio) for candidate in candidates],
        mode="markers",
        marker={"color": colour, "symbol": symbol, "size": 10, "line": {"width": 1.5}},
        hovertext=[
            f"<b>{escape_plotly(candidate.label)}</b>, {candidate.architecture.resolution} px<br>measured "
            f"{float(candidate.flops_ratio):.3f}x; {len(candidate.aliases)} of the grid's triples"
            for candidate in candidates
        ],
        hoverinfo="text",
    )


def _diagonal(low: float, high: float) -> go.Scatter:
    return go.Scatter(
        name="measured = nominal",
        x=[low, high],
        y=[low, high],
        mode="lines",
        hoverinfo="skip",
        line={"color": BASELINE_STYLE.colour, "width": 1.5, "dash": "dot"},
    )


def _range(candidates: Sequence[Candidate], result: StudyResult) -> tuple[float, float]:
    values = [_nominal(candidate, result) for candidate in candidates]
    return min(values), max(values)
