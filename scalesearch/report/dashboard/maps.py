"""The view of class activation maps: the pictures that `scalesearch cam` wrote into the study's folder."""

from __future__ import annotations

import base64
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dash import Dash, Input, Output, State, html, no_update

from scalesearch.errors import printable
from scalesearch.report.dashboard.parts import note
from scalesearch.report.dashboard.watching import View, Watch

_MOST, _LARGEST = 12, 12 * 2**20
"""Pictures that are shown, and bytes of one."""
_PNG = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True, slots=True)
class Picture:
    """A PNG file of a study."""

    path: Path
    name: str
    size: int
    changed: int
    """ns since 1970."""


def section() -> list[Any]:
    """What never changes."""
    return [html.H2("Class activation maps"), html.Div(id="maps-content")]


def register(app: Dash, watch: Watch) -> None:
    """Fill it."""

    @app.callback(  # type: ignore[untyped-decorator]
        Output("maps-content", "children"),
        Input("beside", "data"),
        State("view", "value"),
        State("study", "value"),
    )
    def fill(_: object, shown: Any, name: Any) -> Any:
        view = watch.view(name) if shown == "maps" else None
        return no_update if view is None else _content(view, pictures(view.folder))


def pictures(folder: Path) -> list[Picture]:
    """The PNG files of a study's folder and of its `cam/`, by name; links are passed over."""
    found = []
    for below in (folder, folder / "cam"):
        try:
            entries = [one for one in os.scandir(below) if one.name.lower().endswith(".png")]
        except OSError:
            continue
        for one in entries:
            if one.is_file(follow_symlinks=False):
                facts = one.stat(follow_symlinks=False)
                name = str(Path(one.path).relative_to(folder))
                found.append(Picture(Path(one.path), printable(name), facts.st_size, facts.st_mtime_ns))
    return sorted(found, key=lambda one: one.name)


def _content(view: View, found: list[Picture]) -> list[Any]:
    if not found:
        where = printable(str(view.folder / "cam.png"))
        line = f"scalesearch cam A.safetensors B.safetensors --out {where}"
        return [note("No picture lies in this study's folder. Trained networks side by side:"), html.Pre(line)]
    shown = [_figure(one) for one in found[:_MOST]]
    more = len(found) - len(shown)
    return [*shown, *([note(f"{more} more are not shown.")] if more else [])]


def _figure(one: Picture) -> Any:
    try:
        data = b"" if one.size > _LARGEST else one.path.read_bytes()
    except OSError:
        data = b""
    if not data.startswith(_PNG):
        return note(f"{one.name}: is no PNG picture of at most {_LARGEST >> 20} MiB.")
    source = f"data:image/png;base64,{base64.b64encode(data).decode()}"
    return html.Figure([html.Img(src=source, alt=f"Class activation maps, {one.name}"), html.Figcaption(one.name)])
