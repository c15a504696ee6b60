"""The view of all studies: what each asked, how far it is, or what is wrong with it."""

from __future__ import annotations

from typing import Any

from dash import Dash, Input, Output, State, html, no_update

from scalesearch.report.dashboard.parts import note, opener, table
from scalesearch.report.dashboard.studies import STAGES, Listed
from scalesearch.report.dashboard.watching import Watch


def section() -> list[Any]:
    """What never changes."""
    return [html.H2("Studies"), html.Div(id="studies-table"), html.Div("", id="studies-stamp", hidden=True)]


def register(app: Dash, watch: Watch) -> None:
    """Fill it."""

    @app.callback(  # type: ignore[untyped-decorator]
        Output("studies-table", "children"),
        Output("studies-stamp", "children"),
        Input("clock", "n_intervals"),
        Input("view", "value"),
        State("studies-stamp", "children"),
    )
    def fill(_: object, shown: Any, before: Any) -> tuple[Any, Any]:
        if shown != "studies":
            return no_update, no_update
        found = watch.listed()
        stamp = str(hash(tuple((one.name, one.stage, one.records, one.problem, one.asked) for one in found)))
        return (no_update, no_update) if stamp == before else (_table(found), stamp)


def _table(found: tuple[Listed, ...]) -> html.Div:
    if not found:
        return note("None yet.")
    rows = [
        (
            opener("study", one.name, one.name, i),
            STAGES[one.stage],
            f"{one.records:,}",
            one.asked or one.problem,
            one.study.plan.data.name if one.study else "",
        )
        for i, one in enumerate(found)
    ]
    return table(("study", "state", "trials", "what was asked", "data"), rows, frozenset((0, 1, 3, 4)))
