"""The figure of expected regret: what the choice may cost as training goes on, and which network was chosen."""

from __future__ import annotations

from dataclasses import dataclass

import plotly.graph_objects as go

from scalesearch.report.figures.frame import Drawing, apply_layout, axis, escape_plotly
from scalesearch.report.palette import RECOMMENDED, TIED
from scalesearch.report.rows import label
from scalesearch.search.decision.decision import decide
from scalesearch.search.metrics import metric_words
from scalesearch.search.trial import Outcome
from scalesearch.study.result import StudyResult


@dataclass(frozen=True, slots=True)
class _Moment:
    """The decision after a wave of trials."""

    images: int
    choice: str
    regret: float
    bound: float


def regret(result: StudyResult) -> Drawing | None:
    """Draw the expected regret of the choice after each wave of trials.

    Returns:
        None where fewer than two waves ended with a ranking.
    """
    moments = _moments(result)
    if len(moments) < 2:
        return None
    figure, metric = go.Figure(), metric_words(result.plan.config.metric)
    images = [moment.images for moment in moments]
    names = [escape_plotly(moment.choice) for moment in moments]
    for name, values, style, dash in (
        ("95 % below", [moment.bound for moment in moments], TIED, "dot"),
        ("expected", [moment.regret for moment in moments], RECOMMENDED, "solid"),
    ):
        is_expected = name == "expected"
        figure.add_trace(
            go.Scatter(
                name=name,
                x=images,
                y=values,
                mode="lines+markers+text" if is_expected else "lines+markers",
                text=names if is_expected else None,
                textposition="top right",
                textfont={"size": 13},
                cliponaxis=False,
                line={"color": style.colour, "width": 2, "dash": dash},
                marker={"color": style.colour, "symbol": style.marker, "size": 11 if is_expected else 7},
                hovertext=[
                    f"<b>{network}</b><br>{name}: {value:.4f}" for network, value in zip(names, values, strict=True)
                ],
                hoverinfo="text",
            )
        )
    apply_layout(
        figure,
        xaxis=axis("Training images seen by all trials", tickformat=",", rangemode="tozero"),
        yaxis=axis(f"Regret ({metric})", rangemode="tozero"),
    )
    further_text = "" if result.validation is None else " Trials of further budgets are left out."
    return Drawing(
        "regret",
        "Expected regret over training",
        "Each mark is the network that was recommended after a wave of trials, with how far the best of all "
        "candidates was expected to be above it, and what that was to stay below with 95 %, on the longest rung "
        f"so far.{further_text}",
        figure,
    )


def _moments(result: StudyResult) -> list[_Moment]:
    plan, outcomes, moments, images = result.plan, dict(result.outcomes), list[_Moment](), 0
    seen_outcomes: dict[str, Outcome] = {}
    for wave in plan.waves(outcomes):
        new_trials = [spec for spec in wave if spec.id in outcomes and spec.id not in seen_outcomes]
        if not new_trials:
            continue
        seen_outcomes |= {spec.id: outcomes[spec.id] for spec in new_trials}
        images += sum(plan.proxies.images(spec) for spec in new_trials)
        ranking = plan.ranking(seen_outcomes)
        if ranking is not None:
            decision = decide(plan, seen_outcomes, ranking)
            choice = label(plan.by_network[decision.choice])
            moments.append(_Moment(images, choice, decision.regret, decision.regret_bound))
    return moments
