"""The view that compares two studies: their configurations, their results, and the networks that both ranked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import plotly.graph_objects as go
from dash import Dash, Input, Output, State, dcc, html, no_update

from scalesearch.errors import printable
from scalesearch.report.dashboard.components import hint, table
from scalesearch.report.dashboard.config_fields import config_facts, other_fields
from scalesearch.report.dashboard.render import render_figure
from scalesearch.report.dashboard.store import StudySnapshot, StudyStore
from scalesearch.report.figures.frame import Drawing, apply_layout, axis, escape_plotly
from scalesearch.report.palette import BASELINE_STYLE, TIED
from scalesearch.report.rows import final_metrics, label
from scalesearch.search.metrics import validation_words
from scalesearch.search.study_config import StudyConfig
from scalesearch.study.result import StudyResult


def section() -> list[Any]:
    """Return the static part of the view."""
    field = dcc.Dropdown(id="other", options=[], placeholder="Choose a second study")
    return [
        html.H2("Compare"),
        html.Div(html.Div([html.Label("With", htmlFor="other"), field], className="wide"), className="filters"),
        html.Div(id="compare-content"),
    ]


def register(app: Dash, store: StudyStore) -> None:
    """Register the callbacks that fill the view."""

    @app.callback(Output("other", "options"), Input("study", "options"))  # type: ignore[untyped-decorator]
    def offer(options: Any) -> Any:
        return options

    @app.callback(  # type: ignore[untyped-decorator]
        Output("compare-content", "children"),
        Input("beside", "data"),
        Input("theme", "data"),
        State("view", "value"),
        State("other", "value"),
        State("study", "value"),
    )
    def fill(_: object, theme: Any, view_name: Any, other: Any, name: Any) -> Any:
        if view_name != "compare" or theme is None:
            return no_update
        return content(store.snapshot(name), store.snapshot(other), theme)


def content(first: StudySnapshot | None, second: StudySnapshot | None, theme: object) -> list[Any]:
    """Return two studies side by side, or a hint where one of them is missing or cannot be read."""
    if first is None or second is None:
        return [hint("Choose a second study.")]
    for snapshot in (first, second):
        if snapshot.study is None:
            return [hint(f"{printable(snapshot.name)} cannot be read: {snapshot.problem}.")]
    rows = [
        *_config_rows(_config(first), _config(second)),
        *_side_by_side(_result_facts(first), _result_facts(second)),
    ]
    differing_rows = frozenset(i for i, (_, value, other_value) in enumerate(rows) if value != other_value)
    headings = ("", printable(first.name), printable(second.name))
    drawing = _drawing(first, second)
    return [
        table(headings, rows, frozenset((0, 1, 2)), differing_rows),
        hint("What differs is bold."),
        render_figure(drawing, theme, "compare-figure")
        if drawing
        else hint("No network has completed trials in both."),
    ]


def _side_by_side(first: Mapping[str, str], second: Mapping[str, str]) -> list[tuple[str, str, str]]:
    names = dict.fromkeys([*first, *second])
    return [(name, printable(first.get(name, "")), printable(second.get(name, ""))) for name in names]


def _config_rows(first: StudyConfig, second: StudyConfig) -> list[tuple[str, str, str]]:
    """Return both configurations, and every further field that differs.

    A page that says what differs must leave nothing out.
    """
    first_fields, second_fields = other_fields(first), other_fields(second)
    differing = {name: value for name, value in first_fields.items() if second_fields.get(name, value) != value}
    return [
        *_side_by_side(config_facts(first), config_facts(second)),
        *_side_by_side(differing, {name: second_fields[name] for name in differing}),
    ]


def _config(snapshot: StudySnapshot) -> StudyConfig:
    assert snapshot.study is not None, "needs studies that were read"
    return snapshot.study.plan.config


def _result_facts(snapshot: StudySnapshot) -> dict[str, str]:
    """Return a study's data, environment, trials and result by name."""
    assert snapshot.study is not None, "needs studies that were read"
    plan, environment = snapshot.study.plan, snapshot.study.environment
    data = plan.data
    facts = {
        "data": data.name,
        "images": f"{data.train:,} + {data.val:,}, {data.classes} classes",
        "fingerprint": data.fingerprint[:16],
        "torch": environment.get("torch", ""),
        "processor": environment.get("processor", ""),
        "GPU": environment.get("gpu", ""),
        "trials": f"{len(snapshot.trials):,}",
        "failed, diverged": f"{snapshot.failed}, {snapshot.diverged}",
    }
    result = snapshot.answer
    if result is not None:
        facts |= {
            "recommended" if plan.config.kind.scales else "best reward": label(result.winner),
            **{f"its {name}": value for name, value in final_metrics(result, result.place)},
            "ties with the best": str(len(result.ranking.tied)),
            "how sure": result.certainty,
        }
    return facts


def _drawing(first: StudySnapshot, second: StudySnapshot) -> Drawing | None:
    """Draw the accuracies of the networks that both studies ranked, also where rewards rank them.

    Returns:
        None where there is no such network.
    """
    if first.answer is None or second.answer is None:
        return None
    first_accuracies, second_accuracies = _accuracies(first.answer), _accuracies(second.answer)
    keys = [key for key in first_accuracies if key in second_accuracies]
    if not keys:
        return None
    names = [escape_plotly(first.label(key)) for key in keys]
    (x, x_errors), (y, y_errors) = (
        zip(*(accuracies[key] for key in keys), strict=True) for accuracies in (first_accuracies, second_accuracies)
    )
    figure = go.Figure()
    figure.add_trace(
        go.Scatter(
            name="a network that both ranked",
            x=x,
            y=y,
            error_x={"array": x_errors, "thickness": 1, "width": 0},
            error_y={"array": y_errors, "thickness": 1, "width": 0},
            mode="markers+text",
            text=names,
            textposition="middle right",
            marker={"color": TIED.colour, "symbol": TIED.marker, "size": 11},
            hoverinfo="x+y+text",
        )
    )
    line = {"color": BASELINE_STYLE.colour, "width": 1.5, "dash": "dot"}
    ends = [min(*x, *y), max(*x, *y)]
    figure.add_trace(go.Scatter(name="equal", x=ends, y=ends, mode="lines", line=line, hoverinfo="skip"))
    apply_layout(
        figure,
        height=560,
        xaxis=axis(_axis_title(first.name, first.answer)),
        yaxis=axis(_axis_title(second.name, second.answer)),
    )
    caption = (
        f"{len(keys)} networks; bars are one standard error. Above the dotted line the second study is higher."
    )
    return Drawing("compared", "The same networks in both", caption, figure)


def _accuracies(result: StudyResult) -> dict[str, tuple[float, float]]:
    """Return means and standard errors of the ranked networks; a reward is divided by its factor."""
    reward_factors = {arm.key: result.plan.reward_factor(arm.key) for arm in result.ranking.arms}
    return {
        arm.key: (arm.mean / reward_factors[arm.key], arm.standard_error / reward_factors[arm.key])
        for arm in result.ranking.arms
    }


def _axis_title(name: str, result: StudyResult) -> str:
    return f"{validation_words(result.plan.config.metric, result.plan.data.val)}, {escape_plotly(printable(name))}"
