"""The view that follows a search: how far it is, what runs, what leads."""

from __future__ import annotations

import time
from typing import Any

from dash import Dash, Input, Output, State, html, no_update

from scalesearch.report.candidate_columns import candidate_columns, metric_column
from scalesearch.report.dashboard.components import hint, key_figures, open_button, table
from scalesearch.report.dashboard.curves import live_curves
from scalesearch.report.dashboard.render import render_figure
from scalesearch.report.dashboard.status_text import seconds_remaining
from scalesearch.report.dashboard.status_text import trial_counts as done_of
from scalesearch.report.dashboard.store import StudySnapshot, StudyStore
from scalesearch.report.rows import candidate_rows
from scalesearch.study.result import StudyResult
from scalesearch.study.summary import summary_lines
from scalesearch.units import duration

_LEADERS = 10


def section() -> list[Any]:
    """What never changes."""
    return [
        html.H2("Progress"),
        html.Div(id="progress-figures"),
        html.Div(id="progress-curves"),
        html.Div(id="progress-tables"),
    ]


def register(app: Dash, watch: StudyStore) -> None:
    """Fill it."""

    @app.callback(  # type: ignore[untyped-decorator]
        Output("progress-figures", "children"),
        Output("progress-tables", "children"),
        Output("progress-curves", "children"),
        Input("seen", "data"),
        Input("view", "value"),
        Input("theme", "data"),
        State("study", "value"),
    )
    def fill(_: object, shown: Any, theme: Any, name: Any) -> tuple[Any, ...]:
        view = watch.snapshot(name) if shown == "progress" else None
        if view is None or theme is None:
            return (no_update,) * 3
        drawn = live_curves(view, theme)
        curves = [render_figure(drawn, theme, "live-curves")] if drawn else []
        return _figures(view), [*_running(view), *_leaders(view), *_said(view)], curves


def _figures(view: StudySnapshot) -> list[Any]:
    done, total = done_of(view)
    best = max((trial.accuracy for trial in view.trials if trial.accuracy is not None), default=None)
    left = seconds_remaining(view)
    rows = [
        ("finished trials" if total is None else f"of {total:,} trials finished", f"{done:,}"),
        ("running", str(len(view.live.running) if view.live else 0)),
        ("failed", str(view.failed)),
        ("diverged", str(view.diverged)),
        ("highest accuracy", "–" if best is None else f"{best:.4f}"),
    ]
    if view.live:
        rows.append(("left, about", "–" if left is None else duration(left)))
    bar = html.Progress(value=str(done), max=str(total or max(done, 1)), **{"aria-label": "Trials finished"})
    return [key_figures(rows), bar]


def _running(view: StudySnapshot) -> list[Any]:
    if view.live is None:
        return []
    if not view.live.running:
        return [html.H3("Running now"), hint("No trial has a slot at the moment.")]
    now = time.time()
    rows = []
    for i, one in enumerate(view.live.running):
        last = one.epochs[-1] if one.epochs else None
        rows.append(
            (
                open_button("network", one.network, view.label(one.network), i),
                str(one.seed),
                str(last.index if last else 0),
                f"{last.samples if last else one.since:,}" + (f" of {one.samples:,}" if one.samples else ""),
                f"{last.val_accuracy:.4f}" if last else "…",
                f"{last.train_loss:.4f}" if last else "…",
                duration(now - one.began),
            )
        )
    heads = ("network", "seed", "epochs", "images", "accuracy", "train loss", "since")
    return [html.H3("Running now"), table(heads, rows, frozenset((0,)))]


def _leaders(view: StudySnapshot) -> list[Any]:
    """The ranking so far, where it is worked out."""
    found = view.answer
    if found is None:
        return [hint("The ranking is being computed.")] if view.trials and not view.index.waiting else []
    if not found.plan.config.kind.scales:
        return []  # they are ranked by reward, and what that is stands in the words
    known = {column.key: column for column in candidate_columns(found)}
    columns = [known[key] for key in _leader_keys(found)]
    leaders = [row for row in candidate_rows(found) if row.place is not None][:_LEADERS]
    cells = [
        [
            open_button("network", row.key, row.label, 1000 + i)
            if column.key == "candidate"
            else column.terminal_cell(row).strip()
            for column in columns
        ]
        for i, row in enumerate(leaders)
    ]
    left = frozenset(i for i, column in enumerate(columns) if column.is_text)
    strong = frozenset(i for i, row in enumerate(leaders) if row.key == found.recommended)
    words = (
        f"{len(found.ranking.arms)} candidates are ranked; = ties with the best (95 %), ▸ recommended, n: seeds."
    )
    title = "Ranking" if view.analysis and view.analysis.over else "Ranking so far"
    return [html.H3(title), table([column.terminal_title for column in columns], cells, left, strong), hint(words)]


def _leader_keys(result: StudyResult) -> tuple[str, ...]:
    """The columns of the short table, which has the titles and the cells of `scalesearch show`."""
    return ("mark", "candidate", "flops_ratio", metric_column(result.plan.config.metric), "seeds", "behind")


def _said(view: StudySnapshot) -> list[Any]:
    found = view.answer
    if found is None:
        return []
    return [html.H3("In words"), *(html.P(line) for line in summary_lines(found, view.folder))]
