"""Studies as they are now: read again where they have changed, their answers worked out beside the pages."""

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
from scalesearch.study.result import StudyResult, analyze
from scalesearch.study.run_status import RunStatus, read_run_status
from scalesearch.study.study import Study
from scalesearch.study.trial_summary import TrialSummary
from scalesearch.study.trusting import read_trust

_PATIENCE = 4
"""An answer that took a second is worked out again after so many at the earliest."""
_SAVED_EVERY = 30.0
"""Seconds between two writings of an index that still grows."""


@dataclass(frozen=True, slots=True)
class Analysis:
    """What was worked out from the records."""

    names: Mapping[str, str]
    """Of every network, by its id."""
    total: int
    """Trials of the whole search, if every candidate completes."""
    total_images: int
    found: StudyResult | None
    """None while no candidate has a completed trial, or while it is worked out."""
    over: bool | None
    """Whether nothing is left to run; None while it is worked out."""
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
    """Another one for every change."""

    @cached_property
    def trials(self) -> tuple[TrialSummary, ...]:
        """Those that are read, in no order."""
        return tuple(self.index.trials.values())

    @cached_property
    def failed(self) -> int:
        """Trials that ended for reasons of the machine."""
        return sum(trial.outcome.state in FAILURES for trial in self.trials)

    @cached_property
    def diverged(self) -> int:
        """Trials whose loss was no longer finite."""
        return sum(trial.outcome.state == "diverged" for trial in self.trials)

    def label(self, network: str) -> str:
        """A network's name: `base`, its coefficients or its rule; its id while the plan is worked out."""
        return (self.analysis.names if self.analysis else {}).get(network, network)

    @property
    def answer(self) -> StudyResult | None:
        """What the study came to so far, where it is worked out."""
        return self.analysis.found if self.analysis else None


class StudyWatcher:
    """One study, read again whenever it is looked at; safe for several threads."""

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
        self._next = 0.0
        self._view: StudySnapshot | None = None
        self._state: tuple[object, ...] = ()

    def snapshot(self) -> StudySnapshot:
        """The study now."""
        with self._lock:
            self._read_study()
            self._index = refresh_index(self._index, self.folder / "trials")
            self._keep()
            self._analyse()
            return self._now(read_run_status(self.folder))

    def summary(self) -> StudySummary:
        """Its line in the list."""
        with self._lock:
            self._read_study()
            return summarize_study(self.name, self.folder, self._study)

    def _read_study(self) -> None:
        stamp = tuple(_stamp(self.folder / name) for name in ("study.json", "suggestions"))
        if stamp != self._study_stamp:
            self._study, self._study_stamp = try_open_study(self.folder), stamp
            self._analysis = self._analysed = None
            self._next = 0.0

    def _keep(self) -> None:
        late = time.monotonic() - self._saved_at > _SAVED_EVERY
        if self._index.trials is not self._saved.trials and (self._index.all_read or late):
            self._saved, self._saved_at = self._index, time.monotonic()
            self._pool.submit(save, self._index, self._path)

    def _analyse(self) -> None:
        study, index, done = self._study, self._index, self._analysed
        busy = self._job is not None and not self._job.done()
        stale = done is None or done[0] is not study or done[1] is not index.trials
        if isinstance(study, Study) and index.all_read and stale and not busy and time.monotonic() >= self._next:
            self._analysed = (study, index.trials)
            self._job = self._pool.submit(self._work, study, index)

    def _work(self, study: Study, index: Index) -> None:
        began = time.monotonic()
        for found in _analyses(study, index, self._analysis):
            if self._study is study:
                self._analysis = found
        self._next = time.monotonic() + _PATIENCE * (time.monotonic() - began)

    def _now(self, live: RunStatus | None) -> StudySnapshot:
        index, analysis, study = self._index, self._analysis, self._study
        state = (study, index.trials, index.broken, index.waiting, live, analysis)
        if self._view is not None and _same(self._state, state):
            return self._view
        self._state = state
        problem, found = (study, None) if isinstance(study, str) else ("", study)
        self._view = StudySnapshot(
            self.name, self.folder, found, problem, index, live, analysis, f"{time.monotonic_ns():x}"
        )
        return self._view


def _same(before: tuple[object, ...], now: tuple[object, ...]) -> bool:
    """Whether nothing has changed; large things are the same only where they are the same object."""
    large = (Study, dict, Analysis)
    return len(before) == len(now) and all(
        a is b or (not isinstance(b, large) and a == b) for a, b in zip(before, now, strict=True)
    )


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


def _names(plan: Plan) -> dict[str, str]:
    """Of every network as the answer's tables have it, so that no two views call one differently."""
    return {plan.base_id: "base", **{key: label(one) for key, one in plan.by_network.items()}}


def _analyses(study: Study, index: Index, before: Analysis | None) -> Iterator[Analysis]:
    """First the names of the networks, then the answer; what cannot be worked out is said in words."""
    plan = study.plan
    try:
        if before is None:
            before = Analysis(_names(plan), plan.total_trials(), plan.total_images(), None, None)
            yield before
        outcomes = {key: one.outcome for key, one in index.trials.items()}
        found = analyze(plan, outcomes, read_trust(study.folder))
        trials, images = plan.total_trials(outcomes), plan.total_images(outcomes)
        yield Analysis(before.names, trials, images, found, plan.is_complete(outcomes))
    except Exception as error:  # the page says so; the server goes on with the other studies
        odd = f"its records do not fit its study.json ({type(error).__name__})"
        problem = printable(str(error)) if isinstance(error, ScalesearchError) else odd
        names, total, images = (before.names, before.total, before.total_images) if before else ({}, 0, 0)
        yield Analysis(names, total, images, None, None, f"No answer can be computed: {problem}")


class StudyStore:
    """All studies below a folder; the server's only way to one is its name in this list."""

    def __init__(self, root: Path, cache: Path) -> None:
        self.root, self._cache = root, cache
        self._pool = ThreadPoolExecutor(1, "analysis")
        self._lock = threading.Lock()
        self._watched: dict[str, StudyWatcher] = {}
        self._listed_at = -1e9

    def names(self) -> tuple[str, ...]:
        """Of the studies; the folder is walked every two seconds at most."""
        with self._lock:
            if time.monotonic() - self._listed_at > 2:
                there = find_studies(self.root)
                before = self._watched
                self._watched = {
                    name: before[name] if name in before else StudyWatcher(name, folder, self._cache, self._pool)
                    for name, folder in there.items()
                }
                self._listed_at = time.monotonic()
            return tuple(self._watched)

    def summarize_study(self) -> tuple[StudySummary, ...]:
        """All studies, a line each."""
        names = self.names()
        with self._lock:
            found = [self._watched[name] for name in names if name in self._watched]
        return tuple(one.summary() for one in found)

    def snapshot(self, name: object) -> StudySnapshot | None:
        """The study of that name now; None where there is none."""
        if not isinstance(name, str) or name not in self.names():
            return None
        with self._lock:
            watched = self._watched.get(name)
        return watched.snapshot() if watched else None

    def close(self) -> None:
        """Wait for what is being worked out or kept."""
        self._pool.shutdown()
