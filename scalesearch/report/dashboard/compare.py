"""The view of two studies side by side: what was asked, what came of it, the networks that both have."""

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
    """What never changes."""
    field = dcc.Dropdown(id="other", options=[], placeholder="Choose a second study")
    return [
        html.H2("Compare"),
        html.Div(html.Div([html.Label("With", htmlFor="other"), field], className="wide"), className="filters"),
        html.Div(id="compare-content"),
    ]


def register(app: Dash, watch: StudyStore) -> None:
    """Fill it."""

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
    def fill(_: object, theme: Any, shown: Any, other: Any, name: Any) -> Any:
        if shown != "compare" or theme is None:
            return no_update
        return content(watch.snapshot(name), watch.snapshot(other), theme)


def content(first: StudySnapshot | None, second: StudySnapshot | None, theme: object) -> list[Any]:
    """Two studies side by side; words where one of them is lacking."""
    if first is None or second is None:
        return [hint("Choose a second study.")]
    for one in (first, second):
        if one.study is None:
            return [hint(f"{printable(one.name)} cannot be read: {one.problem}.")]
    rows = [*_asked(_question(first), _question(second)), *_side_by_side(_outcome(first), _outcome(second))]
    strong = frozenset(i for i, (_, one, other) in enumerate(rows) if one != other)
    heads = ("", printable(first.name), printable(second.name))
    drawn = _drawing(first, second)
    return [
        table(heads, rows, frozenset((0, 1, 2)), strong),
        hint("What differs is bold."),
        render_figure(drawn, theme, "compare-figure")
        if drawn
        else hint("No network has completed trials in both."),
    ]


def _side_by_side(own: Mapping[str, str], others: Mapping[str, str]) -> list[tuple[str, str, str]]:
    names = dict.fromkeys([*own, *others])
    return [(name, printable(own.get(name, "")), printable(others.get(name, ""))) for name in names]


def _asked(first: StudyConfig, second: StudyConfig) -> list[tuple[str, str, str]]:
    """What was asked, and whatever else differs: a page that says what differs must leave nothing out."""
    own, others = other_fields(first), other_fields(second)
    differ = {name: value for name, value in own.items() if others.get(name, value) != value}
    return [
        *_side_by_side(config_facts(first), config_facts(second)),
        *_side_by_side(differ, {name: others[name] for name in differ}),
    ]


def _question(view: StudySnapshot) -> StudyConfig:
    assert view.study is not None, "asked of studies that were read"
    return view.study.plan.config


def _outcome(view: StudySnapshot) -> dict[str, str]:
    """What a study worked with and what came of it, by name."""
    assert view.study is not None, "asked of studies that were read"
    plan, environment = view.study.plan, view.study.environment
    data = plan.data
    found = {
        "data": data.name,
        "images": f"{data.train:,} + {data.val:,}, {data.classes} classes",
        "fingerprint": data.fingerprint[:16],
        "torch": environment.get("torch", ""),
        "processor": environment.get("processor", ""),
        "GPU": environment.get("gpu", ""),
        "trials": f"{len(view.trials):,}",
        "failed, diverged": f"{view.failed}, {view.diverged}",
    }
    answer = view.answer
    if answer is not None:
        found |= {
            "recommended" if plan.config.kind.scales else "best reward": label(answer.winner),
            **{f"its {name}": value for name, value in final_metrics(answer, answer.place)},
            "ties with the best": str(len(answer.ranking.tied)),
            "how sure": answer.certainty,
        }
    return found


def _drawing(first: StudySnapshot, second: StudySnapshot) -> Drawing | None:
    """The accuracies of the networks that both have, also where rewards rank them; None where there is none."""
    if first.answer is None or second.answer is None:
        return None
    own, others = _accuracies(first.answer), _accuracies(second.answer)
    keys = [key for key in own if key in others]
    if not keys:
        return None
    names = [escape_plotly(first.label(key)) for key in keys]
    (x, x_errors), (y, y_errors) = (zip(*(one[key] for key in keys), strict=True) for one in (own, others))
    drawn = go.Figure()
    drawn.add_trace(
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
    drawn.add_trace(go.Scatter(name="equal", x=ends, y=ends, mode="lines", line=line, hoverinfo="skip"))
    apply_layout(
        drawn,
        height=560,
        xaxis=axis(_axis_words(first.name, first.answer)),
        yaxis=axis(_axis_words(second.name, second.answer)),
    )
    caption = (
        f"{len(keys)} networks; bars are one standard error. Above the dotted line the second study is higher."
    )
    return Drawing("compared", "The same networks in both", caption, drawn)


def _accuracies(result: StudyResult) -> dict[str, tuple[float, float]]:
    """Means and standard errors of the ranked networks; of a search of stages without the reward's factor."""
    worths = {arm.key: result.plan.reward_factor(arm.key) for arm in result.ranking.arms}
    return {
        arm.key: (arm.mean / worths[arm.key], arm.standard_error / worths[arm.key]) for arm in result.ranking.arms
    }


def _axis_words(name: str, result: StudyResult) -> str:
    return f"{validation_words(result.plan.config.metric, result.plan.data.val)}, {escape_plotly(printable(name))}"
