"""The view of all studies: the configuration of each, how far it is, or what is wrong with it."""

from __future__ import annotations

import hashlib
from typing import Any

from dash import Dash, Input, Output, State, html, no_update

from scalesearch.report.dashboard.components import hint, open_button, table
from scalesearch.report.dashboard.store import StudyStore
from scalesearch.report.dashboard.studies import STAGES, StudySummary


def section() -> list[Any]:
    """Return the static part of the view."""
    return [html.H2("Studies"), html.Div(id="studies-table")]


def register(app: Dash, store: StudyStore) -> None:
    """Register the callbacks that fill the view."""

    @app.callback(  # type: ignore[untyped-decorator]
        Output("studies-table", "children"),
        Input("beside", "data"),
        State("view", "value"),
        prevent_initial_call=True,
    )
    def fill(_: object, view_name: Any) -> Any:
        return _table(store.summaries()) if view_name == "studies" else no_update


def study_key(name: str) -> str:
    """Return a hash that stands for a study's name in a button, where characters of a name could have a meaning."""
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def list_stamp(studies: tuple[StudySummary, ...]) -> int:
    """Return a number that changes when a line of the list does."""
    return hash(
        tuple((study.name, study.stage, study.records, study.problem, study.short_title) for study in studies)
    )


def _table(studies: tuple[StudySummary, ...]) -> html.Div:
    if not studies:
        return hint("None yet.")
    rows = [
        (
            open_button("study", study_key(study.name), study.name, i),
            STAGES[study.stage],
            f"{study.records:,}",
            study.short_title or study.problem,
            study.study.plan.data.name if study.study else "",
        )
        for i, study in enumerate(studies)
    ]
    return table(("study", "state", "trials", "what was asked", "data"), rows, frozenset((0, 1, 3, 4)))
