"""Objectives whose truth is known, and trials for them; picklable, and importable without torch."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

from networks import staged

from scalesearch.design.architecture import Architecture
from scalesearch.design.baselines import load_baseline
from scalesearch.design.cost import cost
from scalesearch.search.budget import BUDGETS, Budget, with_constant_lr_and_decay
from scalesearch.search.plan import Plan
from scalesearch.search.proxies import DataFacts
from scalesearch.search.study_config import StudyConfig, paths_to_time
from scalesearch.search.task import Epoch
from scalesearch.search.timings import LatencyMeasurement, LatencyTable, match_times
from scalesearch.search.trial import TrialEndedError, TrialSpec
from scalesearch.study.study import Study

ENVIRONMENT = {"torch": "1", "numpy": "2", "processor": "abacus", "gpu": "none"}
DATA = DataFacts("planted", "f" * 64, classes=3, train=7, val=1000)


@dataclass(frozen=True)
class Planted:
    """Accuracy from the network's depth and the seed alone; some seeds misbehave as told.

    `log` gets a line at each start and end of a trial, with the process and the time; `dies_once` names a
    folder that remembers who has died, so that a second try succeeds.
    """

    epochs: int = 2
    seconds: float = 0.0
    diverges: tuple[int, ...] = ()
    raises: tuple[int, ...] = ()
    raises_late: tuple[int, ...] = ()
    runs_out: tuple[int, ...] = ()
    dies: tuple[int, ...] = ()
    dies_once: str = ""
    hangs: tuple[int, ...] = ()
    log: str = ""
    per_layer: float = 0.01
    blind_below: int = 0
    """At chance on rungs of fewer images."""

    def __call__(self, spec: TrialSpec) -> Iterator[Epoch]:
        self._write("start", spec)
        for index in range(1, self.epochs + 1):
            time.sleep(self.seconds)
            self._misbehave(spec)
            yield self._epoch(spec, index)
            if spec.seed in self.raises_late:
                raise ValueError("very long " * 200)
        self._write("end", spec)

    def _epoch(self, spec: TrialSpec, index: int) -> Epoch:
        layers = sum(staged(spec.network).depths)
        # A hash of the trial stands for noise, the same on every machine.
        noise = (int(spec.id, 16) % 1000 - 500) * 1e-6
        accuracy = 0.5 + self.per_layer * layers * index / self.epochs + 0.001 * spec.seed + noise
        if (spec.samples or 0) < self.blind_below:
            accuracy = 1 / DATA.classes + noise
        seen = spec.since + index * 100
        return Epoch(index, seen, 1 / (cost(spec.proxy).macs + index), 1.0, accuracy, self.seconds)

    def _misbehave(self, spec: TrialSpec) -> None:
        if spec.seed in self.diverges:
            raise TrialEndedError("diverged", "the loss is no longer finite in epoch 1")
        if spec.seed in self.runs_out:
            raise TrialEndedError("oom", "out of memory")
        if spec.seed in self.raises:
            raise RuntimeError("broken\nin two lines")
        if spec.seed in self.dies:
            os._exit(7)
        if self.dies_once and not (mark := Path(self.dies_once, spec.id)).exists():
            mark.touch()
            os._exit(8)
        if spec.seed in self.hangs:
            time.sleep(3600)

    def _write(self, what: str, spec: TrialSpec) -> None:
        if self.log:
            with Path(self.log).open("a") as stream:
                stream.write(f"{what} {spec.id} {os.getpid()} {time.time():.3f}\n")


def log_lines(path: Path) -> list[tuple[str, str, int, float]]:
    """What `Planted` logged: event, trial, process, time."""
    rows = [line.split() for line in path.read_text().splitlines()] if path.exists() else []
    return [(what, trial, int(process), float(at)) for what, trial, process, at in rows]


@contextmanager
def importable_by_workers() -> Iterator[None]:
    """Let processes that are started meanwhile import the tests' own modules."""
    before = os.environ.get("PYTHONPATH")
    here = str(Path(__file__).parent)
    os.environ["PYTHONPATH"] = here if before is None else f"{here}{os.pathsep}{before}"
    try:
        yield
    finally:
        if before is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = before


def budget(**changes: object) -> Budget:
    """The smoke budget, changed."""
    return replace(BUDGETS["smoke"], **changes)  # type: ignore[arg-type]


def plan(spent: Budget | None = None, phi: str = "1", scheduler: str = "grid") -> Plan:
    """A search of the tiny baseline on data that nobody reads."""
    return Plan(StudyConfig(load_baseline("tiny"), Decimal(phi), spent or budget(), scheduler=scheduler), DATA)


def plan_by(scheduler: str) -> Plan:
    """The search that kills are tried on: six candidates, two finalists; halving over three rungs or over seeds."""
    if scheduler == "grid":
        return plan()
    halving = plan(
        with_constant_lr_and_decay(budget(finalists=2, final_seeds=2)), scheduler=scheduler.removesuffix("-blind")
    )
    return Plan(replace(halving.config, prolongs=scheduler.endswith("-blind")), DATA)


def planted_by(scheduler: str, **how: object) -> Planted:
    """The objective of `plan_by`; of `halving-blind` at chance on the first rung, which is prolonged for it."""
    blind = plan_by(scheduler).rungs[1].samples if scheduler.endswith("-blind") else 0
    return Planted(blind_below=blind, **how)  # type: ignore[arg-type]


def study(folder: Path, asked: Plan | None = None) -> Study:
    """That search in a folder, not yet begun."""
    return Study(folder, asked or plan(), dict(ENVIRONMENT), "scalesearch grid --name planted")


def trials(count: int) -> list[TrialSpec]:
    """So many trials of the tiny baseline, with seeds 0, 1, ….

    The odd ones are of a deeper network.
    """
    asked = plan()
    base, other = asked.config.baseline.architecture, asked.trained[-1].architecture
    return [asked.spec(other if seed % 2 else base, seed) for seed in range(count)]


def launched(network: Architecture) -> float:
    """Seconds where every layer takes a while, however small: a GPU at batch 1."""
    return 1e-3 * sum(network.depths) + cost(network).macs * 3e-10


def with_times(asked: StudyConfig, seconds: Callable[[Architecture], float]) -> StudyConfig:
    """The configuration by latency, its networks found and timed by a clock that is never wrong."""
    base = staged(asked.baseline.architecture)

    def ratio(network: Architecture) -> float:
        return seconds(network) / seconds(base)

    def timed(network: Architecture) -> LatencyMeasurement:
        sizes = network.widths, network.depths, network.side
        return LatencyMeasurement(*sizes, round(1e9 * seconds(network)), 17, Decimal(f"{ratio(network):.5f}"))

    found = match_times(paths_to_time(asked), Decimal(2) ** asked.phi, lambda networks: list(map(ratio, networks)))
    return replace(
        asked, cost="latency", timings=LatencyTable("CPU", 1, 1, 15, timed(base), tuple(map(timed, found)))
    )
