"""The dashboard as an application: one page of views, which callbacks fill from what the server watches."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from dash import Dash, Input, Output, State, ctx, dcc, html, no_update, set_props
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
"""The views by name, and what their tabs say."""

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
"""Milliseconds between two looks at the disk."""

_INDEX = f"""<!DOCTYPE html>
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

_THEME = """() => {
  const now = window.matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  if (window.scalesearchTheme === now) return window.dash_clientside.no_update;
  window.scalesearchTheme = now;
  return now;
}"""
_SHOWN = "(view) => " + repr(list(VIEWS)) + ".map((name) => name !== view)"


def make_app(watch: StudyStore, policy: Policy, sources: family_page.Sources) -> Dash:
    """The application, guarded.

    Args:
        watch: the studies.
        policy: who may ask.
        sources: formats besides YAML in which a member of a family is handed out.
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
        index_string=_INDEX,
        external_scripts=[],
        external_stylesheets=[],
        suppress_callback_exceptions=False,
        routes_pathname_prefix="/",  # the guard takes a proxy's path off
        requests_pathname_prefix=f"{policy.gateway.prefix}/",
    )
    app.layout = _layout()
    _register(app, watch)
    for page in (studies_page, progress, trials, network, result_view, compare, cam_view):
        page.register(app, watch)
    family_page.register(app, watch, sources)
    app.server.config["MAX_CONTENT_LENGTH"] = 2**20
    app.server.register_error_handler(Exception, partial(_failed, app.callback_map))
    app.server.wsgi_app = Guard(app.server.wsgi_app, policy, app.csp_hashes())
    return app


def _failed(callbacks: Mapping[str, Mapping[str, Any]], error: Exception) -> tuple[str, int, dict[str, str]]:
    """The answer to a request that ended with an error: a line, also in the log where the page was to blame."""
    plain_text = {"Content-Type": "text/plain; charset=utf-8"}
    if isinstance(error, HTTPException):
        return f"scalesearch dashboard: {error.name}\n", error.code or 500, plain_text
    if not is_callback(_body(), callbacks):
        return "scalesearch dashboard: is no request of this page\n", 400, plain_text
    reason = printable(" ".join(f"{type(error).__name__}: {error}".split())[:200])
    logging.getLogger("scalesearch").error("scalesearch dashboard: a callback failed (%s)", reason)
    return f"scalesearch dashboard: a callback failed ({reason})\n", 500, plain_text


def _body() -> object:
    """The request's JSON; None where it has none, or brackets without end."""
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
        ]
    )


def _register(app: Dash, watch: StudyStore) -> None:
    app.clientside_callback(_THEME, Output("theme", "data"), Input("clock", "n_intervals"))
    app.clientside_callback(_SHOWN, [Output(f"{name}-section", "hidden") for name in VIEWS], Input("view", "value"))

    # The one callback that the clock calls. It sets what others depend on by `set_props`: Dash holds a callback
    # back as long as another that has its input as output is under way, and this one is so most of the time.
    @app.callback(  # type: ignore[untyped-decorator]
        Input("clock", "n_intervals"),
        Input("study", "value"),
        Input("view", "value"),
        Input("other", "value"),
        State("study", "options"),
        State("seen", "data"),
        State("beside", "data"),
    )
    def look(_: object, name: Any, shown: Any, other: Any, options: Any, seen: Any, beside: Any) -> None:
        names = watch.names()
        there = [{"label": one, "value": one} for one in names]
        if there != options:
            set_props("study", {"options": there})
        if names and name not in names:
            set_props("study", {"value": first_choice(watch)})
        view = watch.snapshot(name)
        if not names:
            set_props("problems", {"children": error_banner([no_studies_text(watch)])})
        elif view is not None:
            _show(view, seen)
        stamp = _beside(watch, shown, view, other)
        if stamp not in (None, beside):
            set_props("beside", {"data": stamp})

    @app.callback(  # type: ignore[untyped-decorator]
        Output("study", "value"),
        Output("view", "value"),
        Output("chosen", "data"),
        Input({"open": ALL, "key": ALL, "place": ALL}, "n_clicks"),
        prevent_initial_call=True,
    )
    def open_one(_: object) -> tuple[Any, Any, Any]:
        asked = ctx.triggered_id
        if not asked or not ctx.triggered or not ctx.triggered[0]["value"]:
            return no_update, no_update, no_update
        if asked["open"] == "study":
            name = next((one for one in watch.names() if studies_page.study_key(one) == asked["key"]), no_update)
            return name, "progress", no_update
        return no_update, "network", asked["key"]


def _show(view: StudySnapshot, before: Any) -> None:
    """What stands above every view, where it has changed."""
    stamp = {"study": view.name, "stamp": view.stamp}
    if stamp != before:
        set_props("seen", {"data": stamp})
        set_props("problems", {"children": error_banner(problems(view))})
    if stamp != before or view.live:
        set_props("state", {"children": state_text(view)})


def _beside(watch: StudyStore, shown: Any, view: StudySnapshot | None, other: Any) -> str | None:
    """What a view depends on besides the chosen study: the list, a second study, pictures; None: nothing.

    Where it stays the same nothing is drawn anew: a press on a button that is just being replaced would be lost.
    """
    if shown == "studies":
        return f"studies {studies_page.list_stamp(watch.summaries())}"
    if shown == "maps" and view is not None:
        return f"maps {view.name} {hash(tuple(find_pictures(view.folder)))}"
    if shown == "compare":
        second = watch.snapshot(other)
        return f"compare {view and view.stamp} {second and second.stamp}"
    return None


def no_studies_text(watch: StudyStore) -> str:
    """What is said where no study is."""
    where = printable(str(watch.root))
    return f"There is no study below {where}. Begin one with: scalesearch grid --baseline b0 --phi 1"


def first_choice(watch: StudyStore) -> str | None:
    """The study that is shown at first: one that runs, else the first of the list."""
    found = watch.summaries()
    running = [one.name for one in found if one.stage == "running"]
    whole = [one.name for one in found if one.stage == "finished"]
    return next(iter([*running, *whole, *(one.name for one in found)]), None)
