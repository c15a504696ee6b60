"""The view of class activation maps: the pictures that `scalesearch cam` wrote into the study's folder."""

from __future__ import annotations

from typing import Any

from dash import Dash, Input, Output, State, html, no_update

from scalesearch.errors import printable
from scalesearch.report.dashboard.components import hint
from scalesearch.report.dashboard.render import render_picture
from scalesearch.report.dashboard.store import StudySnapshot, StudyStore
from scalesearch.report.document import Picture
from scalesearch.report.pictures import read_pictures


def section() -> list[Any]:
    """What never changes."""
    return [html.H2("Class activation maps"), html.Div(id="maps-content")]


def register(app: Dash, watch: StudyStore) -> None:
    """Fill it."""

    @app.callback(  # type: ignore[untyped-decorator]
        Output("maps-content", "children"),
        Input("beside", "data"),
        State("view", "value"),
        State("study", "value"),
    )
    def fill(_: object, shown: Any, name: Any) -> Any:
        view = watch.snapshot(name) if shown == "maps" else None
        return no_update if view is None else _content(view)


def _content(view: StudySnapshot) -> list[Any]:
    found = read_pictures(view.folder)
    if not found:
        where = printable(str(view.folder / "cam.png"))
        line = f"scalesearch cam A.safetensors B.safetensors --out {where}"
        return [hint("No picture lies in this study's folder. Trained networks side by side:"), html.Pre(line)]
    return [render_picture(one) if isinstance(one, Picture) else hint(one.words) for one in found]
