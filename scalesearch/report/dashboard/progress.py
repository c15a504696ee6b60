"""The view that follows a search: how far it is, which trials run, which candidates lead."""

from __future__ import annotations

import time
from typing import Any

from dash import Dash, Input, Output, State, html, no_update

from scalesearch.report.candidate_columns import candidate_columns, metric_column
from scalesearch.report.dashboard.components import hint, key_figures, open_button, table
from scalesearch.report.dashboard.curves import live_curves
from scalesearch.report.dashboard.render import render_figure
from scalesearch.report.dashboard.status_text import seconds_remaining, trial_counts
from scalesearch.report.dashboard.store import StudySnapshot, StudyStore
from scalesearch.report.rows import candidate_rows
from scalesearch.study.decision_text import regret_scale
from scalesearch.study.result import StudyResult
from scalesearch.study.summary import summary_lines
from scalesearch.units import duration

_MAX_LEADERS = 10


def section() -> list[Any]:
    """Return the static part of the view."""
    return [
        html.H2("Progress"),
        html.Div(id="progress-figures"),
        html.Div(id="progress-curves"),
        html.Div(id="progress-tables"),
    ]


def register(app: Dash, store: StudyStore) -> None:
    """Register the callbacks that fill the view."""

    @app.callback(  # type: ignore[untyped-decorator]
        Output("progress-figures", "children"),
        Output("progress-tables", "children"),
        Output("progress-curves", "children"),
        Input("seen", "data"),
        Input("view", "value"),
        Input("theme", "data"),
        State("study", "value"),
    )
    def fill(_: object, view_name: Any, theme: Any, name: Any) -> tuple[Any, ...]:
        snapshot = store.snapshot(name) if view_name == "progress" else None
        if snapshot is None or theme is None:
            return (no_update,) * 3
        drawing = live_curves(snapshot, theme)
        curves = [render_figure(drawing, theme, "live-curves")] if drawing else []
        return _key_figures(snapshot), [*_running(snapshot), *_leaders(snapshot), *_summary(snapshot)], curves


def _key_figures(snapshot: StudySnapshot) -> list[Any]:
    num_finished, total = trial_counts(snapshot)
    best = max((trial.accuracy for trial in snapshot.trials if trial.accuracy is not None), default=None)
    remaining = seconds_remaining(snapshot)
    rows = [
        ("finished trials" if total is None else f"of {total:,} trials finished", f"{num_finished:,}"),
        ("running", str(len(snapshot.live.running) if snapshot.live else 0)),
        ("failed", str(snapshot.failed)),
        ("diverged", str(snapshot.diverged)),
        ("highest accuracy", "–" if best is None else f"{best:.4f}"),
    ]
    if snapshot.live:
        rows.append(("left, about", "–" if remaining is None else duration(remaining)))
    rows += _decision_figures(snapshot)
    bar = html.Progress(
        value=str(num_finished), max=str(total or max(num_finished, 1)), **{"aria-label": "Trials finished"}
    )
    return [key_figures(rows), bar]


def _decision_figures(snapshot: StudySnapshot) -> list[tuple[str, str]]:
    """Return what is recommended so far and what the choice may cost, where the search recommends a candidate."""
    result = snapshot.answer
    if result is None or not result.plan.config.kind.recommends:
        return []
    is_over = bool(snapshot.analysis and snapshot.analysis.over)
    rows = [("recommended" if is_over else "recommended so far", snapshot.label(result.recommended))]
    if result.ranking.error_known:
        scale, unit = regret_scale(result)
        bound = f"{scale * result.decision.regret_bound:.2g}"
        rows.append(
            (f"expected regret{unit and ','}{unit} (95 %: below {bound})", f"{scale * result.decision.regret:.2g}")
        )
    return rows


def _running(snapshot: StudySnapshot) -> list[Any]:
    if snapshot.live is None:
        return []
    if not snapshot.live.running:
        return [html.H3("Running now"), hint("No trial has a slot at the moment.")]
    now = time.time()
    rows = []
    for i, trial in enumerate(snapshot.live.running):
        last_epoch = trial.epochs[-1] if trial.epochs else None
        rows.append(
            (
                open_button("network", trial.network, snapshot.label(trial.network), i),
                str(trial.seed),
                str(last_epoch.index if last_epoch else 0),
                f"{last_epoch.samples if last_epoch else trial.since:,}"
                + (f" of {trial.samples:,}" if trial.samples else ""),
                f"{last_epoch.val_accuracy:.4f}" if last_epoch else "…",
                f"{last_epoch.train_loss:.4f}" if last_epoch else "…",
                duration(now - trial.began),
            )
        )
    headings = ("network", "seed", "epochs", "images", "accuracy", "train loss", "since")
    return [html.H3("Running now"), table(headings, rows, frozenset((0,)))]


def _leaders(snapshot: StudySnapshot) -> list[Any]:
    """Return the ranking so far, where it is computed."""
    result = snapshot.answer
    if result is None:
        return [hint("The ranking is being computed.")] if snapshot.trials and not snapshot.index.waiting else []
    if not result.plan.config.kind.scales:
        return []  # a reward ranks these, and the summary below explains it
    columns_by_key = {column.key: column for column in candidate_columns(result)}
    columns = [columns_by_key[key] for key in _leader_keys(result) if key in columns_by_key]
    leaders = [row for row in candidate_rows(result) if row.place is not None][:_MAX_LEADERS]
    cells = [
        [
            open_button("network", row.key, row.label, 1000 + i)
            if column.key == "candidate"
            else column.terminal_cell(row).strip()
            for column in columns
        ]
        for i, row in enumerate(leaders)
    ]
    text_columns = frozenset(i for i, column in enumerate(columns) if column.is_text)
    strong_rows = frozenset(i for i, row in enumerate(leaders) if row.key == result.recommended)
    legend = (
        f"{len(result.ranking.arms)} candidates are ranked; = ties with the best (95 %), ▸ recommended, n: seeds."
    )
    title = "Ranking" if snapshot.analysis and snapshot.analysis.over else "Ranking so far"
    return [
        html.H3(title),
        table([column.terminal_title for column in columns], cells, text_columns, strong_rows),
        hint(legend),
    ]


def _leader_keys(result: StudyResult) -> tuple[str, ...]:
    """Return the columns of the short table, which has the titles and the cells of `scalesearch show`."""
    metric = metric_column(result.plan.config.metric)
    return ("mark", "candidate", "flops_ratio", "expected", "probability_best", metric, "seeds", "behind")


def _summary(snapshot: StudySnapshot) -> list[Any]:
    result = snapshot.answer
    if result is None:
        return []
    return [html.H3("In words"), *(html.P(line) for line in summary_lines(result, snapshot.folder))]
