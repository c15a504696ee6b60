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
from scalesearch.study.trusting import trust_points


def section() -> list[Any]:
    """What never changes."""
    return [
        html.Div(hint("The answer is being drawn."), id="evidence-content"),
        html.Div("", id="evidence-stamp", hidden=True),
    ]


def register(app: Dash, watch: StudyStore) -> None:
    """Fill it."""

    @app.callback(  # type: ignore[untyped-decorator]
        Output("evidence-content", "children"),
        Output("evidence-stamp", "children"),
        Input("seen", "data"),
        Input("view", "value"),
        Input("theme", "data"),
        State("study", "value"),
        State("evidence-stamp", "children"),
    )
    def fill(_: object, shown: Any, theme: Any, name: Any, before: Any) -> tuple[Any, Any]:
        view = watch.snapshot(name) if shown == "evidence" else None
        if view is None or theme is None:
            return no_update, no_update
        stamp = f"{view.name} {theme} {id(view.answer)}"  # figures are dear, and epochs change none
        return (no_update, no_update) if stamp == before else (content(view, theme), stamp)


def content(view: StudySnapshot, theme: object) -> list[Any]:
    """The answer so far, with every figure that the report has."""
    found = view.answer
    if found is None:
        return [html.H2("Answer"), hint("There is no answer yet: no candidate has a completed trial.")]
    asked = found.plan.config
    report = report_of(asked.kind)
    head = [html.H2(printable(question_title(asked))), html.P(printable(answer_sentence(found)))]
    own = report.answer(found), report.evidence(found), report.pitfalls(found, trust_points(view.folder))
    return [*head, *render_sections(own, theme, "evidence")]
