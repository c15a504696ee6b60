"""Planted studies as the dashboard sees them."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from planted import Planted, study

from scalesearch.report.dashboard.store import StudySnapshot, StudyStore
from scalesearch.runners.inline import InlineRunner
from scalesearch.search.plan import Plan
from scalesearch.study.result import analyze
from scalesearch.study.result_files import write_result_files
from scalesearch.study.search import search
from scalesearch.study.study import Study, open_or_create


def searched(folder: Path, objective: Planted | None = None, asked: Plan | None = None) -> Study:
    """A finished planted search, with its winner."""
    begun = open_or_create(study(folder, asked))
    search(begun, InlineRunner(), objective or Planted(), lambda _: None)
    found = analyze(begun.plan, begun.outcomes())
    if found is not None:
        write_result_files(folder, found)
    return begun


def seen(watch: StudyStore, name: str, enough: Callable[[StudySnapshot], bool] | None = None) -> StudySnapshot:
    """The study once it is as wanted: by default, worked out."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        view = watch.snapshot(name)
        assert view is not None
        if (
            enough(view)
            if enough
            else view.analysis is not None and (view.analysis.over is not None or view.problem)
        ):
            return view
        time.sleep(0.02)
    raise AssertionError(f"{name} did not become as wanted")
