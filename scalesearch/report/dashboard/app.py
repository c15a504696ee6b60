"""The dashboard as a Dash application: one page of views, which callbacks fill from the store of studies."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from dash import Dash, Input, Output, State, dcc, html, no_update, set_props
from dash.dependencies import ALL
from flask import request
from werkzeug.exceptions import HTTPException

from scalesearch.errors import printable
from scalesearch.report.dashboard import (
    cam_view,
    compare,
    family_page,
    network,
    progress,
    result_view,
    studies_page,
    trials,
)
from scalesearch.report.dashboard.components import error_banner
from scalesearch.report.dashboard.guard import Guard, Policy, is_callback
from scalesearch.report.dashboard.status_text import problems, state_text
from scalesearch.report.dashboard.store import StudySnapshot, StudyStore
from scalesearch.report.dashboard.style import STYLE
from scalesearch.report.pictures import find_pictures

VIEWS = {
    "studies": "Studies",
    "progress": "Progress",
    "trials": "Trials",
    "network": "Candidate",
    "evidence": "Answer",
    "compare": "Compare",
    "family": "Family",
    "maps": "Maps",
}
"""The title on the tab of each view, by the view's name."""

SECTIONS: dict[str, Callable[[], list[Any]]] = {
    "studies": studies_page.section,
    "progress": progress.section,
    "trials": trials.section,
    "network": network.section,
    "evidence": result_view.section,
    "compare": compare.section,
    "family": family_page.section,
    "maps": cam_view.section,
}

POLL_INTERVAL_MS = 1000
"""The interval at which a page asks the server for changes, in milliseconds."""

_PAGE_TEMPLATE = f"""<!DOCTYPE html>
<html lang="en">
<head>
{{%metas%}}
<meta name="color-scheme" content="light dark">
<title>{{%title%}}</title>
{{%favicon%}}
{{%css%}}
<style>{STYLE}</style>
</head>
<body>
{{%app_entry%}}
<footer>{{%config%}}{{%scripts%}}{{%renderer%}}</footer>
</body>
</html>"""

_DETECT_THEME = """() => {
  const now = window.matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  if (window.scalesearchTheme === now) return window.dash_clientside.no_update;
  window.scalesearchTheme = now;
  return now;
}"""
# Dash drops the answer to a callback whose input was replaced meanwhile, as the buttons of a table are when it is
# drawn again. The browser therefore notes by itself which button was pressed, and the server reads the note.
_NOTE_PRESSED_BUTTON = """() => {
  const { triggered, triggered_id } = window.dash_clientside.callback_context;
  if (!triggered_id || !triggered.length || !triggered[0].value) return window.dash_clientside.no_update;
  return { ...triggered_id, pressed: Date.now() };
}"""
_HIDE_OTHER_VIEWS = "(view) => " + repr(list(VIEWS)) + ".map((name) => name !== view)"


def make_app(store: StudyStore, policy: Policy, sources: family_page.Sources) -> Dash:
    """Return the application behind its guard.

    Args:
        store: the studies.
        policy: the rules for requests.
        sources: the formats besides YAML in which a member of a family can be downloaded.
    """
    app = Dash(
        __name__,
        title="scalesearch",
        update_title="",
        serve_locally=True,
        assets_folder="no-assets",
        assets_ignore=".*",
        enable_mcp=False,
        include_assets_files=False,
        index_string=_PAGE_TEMPLATE,
        external_scripts=[],
        external_stylesheets=[],
        suppress_callback_exceptions=False,
        routes_pathname_prefix="/",  # the guard removes a proxy's path
        requests_pathname_prefix=f"{policy.gateway.prefix}/",
    )
    app.layout = _layout()
    _register(app, store)
    for page in (studies_page, progress, trials, network, result_view, compare, cam_view):
        page.register(app, store)
    family_page.register(app, store, sources)
    app.server.config["MAX_CONTENT_LENGTH"] = 2**20
    app.server.register_error_handler(Exception, partial(_handle_error, app.callback_map))
    app.server.wsgi_app = Guard(app.server.wsgi_app, policy, app.csp_hashes())
    return app


def _handle_error(callbacks: Mapping[str, Mapping[str, Any]], error: Exception) -> tuple[str, int, dict[str, str]]:
    """Return the answer to a request that ended with an error: a line of text.

    The line is logged too where the page's own callback failed.
    """
    plain_text = {"Content-Type": "text/plain; charset=utf-8"}
    if isinstance(error, HTTPException):
        return f"scalesearch dashboard: {error.name}\n", error.code or 500, plain_text
    if not is_callback(_request_json(), callbacks):
        return "scalesearch dashboard: is no request of this page\n", 400, plain_text
    reason = printable(" ".join(f"{type(error).__name__}: {error}".split())[:200])
    logging.getLogger("scalesearch").error("scalesearch dashboard: a callback failed (%s)", reason)
    return f"scalesearch dashboard: a callback failed ({reason})\n", 500, plain_text


def _request_json() -> object:
    """Return the request's JSON; None where it has none, or where brackets are nested too deep."""
    try:
        return request.get_json(silent=True)
    except RecursionError:
        return None


def _layout() -> html.Main:
    return html.Main(
        [
            html.Header(
                [
                    html.H1("scalesearch"),
                    html.Div(
                        dcc.Dropdown(id="study", options=[], clearable=False, placeholder="Choose a study"),
                        className="study",
                        role="group",
                        **{"aria-label": "Study"},
                    ),
                    html.Span("", id="state", className="state", role="status"),
                ]
            ),
            html.Nav(
                dcc.RadioItems(id="view", options=VIEWS, value="studies", inline=True),
                className="views",
                **{"aria-label": "Views: choose with the arrow keys"},
            ),
            html.Div(id="problems"),
            *(
                html.Section(make(), id=f"{name}-section", hidden=name != "studies")
                for name, make in SECTIONS.items()
            ),
            dcc.Interval(id="clock", interval=POLL_INTERVAL_MS),
            dcc.Store(id="seen"),
            dcc.Store(id="theme"),
            dcc.Store(id="chosen"),
            dcc.Store(id="beside"),
            dcc.Store(id="pressed"),
        ]
    )


def _register(app: Dash, store: StudyStore) -> None:
    app.clientside_callback(_DETECT_THEME, Output("theme", "data"), Input("clock", "n_intervals"))
    app.clientside_callback(
        _HIDE_OTHER_VIEWS, [Output(f"{name}-section", "hidden") for name in VIEWS], Input("view", "value")
    )

    app.clientside_callback(
        _NOTE_PRESSED_BUTTON,
        Output("pressed", "data"),
        Input({"open": ALL, "key": ALL, "place": ALL}, "n_clicks"),
        prevent_initial_call=True,
    )

    # This is the only callback that the clock calls. It sets the inputs of the others by `set_props`: Dash holds a
    # callback back while another one that has its input as output runs, and this one runs most of the time.
    @app.callback(  # type: ignore[untyped-decorator]
        Input("clock", "n_intervals"),
        Input("study", "value"),
        Input("view", "value"),
        Input("other", "value"),
        State("study", "options"),
        State("seen", "data"),
        State("beside", "data"),
    )
    def refresh(
        _: object, name: Any, view_name: Any, other: Any, options: Any, last_seen: Any, last_stamp: Any
    ) -> None:
        names = store.names()
        new_options = [{"label": study, "value": study} for study in names]
        if new_options != options:
            set_props("study", {"options": new_options})
        if names and name not in names:
            set_props("study", {"value": first_choice(store)})
        snapshot = store.snapshot(name)
        if not names:
            set_props("problems", {"children": error_banner([no_studies_text(store)])})
        elif snapshot is not None:
            _show_status(snapshot, last_seen)
        stamp = _extra_stamp(store, view_name, snapshot, other)
        if stamp not in (None, last_stamp):
            set_props("beside", {"data": stamp})

    @app.callback(  # type: ignore[untyped-decorator]
        Output("study", "value"),
        Output("view", "value"),
        Output("chosen", "data"),
        Input("pressed", "data"),
        prevent_initial_call=True,
    )
    def open_target(target: Any) -> tuple[Any, Any, Any]:
        if not isinstance(target, dict) or not {"open", "key"} <= target.keys():
            return no_update, no_update, no_update
        if target["open"] == "study":
            name = next(
                (study for study in store.names() if studies_page.study_key(study) == target["key"]), no_update
            )
            return name, "progress", no_update
        return no_update, "network", target["key"]


def _show_status(snapshot: StudySnapshot, last_seen: Any) -> None:
    """Update what stands above every view, where it has changed."""
    stamp = {"study": snapshot.name, "stamp": snapshot.stamp}
    if stamp != last_seen:
        set_props("seen", {"data": stamp})
        set_props("problems", {"children": error_banner(problems(snapshot))})
    if stamp != last_seen or snapshot.live:
        set_props("state", {"children": state_text(snapshot)})


def _extra_stamp(store: StudyStore, view_name: Any, snapshot: StudySnapshot | None, other: Any) -> str | None:
    """Return a stamp of what a view depends on besides the chosen study; None where that is nothing.

    This is the list of studies, a second study, or pictures. A view whose stamp stays the same is not drawn again:
    otherwise a click on a button that is just being replaced would be lost.
    """
    if view_name == "studies":
        return f"studies {studies_page.list_stamp(store.summaries())}"
    if view_name == "maps" and snapshot is not None:
        return f"maps {snapshot.name} {hash(tuple(find_pictures(snapshot.folder)))}"
    if view_name == "compare":
        second = store.snapshot(other)
        return f"compare {snapshot and snapshot.stamp} {second and second.stamp}"
    return None


def no_studies_text(store: StudyStore) -> str:
    """Return the text that is shown where there is no study below the folder."""
    folder = printable(str(store.root))
    return f"There is no study below {folder}. Begin one with: scalesearch grid --baseline b0 --phi 1"


def first_choice(store: StudyStore) -> str | None:
    """Return the study that is shown at first: a running one, else a finished one, else the first of the list."""
    summaries = store.summaries()
    running = [summary.name for summary in summaries if summary.stage == "running"]
    finished = [summary.name for summary in summaries if summary.stage == "finished"]
    return next(iter([*running, *finished, *(summary.name for summary in summaries)]), None)
