"""The table of trials, filtered, sorted and paged on the server, so that a browser never holds all rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from scalesearch.report.dashboard.store import StudySnapshot
from scalesearch.study.trial_columns import TrialColumn, trial_columns
from scalesearch.study.trial_summary import TrialSummary

PAGE_SIZE = 50
"""The number of rows on a page."""


@dataclass(frozen=True, slots=True)
class Filters:
    """The conditions that a trial must meet; None or empty means any."""

    text: str = ""
    """A part of a network's name or of a trial's id."""
    states: tuple[str, ...] = ()
    images: int | None = None
    seed: int | None = None
    least: float | None = None
    """The lowest accuracy."""


def filter_trials(snapshot: StudySnapshot, filters: Filters) -> list[TrialSummary]:
    """Return the trials that pass the filters."""
    text = filters.text.strip().lower()

    def passes(trial: TrialSummary) -> bool:
        accuracy = trial.accuracy
        return (
            (not text or text in snapshot.label(trial.network).lower() or text in trial.id)
            and (not filters.states or trial.outcome.state in filters.states)
            and (filters.images is None or trial.images == filters.images)
            and (filters.seed is None or trial.seed == filters.seed)
            and (filters.least is None or (accuracy is not None and accuracy >= filters.least))
        )

    return [trial for trial in snapshot.trials if passes(trial)]


def columns(snapshot: StudySnapshot) -> dict[str, TrialColumn]:
    """Return the columns of the table of all trials by key, which also names the column to sort by."""
    return {key: column for key, column in every_column(snapshot).items() if "page" in column.media}


def every_column(snapshot: StudySnapshot) -> dict[str, TrialColumn]:
    """Return all columns of a trial by key, also those of data files.

    While the networks are not known these are the columns of a record alone.
    """
    study, analysis = snapshot.study, snapshot.analysis
    plan = study.plan if study is not None and analysis is not None and analysis.names else None
    return {column.key: column for column in trial_columns(snapshot.label, plan)}


def sort_trials(trials: Sequence[TrialSummary], column: TrialColumn, descending: bool) -> list[TrialSummary]:
    """Sort by a column, then by id; trials without a value come last in either direction."""
    by_id = sorted(trials, key=lambda trial: trial.id)
    with_value = [trial for trial in by_id if column.value(trial) is not None]
    with_value.sort(key=column.value, reverse=descending)  # type: ignore[arg-type]
    return [*with_value, *(trial for trial in by_id if column.value(trial) is None)]


def paginate(rows: Sequence[TrialSummary], page: int) -> tuple[int, Sequence[TrialSummary]]:
    """Return the existing page that is nearest to `page` (from 0), and its rows."""
    last = max(0, -(-len(rows) // PAGE_SIZE) - 1)
    page = min(max(page, 0), last)
    return page, rows[page * PAGE_SIZE : (page + 1) * PAGE_SIZE]
