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
    """Return the static part of the view."""
    return [html.H2("Class activation maps"), html.Div(id="maps-content")]


def register(app: Dash, store: StudyStore) -> None:
    """Register the callbacks that fill the view."""

    @app.callback(  # type: ignore[untyped-decorator]
        Output("maps-content", "children"),
        Input("beside", "data"),
        State("view", "value"),
        State("study", "value"),
    )
    def fill(_: object, view_name: Any, name: Any) -> Any:
        snapshot = store.snapshot(name) if view_name == "maps" else None
        return no_update if snapshot is None else _content(snapshot)


def _content(snapshot: StudySnapshot) -> list[Any]:
    pictures = read_pictures(snapshot.folder)
    if not pictures:
        path = printable(str(snapshot.folder / "cam.png"))
        command = f"scalesearch cam A.safetensors B.safetensors --out {path}"
        return [hint("No picture lies in this study's folder. Trained networks side by side:"), html.Pre(command)]
    return [
        render_picture(picture) if isinstance(picture, Picture) else hint(picture.words) for picture in pictures
    ]
