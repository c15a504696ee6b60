"""Trials of a study as rows that are filtered, sorted and cut into pages here, so that a browser never has all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from scalesearch.report.dashboard.watching import View
from scalesearch.study.trial_summary import TrialSummary
from scalesearch.units import duration, si

PAGE = 50
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


def wanted(view: View, filters: Filters) -> list[TrialSummary]:
    """The trials that pass."""
    text = filters.text.strip().lower()

    def passes(one: TrialSummary) -> bool:
        accuracy = one.accuracy
        return (
            (not text or text in view.label(one.network).lower() or text in one.id)
            and (not filters.states or one.outcome.state in filters.states)
            and (filters.images is None or one.images == filters.images)
            and (filters.seed is None or one.seed == filters.seed)
            and (filters.least is None or (accuracy is not None and accuracy >= filters.least))
        )

    return [one for one in view.trials if passes(one)]


def _last(one: TrialSummary, name: str) -> float | None:
    return getattr(one.outcome.epochs[-1], name) if one.outcome.epochs else None


@dataclass(frozen=True, slots=True)
class Column:
    """One of the table's columns."""

    heading: str
    value: Callable[[TrialSummary], float | str | None]
    """What it is sorted by."""
    shown: Callable[[TrialSummary], str]
    words: bool = False


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def columns(view: View) -> dict[str, Column]:
    """The columns by the name that sorting calls them."""
    return {
        "network": Column(
            "network", lambda one: view.label(one.network), lambda one: view.label(one.network), True
        ),
        "seed": Column("seed", lambda one: one.seed, lambda one: str(one.seed)),
        "images": Column("images", lambda one: one.images, lambda one: f"{one.images:,}"),
        "state": Column("state", lambda one: one.outcome.state, lambda one: one.outcome.state, True),
        "accuracy": Column("accuracy", lambda one: one.accuracy, lambda one: _share(one.accuracy)),
        "train_loss": Column(
            "train loss", lambda one: _last(one, "train_loss"), lambda one: _share(_last(one, "train_loss"))
        ),
        "macs": Column("multiply-adds", lambda one: one.macs, lambda one: si(one.macs)),
        "params": Column("parameters", lambda one: one.params, lambda one: si(one.params)),
        "activations": Column("activations", lambda one: one.activations, lambda one: si(one.activations)),
        "px": Column("px", lambda one: one.px, lambda one: str(one.px)),
        "seconds": Column("time", lambda one: one.outcome.seconds, lambda one: duration(one.outcome.seconds)),
        "id": Column("trial", lambda one: one.id, lambda one: one.id, True),
    }


def ordered(trials: Sequence[TrialSummary], column: Column, falling: bool) -> list[TrialSummary]:
    """Sorted by a column, then by id; what has no value comes last either way."""
    by_id = sorted(trials, key=lambda one: one.id)
    have = [one for one in by_id if column.value(one) is not None]
    have.sort(key=column.value, reverse=falling)  # type: ignore[arg-type]
    return [*have, *(one for one in by_id if column.value(one) is None)]


def page_of(rows: Sequence[TrialSummary], page: int) -> tuple[int, Sequence[TrialSummary]]:
    """The page that there is nearest to the wanted one (from 0), and its rows."""
    last = max(0, -(-len(rows) // PAGE) - 1)
    page = min(max(page, 0), last)
    return page, rows[page * PAGE : (page + 1) * PAGE]
