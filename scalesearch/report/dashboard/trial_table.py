"""Trials of a study as rows that are filtered, sorted and cut into pages here, so that a browser never has all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from scalesearch.report.dashboard.store import StudySnapshot
from scalesearch.study.trial_columns import TrialColumn, trial_columns
from scalesearch.study.trial_summary import TrialSummary

PAGE_SIZE = 50
"""Rows of a page."""


@dataclass(frozen=True, slots=True)
class Filters:
    """Which trials are wanted; None or empty: all."""

    text: str = ""
    """Part of a network's name or of a trial's id."""
    states: tuple[str, ...] = ()
    images: int | None = None
    seed: int | None = None
    least: float | None = None
    """Accuracy."""


def filter_trials(view: StudySnapshot, filters: Filters) -> list[TrialSummary]:
    """The trials that pass."""
    text = filters.text.strip().lower()

    def passes(trial: TrialSummary) -> bool:
        accuracy = trial.accuracy
        return (
            (not text or text in view.label(trial.network).lower() or text in trial.id)
            and (not filters.states or trial.outcome.state in filters.states)
            and (filters.images is None or trial.images == filters.images)
            and (filters.seed is None or trial.seed == filters.seed)
            and (filters.least is None or (accuracy is not None and accuracy >= filters.least))
        )

    return [one for one in view.trials if passes(one)]


def columns(view: StudySnapshot) -> dict[str, TrialColumn]:
    """The columns of the table of all trials, by the key that sorting calls them."""
    return {key: column for key, column in every_column(view).items() if "page" in column.media}


def every_column(view: StudySnapshot) -> dict[str, TrialColumn]:
    """All columns of a trial by key, also those of files; those of its record while the networks are not known."""
    study, analysis = view.study, view.analysis
    plan = study.plan if study is not None and analysis is not None and analysis.names else None
    return {column.key: column for column in trial_columns(view.label, plan)}


def sort_trials(trials: Sequence[TrialSummary], column: TrialColumn, falling: bool) -> list[TrialSummary]:
    """Sorted by a column, then by id; what has no value comes last either way."""
    by_id = sorted(trials, key=lambda one: one.id)
    have = [one for one in by_id if column.value(one) is not None]
    have.sort(key=column.value, reverse=falling)  # type: ignore[arg-type]
    return [*have, *(one for one in by_id if column.value(one) is None)]


def paginate(rows: Sequence[TrialSummary], page: int) -> tuple[int, Sequence[TrialSummary]]:
    """The page that there is nearest to the wanted one (from 0), and its rows."""
    last = max(0, -(-len(rows) // PAGE_SIZE) - 1)
    page = min(max(page, 0), last)
    return page, rows[page * PAGE_SIZE : (page + 1) * PAGE_SIZE]
