"""The view of all trials: filtered, sorted and paged by the server."""

from __future__ import annotations

from typing import Any

from dash import Dash, Input, Output, State, ctx, dcc, html, no_update
from dash.dependencies import ALL

from scalesearch.report.dashboard.components import hint, open_button, table
from scalesearch.report.dashboard.store import StudySnapshot, StudyStore
from scalesearch.report.dashboard.trial_table import (
    PAGE_SIZE,
    Filters,
    columns,
    filter_trials,
    paginate,
    sort_trials,
)
from scalesearch.study.trial_summary import STATES

_FILTERS = ("text", "states", "images", "seed", "least")
_START = {"by": "accuracy", "falling": True}


def section() -> list[Any]:
    """What never changes."""
    fields = {
        "text": ("Network or trial", dcc.Input(id="filter-text", type="text", debounce=0.3, maxLength=100)),
        "states": ("State", dcc.Dropdown(id="filter-states", options=list(STATES), multi=True)),
        "images": ("Images seen", dcc.Dropdown(id="filter-images", options=[])),
        "seed": ("Seed", dcc.Dropdown(id="filter-seed", options=[])),
        "least": (
            "Accuracy at least",
            dcc.Input(id="filter-least", type="number", min=0, max=1, step="any", debounce=0.3),
        ),
    }
    return [
        html.H2("Trials"),
        html.Div(
            [
                html.Div([html.Label(words, htmlFor=f"filter-{name}"), field])
                for name, (words, field) in fields.items()
            ],
            className="filters",
            role="search",
        ),
        html.Div(
            [
                html.Button("‹ Previous", id="page-previous", n_clicks=0),
                html.Button("Next ›", id="page-next", n_clicks=0),
                html.Span("", id="page-words", role="status"),
            ],
            className="pages",
        ),
        html.Div(id="trials-table"),
        dcc.Store(id="sort", data=_START),
        dcc.Store(id="page", data=0),
    ]


def register(app: Dash, watch: StudyStore) -> None:
    """Fill it."""
    _register_order(app)
    _register_rows(app, watch)


def _register_order(app: Dash) -> None:
    """By which column, and which page of it."""
    told = [Input(f"filter-{name}", "value") for name in _FILTERS]

    @app.callback(  # type: ignore[untyped-decorator]
        Output("sort", "data"),
        Input({"sort": ALL}, "n_clicks"),
        State("sort", "data"),
        prevent_initial_call=True,
    )
    def sort(_: object, before: Any) -> Any:
        if not ctx.triggered_id or not ctx.triggered[0]["value"]:
            return no_update
        by = ctx.triggered_id["sort"]
        again = isinstance(before, dict) and before.get("by") == by
        return {"by": by, "falling": not before.get("falling") if again else by in _FALLING}

    @app.callback(  # type: ignore[untyped-decorator]
        Output("page", "data"),
        Input("page-previous", "n_clicks"),
        Input("page-next", "n_clicks"),
        Input("study", "value"),
        Input("sort", "data"),
        *told,
        State("page", "data"),
        prevent_initial_call=True,
    )
    def turn(*given: Any) -> Any:
        steps = {"page-previous": -1, "page-next": 1}
        before = given[-1] if isinstance(given[-1], int) else 0
        step = steps.get(str(ctx.triggered_id))
        return 0 if step is None else max(0, before + step)


def _register_rows(app: Dash, watch: StudyStore) -> None:
    """The page's rows, and what can be filtered by."""
    asked = [State(f"filter-{name}", "value") for name in _FILTERS]

    @app.callback(  # type: ignore[untyped-decorator]
        Output("trials-table", "children"),
        Output("page-words", "children"),
        Output("page-previous", "disabled"),
        Output("page-next", "disabled"),
        Input("seen", "data"),
        Input("view", "value"),
        Input("page", "data"),
        Input("sort", "data"),
        State("study", "value"),
        *asked,
    )
    def fill(_: object, shown: Any, page: Any, by: Any, name: Any, *filters: Any) -> Any:
        view = watch.snapshot(name) if shown == "trials" else None
        return (no_update,) * 4 if view is None else _filled(view, page, by, read_filters(*filters))

    @app.callback(  # type: ignore[untyped-decorator]
        Output("filter-images", "options"),
        Output("filter-seed", "options"),
        Input("seen", "data"),
        State("study", "value"),
        State("filter-images", "options"),
        State("filter-seed", "options"),
    )
    def offer(_: object, name: Any, images: Any, seeds: Any) -> tuple[Any, Any]:
        view = watch.snapshot(name)
        if view is None:
            return no_update, no_update
        own = [{"label": f"{n:,}", "value": n} for n in sorted({trial.images for trial in view.trials})[:200]]
        others = [{"label": str(n), "value": n} for n in sorted({trial.seed for trial in view.trials})[:200]]
        return no_update if own == images else own, no_update if others == seeds else others


_FALLING = frozenset(("accuracy", "images"))
"""Columns whose largest values come first at the first press."""


def read_filters(text: Any, states: Any, images: Any, seed: Any, least: Any) -> Filters:
    """What a browser sent, with everything left out that is not of its kind."""
    return Filters(
        text[:100] if isinstance(text, str) else "",
        tuple(state for state in states if state in STATES) if isinstance(states, list) else (),
        images if type(images) is int else None,
        seed if type(seed) is int else None,
        float(least) if type(least) in (int, float) else None,
    )


def _filled(view: StudySnapshot, page: Any, by: Any, filters: Filters) -> tuple[Any, str, bool, bool]:
    known = columns(view)
    name, falling = (by.get("by"), bool(by.get("falling"))) if isinstance(by, dict) else ("", True)
    name = name if name in known else "accuracy"
    found = sort_trials(filter_trials(view, filters), known[name], falling)
    at, rows = paginate(found, page if isinstance(page, int) else 0)
    start = at * PAGE_SIZE
    words = (
        f"{start + 1:,}–{start + len(rows):,} of {len(found):,} trials" if rows else "No trial passes the filters."
    )
    heads = [_head(key, one.title, name, falling) for key, one in known.items()]
    cells = [
        [
            open_button("network", one.network, column.shown(one), i) if key == "label" else column.shown(one)
            for key, column in known.items()
        ]
        for i, one in enumerate(rows)
    ]
    left = frozenset(i for i, column in enumerate(known.values()) if column.is_text)
    messages = [f"{row.id}: {row.outcome.message}" for row in rows if row.outcome.message]
    body = [table(heads, cells, left), *(hint(message) for message in messages)]
    return body if found else [], words, at == 0, start + PAGE_SIZE >= len(found)


def _head(key: str, text: str, by: str, falling: bool) -> html.Button:
    arrow = (" ↓" if falling else " ↑") if key == by else ""
    return html.Button(f"{text}{arrow}", id={"sort": key}, n_clicks=0, title=f"Sort by {text}")
