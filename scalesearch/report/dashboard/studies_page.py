"""The view of all studies: what each asked, how far it is, or what is wrong with it."""

from __future__ import annotations

import hashlib
from typing import Any

from dash import Dash, Input, Output, State, html, no_update

from scalesearch.report.dashboard.components import hint, open_button, table
from scalesearch.report.dashboard.store import StudyStore
from scalesearch.report.dashboard.studies import STAGES, StudySummary


def section() -> list[Any]:
    """What never changes."""
    return [html.H2("Studies"), html.Div(id="studies-table")]


def register(app: Dash, watch: StudyStore) -> None:
    """Fill it."""

    @app.callback(  # type: ignore[untyped-decorator]
        Output("studies-table", "children"), Input("beside", "data"), State("view", "value")
    )
    def fill(_: object, shown: Any) -> Any:
        return _table(watch.summaries()) if shown == "studies" else no_update


def study_key(name: str) -> str:
    """What stands for a study's name in a button: its letters could mean something there."""
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def list_stamp(studies: tuple[StudySummary, ...]) -> int:
    """Another number where a line of the list is another."""
    return hash(
        tuple((study.name, study.stage, study.records, study.problem, study.short_title) for study in studies)
    )


def _table(studies: tuple[StudySummary, ...]) -> html.Div:
    if not studies:
        return hint("None yet.")
    rows = [
        (
            open_button("study", study_key(one.name), one.name, i),
            STAGES[one.stage],
            f"{one.records:,}",
            one.short_title or one.problem,
            one.study.plan.data.name if one.study else "",
        )
        for i, one in enumerate(studies)
    ]
    return table(("study", "state", "trials", "what was asked", "data"), rows, frozenset((0, 1, 3, 4)))
