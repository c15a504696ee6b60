"""Measure the driver of a search with a thousand workers and up to a hundred thousand trials; nothing is trained.

    python benchmarks/driver_scale.py
    python benchmarks/driver_scale.py trials=10000,20000 folder=/mnt/disk

Keys: trials (numbers of trials, a row each), workers, step (of B0's grid: its networks times seeds are the trials),
folder (where the studies are written: the rate of records depends on its disk), out (a JSON file of the table, for
`make figures`).

A study of B0 is searched as `scalesearch grid` does it, with its plan, its records, its plain progress lines and
its status file. Only the runner is another one: it simulates the workers in this process, by a clock that jumps
from event to event, so that what is measured is the driver's own time. A trial takes a second, and up to a tenth
more.

Columns: records written durably for each second of the driver's time; the time to plan the next trials and to
decide after the last record, in the process that searched; the time of a new process to read all records and to
plan; the time of `scalesearch show`; the largest memory of the process that searched; the size of the records.
"""

from __future__ import annotations

import heapq
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from decimal import Decimal
from math import exp
from pathlib import Path

from key_values import read_pairs
from rich.console import Console

from scalesearch.cli.progress import SearchProgress
from scalesearch.design.baselines import load_baseline
from scalesearch.runners.execution import EpochFinished, Listener, TrialExecution, TrialFinished, TrialStarted
from scalesearch.search.budget import BUDGETS
from scalesearch.search.plan import Plan
from scalesearch.search.proxies import DataFacts
from scalesearch.search.study_config import StudyConfig
from scalesearch.search.task import Epoch
from scalesearch.search.trial import Objective, Outcome, TrialSpec
from scalesearch.study.provenance import environment
from scalesearch.study.result import analyze
from scalesearch.study.run_status import fan_out, publish
from scalesearch.study.search import search
from scalesearch.study.study import Study, open_or_create, open_study

DATA = DataFacts("planted", "f" * 64, classes=20, train=2500, val=1000)
EPOCHS = 4


@dataclass
class SimulatedRunner:
    """Runs trials on simulated workers: the clock jumps to the next event."""

    workers: int
    clock: float = 0.0
    _busy: list[tuple[float, int, TrialSpec]] = field(default_factory=list)

    def check(self) -> None:
        """Do nothing: nothing is needed."""

    def session(self) -> AbstractContextManager[None]:
        """Return an empty context."""
        return nullcontext()

    def run(self, waves: Iterable[Sequence[TrialSpec]], objective: Objective, listener: Listener) -> None:
        """Run the waves; see `Runner.run`."""
        for wave in waves:
            waiting = iter(wave)
            for worker in range(self.workers):
                self._begin(next(waiting, None), worker, listener)
            while self._busy:
                self.clock, worker, spec = heapq.heappop(self._busy)
                execution = TrialExecution(spec, objective)
                while not isinstance(step := execution.step(), Outcome):
                    listener(EpochFinished(spec, step))
                listener(TrialFinished(spec, step))
                self._begin(next(waiting, None), worker, listener)

    def _begin(self, spec: TrialSpec | None, worker: int, listener: Listener) -> None:
        if spec is not None:
            listener(TrialStarted(spec))
            heapq.heappush(self._busy, (self.clock + 1 + int(spec.id[:3], 16) / 40_960, worker, spec))


def planted(spec: TrialSpec) -> Iterator[Epoch]:
    """Yield epochs of a planted network, whose accuracy and losses have noise that is partly common."""
    network, common, accuracy, loss = (
        int(text, 16) / 0xFFFF - 0.5 for text in (spec.network_id[:4], spec.id[:4], spec.id[4:8], spec.id[8:12])
    )
    best = 0.7 + 0.05 * network + 0.02 * common + 0.02 * accuracy
    least = 1 - 0.1 * network - 0.04 * common - 0.02 * loss
    for index in range(1, EPOCHS + 1):
        left = exp(-index)
        yield Epoch(index, index * 2496, least + 2 * left, 1.1 * least + 2 * left, best * (1 - left), 0.25)


def plan_of(num_trials: int, step: str) -> Plan:
    """Return a plan of so many trials, rounded up to whole seeds."""
    quick = BUDGETS["quick"]
    budget = replace(
        quick, step=Decimal(step), finalists=0, final_seeds=0, proxy_side="proportional",
        recipe=replace(quick.recipe.from_scratch, epochs=EPOCHS),
    )  # fmt: skip
    config = StudyConfig(load_baseline("b0"), Decimal(1), budget, scheduler="grid")
    networks = 1 + len(Plan(config, DATA).trained)
    return Plan(replace(config, budget=replace(budget, seeds=-(-num_trials // networks))), DATA)


def measure(folder: Path, num_trials: int, workers: int, step: str) -> dict[str, float]:
    """Search one study, and return the measurements of this process."""
    plan = plan_of(num_trials, step)
    study = open_or_create(Study(folder, plan, environment(), "scalesearch grid --name many"))
    outcomes: dict[str, Outcome] = {}

    def collect(event: object) -> None:
        if isinstance(event, TrialFinished):
            outcomes[event.spec.id] = event.outcome

    began = time.perf_counter()
    with Path(os.devnull).open("w") as nowhere, publish(folder, 0) as announce:
        console = Console(file=nowhere)
        with SearchProgress(plan, {}, console) as progress:
            search(study, SimulatedRunner(workers), planted, fan_out(fan_out(progress, announce), collect))
    searched = time.perf_counter() - began
    began = time.perf_counter()
    assert not plan.pending(outcomes), "the search is over"
    planned = time.perf_counter() - began
    began = time.perf_counter()
    result = analyze(plan, outcomes)
    assert result is not None
    assert result.decision is not None
    decided = time.perf_counter() - began
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    size = sum(path.stat().st_size for path in study.trials_folder.iterdir()) / 2**20
    return {
        "trials": len(outcomes), "networks": len(plan.trained) + 1, "records/s": len(outcomes) / searched,
        "plan s": planned, "decision s": decided, "memory GiB": memory, "size MiB": size,
    }  # fmt: skip


def measure_resume(folder: Path) -> dict[str, float]:
    """Read a finished study as a resumed search does."""
    began = time.perf_counter()
    study = open_study(folder)
    assert study.plan.is_complete(study.outcomes())
    return {"resume s": time.perf_counter() - began}


def main() -> None:
    """Print a row for each number of trials."""
    words = read_pairs(sys.argv[1:])
    if "part" in words:
        folder, num_trials = Path(words["folder"]), int(words["trials"])
        resumes = words["part"] == "resume"
        row = (
            measure_resume(folder) if resumes else measure(folder, num_trials, int(words["workers"]), words["step"])
        )
        print(json.dumps(row))
        return
    counts = [int(count) for count in words.get("trials", "12500,25000,50000,100000").split(",")]
    rows: list[dict[str, float]] = []
    with tempfile.TemporaryDirectory(dir=words.get("folder")) as root:
        for count in counts:
            folder = Path(root) / str(count)
            keys = [f"folder={folder}", f"trials={count}", f"workers={words.get('workers', '1000')}",
                    f"step={words.get('step', '0.02')}"]  # fmt: skip
            row = {**_part("search", keys), **_part("resume", keys)}
            began = time.perf_counter()
            subprocess.run(
                [sys.executable, "-m", "scalesearch", "show", str(folder)], check=True, stdout=subprocess.DEVNULL
            )
            row["show s"] = time.perf_counter() - began
            if not rows:
                print("| " + " | ".join(row) + " |")
                print("|" + "---|" * len(row))
            rows.append(row)
            print(
                "| " + " | ".join(f"{value:,.{0 if value >= 100 else 2}f}" for value in row.values()) + " |",
                flush=True,
            )
    print(", ".join(f"{name} {value}" for name, value in environment().items()))
    if "out" in words:
        command = " ".join(word for word in sys.argv if not word.startswith("folder="))  # no paths of a machine
        table = {"command": command, "environment": environment(), "rows": rows}
        Path(words["out"]).write_text(json.dumps(table, indent=1) + "\n")


def _part(part: str, keys: Sequence[str]) -> dict[str, float]:
    """Measure in a process of its own, whose memory and caches are its own."""
    command = [sys.executable, __file__, f"part={part}", *keys]
    row: dict[str, float] = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    return row


if __name__ == "__main__":
    main()
