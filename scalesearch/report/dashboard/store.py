"""The studies below a folder as they are now.

A study is read again where it has changed, and its result is computed in the background.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from scalesearch.errors import ScalesearchError, printable
from scalesearch.report.dashboard.index import Index, index_path, load, refresh_index, save
from scalesearch.report.dashboard.studies import StudySummary, find_studies, summarize_study, try_open_study
from scalesearch.report.rows import label
from scalesearch.search.plan import Plan
from scalesearch.search.trial import FAILURES
from scalesearch.study.proxy_validation import read_proxy_validation
from scalesearch.study.result import StudyResult, analyze
from scalesearch.study.run_status import RunStatus, read_run_status
from scalesearch.study.study import Study
from scalesearch.study.trial_summary import TrialSummary

_ANALYSIS_PAUSE = 4
"""The least pause before a result is computed again, in units of the time that it took."""
_SAVE_INTERVAL = 30.0
"""Seconds between two writings of an index that still grows."""


@dataclass(frozen=True, slots=True)
class Analysis:
    """The data that is computed from a study's records."""

    names: Mapping[str, str]
    """The name of every network by its id."""
    total: int
    """The number of trials of the whole search, if every candidate completes."""
    total_images: int
    found: StudyResult | None
    """The result; None while no candidate has a completed trial, or while it is computed."""
    over: bool | None
    """Whether nothing is left to run; None while that is computed."""
    problem: str = ""


@dataclass(frozen=True)
class StudySnapshot:
    """A study at one moment."""

    name: str
    folder: Path
    study: Study | None
    problem: str
    index: Index
    live: RunStatus | None
    analysis: Analysis | None
    stamp: str
    """A text that differs after every change."""

    @cached_property
    def trials(self) -> tuple[TrialSummary, ...]:
        """The trials that are read, in no particular order."""
        return tuple(self.index.trials.values())

    @cached_property
    def failed(self) -> int:
        """The number of trials that ended for reasons of the machine."""
        return sum(trial.outcome.state in FAILURES for trial in self.trials)

    @cached_property
    def diverged(self) -> int:
        """The number of trials whose loss was no longer finite."""
        return sum(trial.outcome.state == "diverged" for trial in self.trials)

    def label(self, network: str) -> str:
        """Return a network's name: `base`, its coefficients or its rule; its id while the plan is computed."""
        return (self.analysis.names if self.analysis else {}).get(network, network)

    @property
    def answer(self) -> StudyResult | None:
        """The result so far; None where it is not computed."""
        return self.analysis.found if self.analysis else None


class StudyWatcher:
    """One study, which is read again whenever a snapshot is asked for; safe for several threads."""

    def __init__(self, name: str, folder: Path, cache: Path, pool: ThreadPoolExecutor) -> None:
        self.name, self.folder, self._pool = name, folder, pool
        self._path = index_path(cache, folder)
        self._lock = threading.Lock()
        self._index = load(self._path)
        self._saved, self._saved_at = self._index, time.monotonic()
        self._study: Study | str = "is being read"
        self._study_stamp: object = None
        self._analysis: Analysis | None = None
        self._analysed: tuple[Study, Mapping[str, TrialSummary]] | None = None
        self._job: Future[None] | None = None
        self._next_analysis = 0.0
        self._snapshot: StudySnapshot | None = None
        self._state: tuple[object, ...] = ()

    def snapshot(self) -> StudySnapshot:
        """Return the study as it is now."""
        with self._lock:
            self._read_study()
            self._index = refresh_index(self._index, self.folder / "trials")
            self._save_index()
            self._analyse()
            return self._make_snapshot(read_run_status(self.folder))

    def summary(self) -> StudySummary:
        """Return the study's line in the list."""
        with self._lock:
            self._read_study()
            return summarize_study(self.name, self.folder, self._study)

    def _read_study(self) -> None:
        stamp = tuple(_stamp(self.folder / name) for name in ("study.json", "suggestions"))
        if stamp != self._study_stamp:
            self._study, self._study_stamp = try_open_study(self.folder), stamp
            self._analysis = self._analysed = None
            self._next_analysis = 0.0

    def _save_index(self) -> None:
        is_due = time.monotonic() - self._saved_at > _SAVE_INTERVAL
        if self._index.trials is not self._saved.trials and (self._index.all_read or is_due):
            self._saved, self._saved_at = self._index, time.monotonic()
            self._pool.submit(save, self._index, self._path)

    def _analyse(self) -> None:
        study, index, last_analysed = self._study, self._index, self._analysed
        is_busy = self._job is not None and not self._job.done()
        is_stale = last_analysed is None or last_analysed[0] is not study or last_analysed[1] is not index.trials
        if (
            isinstance(study, Study)
            and index.all_read
            and is_stale
            and not is_busy
            and time.monotonic() >= self._next_analysis
        ):
            self._analysed = (study, index.trials)
            self._job = self._pool.submit(self._run_analysis, study, index)

    def _run_analysis(self, study: Study, index: Index) -> None:
        began = time.monotonic()
        for analysis in _analyses(study, index, self._analysis):
            if self._study is study:
                self._analysis = analysis
        self._next_analysis = time.monotonic() + _ANALYSIS_PAUSE * (time.monotonic() - began)

    def _make_snapshot(self, live: RunStatus | None) -> StudySnapshot:
        index, analysis, study = self._index, self._analysis, self._study
        state = (study, index.trials, index.broken, index.waiting, live, analysis)
        if self._snapshot is not None and _same(self._state, state):
            return self._snapshot
        self._state = state
        problem, readable = (study, None) if isinstance(study, str) else ("", study)
        self._snapshot = StudySnapshot(
            self.name, self.folder, readable, problem, index, live, analysis, f"{time.monotonic_ns():x}"
        )
        return self._snapshot


def _same(before: tuple[object, ...], now: tuple[object, ...]) -> bool:
    """Return whether nothing has changed; large objects are the same only where they are identical."""
    large = (Study, dict, Analysis)
    return len(before) == len(now) and all(
        a is b or (not isinstance(b, large) and a == b) for a, b in zip(before, now, strict=True)
    )


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size


def _network_names(plan: Plan) -> dict[str, str]:
    """Return every network's name as the result's tables have it, so that all views use one name."""
    return {plan.base_id: "base", **{key: label(candidate) for key, candidate in plan.by_network.items()}}


def _analyses(study: Study, index: Index, before: Analysis | None) -> Iterator[Analysis]:
    """Yield the names of the networks first, then the result; an error becomes a text."""
    plan = study.plan
    try:
        if before is None:
            before = Analysis(_network_names(plan), plan.total_trials(), plan.total_images(), None, None)
            yield before
        outcomes = {key: trial.outcome for key, trial in index.trials.items()}
        result = analyze(plan, outcomes, read_proxy_validation(study.folder))
        trials, images = plan.total_trials(outcomes), plan.total_images(outcomes)
        yield Analysis(before.names, trials, images, result, plan.is_complete(outcomes))
    except Exception as error:  # the page says so; the server goes on with the other studies
        mismatch = f"its records do not fit its study.json ({type(error).__name__})"
        problem = printable(str(error)) if isinstance(error, ScalesearchError) else mismatch
        names, total, images = (before.names, before.total, before.total_images) if before else ({}, 0, 0)
        yield Analysis(names, total, images, None, None, f"No result can be computed: {problem}")


class StudyStore:
    """All studies below a folder; the server reaches a study only by its name in this list."""

    def __init__(self, root: Path, cache: Path) -> None:
        self.root, self._cache = root, cache
        self._pool = ThreadPoolExecutor(1, "analysis")
        self._lock = threading.Lock()
        self._watchers: dict[str, StudyWatcher] = {}
        self._walked_at = -1e9

    def names(self) -> tuple[str, ...]:
        """Return the names of the studies; the folder is walked every two seconds at most."""
        with self._lock:
            if time.monotonic() - self._walked_at > 2:
                folders = find_studies(self.root)
                watchers = self._watchers
                self._watchers = {
                    name: watchers[name]
                    if name in watchers
                    else StudyWatcher(name, folder, self._cache, self._pool)
                    for name, folder in folders.items()
                }
                self._walked_at = time.monotonic()
            return tuple(self._watchers)

    def summaries(self) -> tuple[StudySummary, ...]:
        """Return a line for each study."""
        names = self.names()
        with self._lock:
            watchers = [self._watchers[name] for name in names if name in self._watchers]
        return tuple(watcher.summary() for watcher in watchers)

    def snapshot(self, name: object) -> StudySnapshot | None:
        """Return the study of that name as it is now; None where there is none."""
        if not isinstance(name, str) or name not in self.names():
            return None
        with self._lock:
            watcher = self._watchers.get(name)
        return watcher.snapshot() if watcher else None

    def close(self) -> None:
        """Wait until nothing is computed or saved any more."""
        self._pool.shutdown()
