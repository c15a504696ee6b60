"""The view of the answer: the sections of the study's report, as far as the search has come."""

from __future__ import annotations

from typing import Any

from dash import Dash, Input, Output, State, html, no_update

from scalesearch.errors import printable
from scalesearch.report.dashboard.components import hint
from scalesearch.report.dashboard.render import render_sections
from scalesearch.report.dashboard.store import StudySnapshot, StudyStore
from scalesearch.report.headline import answer_sentence, question_title
from scalesearch.report.kinds import report_of
from scalesearch.study.proxy_validation import validation_points


def section() -> list[Any]:
    """Return the static part of the view."""
    return [
        html.Div(hint("The result is being drawn."), id="evidence-content"),
        html.Div("", id="evidence-stamp", hidden=True),
    ]


def register(app: Dash, store: StudyStore) -> None:
    """Register the callbacks that fill the view."""

    @app.callback(  # type: ignore[untyped-decorator]
        Output("evidence-content", "children"),
        Output("evidence-stamp", "children"),
        Input("seen", "data"),
        Input("view", "value"),
        Input("theme", "data"),
        State("study", "value"),
        State("evidence-stamp", "children"),
    )
    def fill(_: object, view_name: Any, theme: Any, name: Any, last_stamp: Any) -> tuple[Any, Any]:
        snapshot = store.snapshot(name) if view_name == "evidence" else None
        if snapshot is None or theme is None:
            return no_update, no_update
        # Figures are expensive to draw, and a new epoch changes none of them.
        stamp = f"{snapshot.name} {theme} {id(snapshot.answer)}"
        return (no_update, no_update) if stamp == last_stamp else (content(snapshot, theme), stamp)


def content(snapshot: StudySnapshot, theme: object) -> list[Any]:
    """Return the answer so far, with every figure that the report has."""
    result = snapshot.answer
    if result is None:
        return [html.H2("Answer"), hint("There is no result yet: no candidate has a completed trial.")]
    config = result.plan.config
    report = report_of(config.kind)
    head = [html.H2(printable(question_title(config))), html.P(printable(answer_sentence(result)))]
    report_sections = (
        report.answer(result),
        report.evidence(result),
        report.pitfalls(result, validation_points(snapshot.folder)),
    )
    return [*head, *render_sections(report_sections, theme, "evidence")]
