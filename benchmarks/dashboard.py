"""Measure how long a browser waits for the dashboard of ten thousand trials, with and without the index.

    python benchmarks/dashboard.py [--trials 10000]

The script needs chromium and playwright (`make test-browser` installs them). Each measurement has a new server and
a new browser page. The records are artificial, of the size of real ones.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from scalesearch.design.baselines import load_baseline
from scalesearch.search.budget import BUDGETS
from scalesearch.search.plan import Plan
from scalesearch.search.proxies import DataFacts
from scalesearch.search.study_config import StudyConfig
from scalesearch.search.task import Epoch
from scalesearch.search.trial import Outcome, TrialSpec
from scalesearch.study.records import TrialRecord, trial_cost, write_record
from scalesearch.study.study import Study, open_or_create

DATA = DataFacts("planted", "f" * 64, classes=20, train=2500, val=1000)
EPOCHS = 10


def main() -> None:
    """Print a line per measurement."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--trials", type=int, default=10_000)
    num_trials = parser.parse_args().trials
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        count = _make(root / "results" / "many", num_trials)
        print(f"{count:,} trials of {EPOCHS} epochs; {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
        for label in ("without an index", "with the index", "with the index, again"):
            _measure(root, label)


def _make(folder: Path, num_trials: int) -> int:
    """Write a study with that many records, and return their number.

    Writing does not wait for the disk, which is not measured.
    """
    quick = BUDGETS["quick"]
    budget = replace(
        quick, step=Decimal("0.05"), seeds=1, finalists=0, final_seeds=0, recipe=quick.recipe.from_scratch
    )
    config = StudyConfig(load_baseline("tiny"), Decimal(1), budget, scheduler="grid")
    networks = 1 + len(Plan(config, DATA).trained)
    plan = Plan(replace(config, budget=replace(budget, seeds=-(-num_trials // networks))), DATA)
    study = open_or_create(Study(folder, plan, {"torch": "1"}, "scalesearch grid --name many"))
    os.fsync = _skip_fsync
    specs = plan.waves({})[0][:num_trials]
    for spec in specs:
        write_record(study.trials_folder, TrialRecord(spec, _outcome(spec), trial_cost(spec)))
    return len(specs)


def _skip_fsync(fd: object) -> None:
    """Return without waiting for the disk."""


def _outcome(spec: TrialSpec) -> Outcome:
    best = 0.5 + int(spec.id[:4], 16) / 200_000
    epochs = tuple(Epoch(i, i * 2496, 3 / i, 3 / i, best * i / EPOCHS, 12.0) for i in range(1, EPOCHS + 1))
    return Outcome("complete", epochs, 125.0, 120.0)


def _measure(root: Path, label: str) -> None:
    from playwright.sync_api import sync_playwright

    began = time.perf_counter()
    with _serving(root) as address, sync_playwright() as playwright:
        served = time.perf_counter() - began
        chromium = shutil.which("chromium") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(600_000)
        began = time.perf_counter()
        page.goto(address)
        page.wait_for_selector("#studies-table table")
        first = time.perf_counter() - began
        all_read = _until_all_read(page, began)
        trials = _until(page, "#view label >> text=Trials", "#trials-table tbody tr >> visible=true")
        next_page = _until(page, "#page-next", "#page-words:has-text('51–100')")
        resorted = _until(page, "[title='Sort by seed']", "#page-words:has-text('1–50')")
        curves = _until(page, "#view label >> text=Progress", "#progress-curves .main-svg >> visible=true")
        browser.close()
    print(
        f"{label}: server up {served:.1f} s, first paint {first:.2f} s, all records read {all_read:.1f} s, trials "
        f"{trials:.2f} s, next page {next_page:.2f} s, sorted {resorted:.2f} s, curves {curves:.2f} s",
        flush=True,
    )


def _until_all_read(page: Any, began: float) -> float:
    """Return the seconds until every record is read.

    The page is polled from here, since its content security policy forbids scripts from outside.
    """
    state, problems = page.locator("#state"), page.locator("#problems")
    while state.inner_text() == "" or "Reading records" in problems.inner_text():
        time.sleep(0.02)
    return time.perf_counter() - began


def _until(page: Any, button: str, target: str) -> float:
    began = time.perf_counter()
    page.locator(button).first.click()
    page.locator(target).first.wait_for()
    return time.perf_counter() - began


@contextmanager
def _serving(root: Path) -> Iterator[str]:
    command = [sys.executable, "-m", "scalesearch", "dashboard", str(root / "results"), "--port", "0"]
    environment = {**os.environ, "XDG_CACHE_HOME": str(root / "cache")}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait()


if __name__ == "__main__":
    main()
