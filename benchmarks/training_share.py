"""Measure the share of wall time that is training, with the Ray runner, the inline runner and plain Ray Tune.

Plain Ray Tune is a script as in its tutorial.

Each side trains the same trials of the `quick` budget, in one run. Share = seconds in epochs / (slots × wall).

    python benchmarks/training_share.py [TRIALS]      (default 8; 21 is the whole first wave)
    python benchmarks/training_share.py RESULTS       a search that has just run here without a break, from
                                                      the first count by fvcore to the last record
"""

from __future__ import annotations

import contextlib
import io
import logging
import sys
import tempfile
import time
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import ray
from ray import tune

from scalesearch.cli.cache import cache_folder
from scalesearch.design.baselines import load_baseline
from scalesearch.proxy.datasets import load_data
from scalesearch.proxy.objective import ProxyTraining
from scalesearch.runners.execution import Event, Runner, TrialFinished
from scalesearch.runners.inline import InlineRunner
from scalesearch.runners.ray_tune import RayRunner
from scalesearch.search.budget import BUDGETS
from scalesearch.search.plan import Plan
from scalesearch.search.proxies import DataFacts, image_px
from scalesearch.search.study_config import StudyConfig
from scalesearch.search.trial import TrialSpec
from scalesearch.study.provenance import environment
from scalesearch.study.study import open_study

SLOTS = 2


def main() -> None:
    if len(sys.argv) > 1 and not sys.argv[1].isdecimal():
        report_study(Path(sys.argv[1]))
        return
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 8
    config = StudyConfig(load_baseline("b0"), Decimal(1), BUDGETS["quick"])
    data = load_data("fractal", image_px(config), config.budget.scenes, cache_folder())
    plan = Plan(config, DataFacts(data.name, data.fingerprint, len(data.classes), 0, len(data.val_labels_N)))
    specs = plan.waves({})[0][:count]
    objective = ProxyTraining(data)
    host = environment()
    print(f"{host['processor']}, {SLOTS} cores; torch {host['torch']}, ray {host['ray']}; {len(specs)} trials")
    # First, since our runner sets Ray's environment variables for the rest of the process.
    default = report("default Ray Tune script", SLOTS, run_default(specs, objective))
    ray_runner = report("ray runner", SLOTS, run(RayRunner(cores=SLOTS), specs, objective))
    report("inline", 1, run(InlineRunner(), specs, objective))
    print(f"default script / ray runner: {default / ray_runner:.2f}x the wall time")


def report_study(folder: Path) -> None:
    """Print the share over a study, from the times of its first file and its last record."""
    last = max(path.stat().st_mtime for path in (folder / "trials").iterdir())
    wall = last - (folder / "study.json").stat().st_mtime
    records = open_study(folder).records().values()
    report(
        f"{folder.name}, {len(records)} trials",
        SLOTS,
        (wall, sum(record.outcome.training_seconds for record in records)),
    )


def report(name: str, slots: int, measured: tuple[float, float]) -> float:
    """Print one side, and return its wall seconds."""
    wall, training = measured
    print(f"{name:<24} wall {wall:6.1f} s, in epochs {training:6.1f} s, share {training / wall / slots:.1%}")
    return wall


def run(runner: Runner, specs: Sequence[TrialSpec], objective: ProxyTraining) -> tuple[float, float]:
    """Return wall seconds, including the start of Ray, and seconds in epochs."""
    training = 0.0

    def listen(event: Event) -> None:
        nonlocal training
        if isinstance(event, TrialFinished):
            training += event.outcome.training_seconds

    start = time.perf_counter()
    with runner.session():
        runner.run([specs], objective, listen)
    return time.perf_counter() - start, training


def run_default(specs: Sequence[TrialSpec], objective: ProxyTraining) -> tuple[float, float]:
    """Run the trials as Ray Tune's tutorial does: a function per trial, a new worker each, default settings."""

    def train(config: dict[str, Any], data: ProxyTraining) -> None:
        for epoch in data(config["spec"]):
            tune.report({"accuracy": epoch.val_accuracy, "epoch_seconds": epoch.seconds})

    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        ray.init(num_cpus=SLOTS, include_dashboard=False, logging_level=logging.ERROR, log_to_driver=False)
        tuner = tune.Tuner(
            tune.with_parameters(train, data=objective),
            param_space={"spec": tune.grid_search(list(specs))},
            run_config=tune.RunConfig(storage_path=str(Path(folder)), verbose=0),
        )
        results = tuner.fit()
        ray.shutdown()
    wall = time.perf_counter() - start
    return wall, float(sum(result.metrics_dataframe["epoch_seconds"].sum() for result in results))


if __name__ == "__main__":
    main()
