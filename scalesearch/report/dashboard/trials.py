"""The view of all trials, which the server filters, sorts and pages."""

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
_INITIAL_SORT = {"by": "accuracy", "falling": True}


def section() -> list[Any]:
    """Return the static part of the view."""
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
                html.Div([html.Label(label, htmlFor=f"filter-{name}"), field])
                for name, (label, field) in fields.items()
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
        dcc.Store(id="sort", data=_INITIAL_SORT),
        dcc.Store(id="page", data=0),
    ]


def register(app: Dash, store: StudyStore) -> None:
    """Register the callbacks that fill the view."""
    _register_order(app)
    _register_rows(app, store)


def _register_order(app: Dash) -> None:
    """Register the callbacks that choose the column to sort by and the page."""
    filter_inputs = [Input(f"filter-{name}", "value") for name in _FILTERS]

    @app.callback(  # type: ignore[untyped-decorator]
        Output("sort", "data"),
        Input({"sort": ALL}, "n_clicks"),
        State("sort", "data"),
        prevent_initial_call=True,
    )
    def sort(_: object, last_sort: Any) -> Any:
        if not ctx.triggered_id or not ctx.triggered[0]["value"]:
            return no_update
        key = ctx.triggered_id["sort"]
        same_column = isinstance(last_sort, dict) and last_sort.get("by") == key
        return {"by": key, "falling": not last_sort.get("falling") if same_column else key in _DESCENDING_FIRST}

    @app.callback(  # type: ignore[untyped-decorator]
        Output("page", "data"),
        Input("page-previous", "n_clicks"),
        Input("page-next", "n_clicks"),
        Input("study", "value"),
        Input("sort", "data"),
        *filter_inputs,
        State("page", "data"),
        prevent_initial_call=True,
    )
    def turn_page(*values: Any) -> Any:
        steps = {"page-previous": -1, "page-next": 1}
        last_page = values[-1] if isinstance(values[-1], int) else 0
        step = steps.get(str(ctx.triggered_id))
        return 0 if step is None else max(0, last_page + step)


def _register_rows(app: Dash, store: StudyStore) -> None:
    """Register the callbacks that fill the page and offer the values of filters."""
    filter_states = [State(f"filter-{name}", "value") for name in _FILTERS]

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
        *filter_states,
    )
    def fill(_: object, view_name: Any, page: Any, sort: Any, name: Any, *filters: Any) -> Any:
        snapshot = store.snapshot(name) if view_name == "trials" else None
        return (no_update,) * 4 if snapshot is None else _render_page(snapshot, page, sort, read_filters(*filters))

    @app.callback(  # type: ignore[untyped-decorator]
        Output("filter-images", "options"),
        Output("filter-seed", "options"),
        Input("seen", "data"),
        State("study", "value"),
        State("filter-images", "options"),
        State("filter-seed", "options"),
    )
    def offer(_: object, name: Any, images: Any, seeds: Any) -> tuple[Any, Any]:
        snapshot = store.snapshot(name)
        if snapshot is None:
            return no_update, no_update
        image_options = [
            {"label": f"{n:,}", "value": n} for n in sorted({trial.images for trial in snapshot.trials})[:200]
        ]
        seed_options = [
            {"label": str(n), "value": n} for n in sorted({trial.seed for trial in snapshot.trials})[:200]
        ]
        return (
            no_update if image_options == images else image_options,
            no_update if seed_options == seeds else seed_options,
        )


_DESCENDING_FIRST = frozenset(("accuracy", "images"))
"""The columns that the first click sorts with the largest values first."""


def read_filters(text: Any, states: Any, images: Any, seed: Any, least: Any) -> Filters:
    """Return the filters that a browser sent, without values of a wrong type."""
    # `type(...) is int` refuses booleans, which are integers to `isinstance`.
    return Filters(
        text[:100] if isinstance(text, str) else "",
        tuple(state for state in states if state in STATES) if isinstance(states, list) else (),
        images if type(images) is int else None,
        seed if type(seed) is int else None,
        float(least) if type(least) in (int, float) else None,
    )


def _render_page(snapshot: StudySnapshot, page: Any, sort: Any, filters: Filters) -> tuple[Any, str, bool, bool]:
    columns_by_key = columns(snapshot)
    sort_key, descending = (sort.get("by"), bool(sort.get("falling"))) if isinstance(sort, dict) else ("", True)
    sort_key = sort_key if sort_key in columns_by_key else "accuracy"
    trials = sort_trials(filter_trials(snapshot, filters), columns_by_key[sort_key], descending)
    page_number, rows = paginate(trials, page if isinstance(page, int) else 0)
    start = page_number * PAGE_SIZE
    text = (
        f"{start + 1:,}–{start + len(rows):,} of {len(trials):,} trials" if rows else "No trial passes the filters."
    )
    headings = [_sort_button(key, column.title, sort_key, descending) for key, column in columns_by_key.items()]
    cells = [
        [
            open_button("network", trial.network, column.page_cell(trial), i)
            if key == "label"
            else column.page_cell(trial)
            for key, column in columns_by_key.items()
        ]
        for i, trial in enumerate(rows)
    ]
    text_columns = frozenset(i for i, column in enumerate(columns_by_key.values()) if column.is_text)
    messages = [f"{row.id}: {row.outcome.message}" for row in rows if row.outcome.message]
    body = [table(headings, cells, text_columns), *(hint(message) for message in messages)]
    return body if trials else [], text, page_number == 0, start + PAGE_SIZE >= len(trials)


def _sort_button(key: str, text: str, sort_key: str, descending: bool) -> html.Button:
    arrow = (" ↓" if descending else " ↑") if key == sort_key else ""
    return html.Button(f"{text}{arrow}", id={"sort": key}, n_clicks=0, title=f"Sort by {text}")
