"""Measure whole searches on a GPU in at most ten minutes: waits, `quick`, a plain script beside it, and `standard`.

    python benchmarks/gpu_search.py out=gpu.json
    python benchmarks/gpu_search.py out=gpu.json limit=540 gpus_per_trial=0.125

Keys: out (required), limit (seconds in all; 570), gpus_per_trial (0.125), baseline (b0), budget (quick),
long_budget (standard), plain_trials (4), results (a folder for the studies; gpu-results), and cpu=1, which runs the
script without a GPU, to test it.

Parts, each saved to `out` when it is over, so that a call that was stopped goes on with the next one:

- *first steps*: the seconds until a new network has taken its first step and its first four steps, for every
  candidate's proxy, one after the other in one process. cuDNN plans in them;
- *stream*: images per second of one training of the unscaled proxy, and of as many at a time as there are trials;
- *search*: `scalesearch grid` with `budget`, from the command to the written report: wall seconds, the share of the
  trials' slots that was spent in epochs, images per second of the search as a whole, and that over the best stream
  times its streams;
- *plain*: `plain_search.py` for `plain_trials` of its trials, one at a time as Ray Tune schedules them with a GPU
  each; its time for all trials of the script, by proportion, over that of *search*;
- *long*: `scalesearch grid` with `long_budget` in the time that is left. It is interrupted at the limit and resumes
  in the next call; `finished` says whether it is over.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import torch
from key_values import read_options
from plain_search import literal_networks

from scalesearch.design.architecture import Architecture
from scalesearch.design.baselines import load_baseline
from scalesearch.nets.convnet import ConvNet
from scalesearch.proxy.initial import initial_network
from scalesearch.proxy.tensors import TrainingData
from scalesearch.proxy.training import Training
from scalesearch.search.budget_file import load_budget
from scalesearch.search.plan import Plan
from scalesearch.search.proxies import DataFacts
from scalesearch.search.study_config import StudyConfig
from scalesearch.search.task import Recipe
from scalesearch.study.provenance import environment
from scalesearch.study.study import open_study

HERE = Path(__file__).parent
_DEFAULTS = {
    "out": "", "limit": "570", "gpus_per_trial": "0.125", "baseline": "b0", "budget": "quick",
    "long_budget": "standard", "plain_trials": "4", "results": "gpu-results", "cpu": "0",
}  # fmt: skip
_STEPS = 40
"""The steps of an epoch of the measured streams."""
_LEAST_LEFT = 30.0
"""A part does not begin with fewer seconds left than this."""
Facts = dict[str, Any]


def proxies(options: dict[str, str]) -> tuple[Recipe, list[Architecture]]:
    """Return the recipe of the budget and the proxies of the unscaled network and of every candidate."""
    baseline, budget = load_baseline(options["baseline"]), load_budget(options["budget"])
    config = StudyConfig(baseline, Decimal(1), budget, scheduler="grid")
    plan = Plan(config, DataFacts("fractal scenes", "", budget.scenes.classes, budget.scenes.train, 1000))
    specs = [plan.spec(plan.proxies.networks[key], 0) for key in plan.proxies.networks]
    found = [spec.proxy for spec in specs]
    assert all(isinstance(proxy, Architecture) for proxy in found), "a baseline file's networks are architectures"
    return budget.recipe, [proxy for proxy in found if isinstance(proxy, Architecture)]


def training_of(proxy: Architecture, recipe: Recipe, device: torch.device) -> Training:
    """Return a training of one proxy on random images."""
    draw = torch.Generator().manual_seed(1)
    shape = (_STEPS * recipe.batch, proxy.in_channels, proxy.side, proxy.side)
    images = torch.randint(0, 256, shape, dtype=torch.uint8, generator=draw)
    labels = torch.randint(0, proxy.head.classes, shape[:1], generator=draw)
    network = initial_network(proxy, 0)
    assert isinstance(network, ConvNet), "a baseline file's networks are built from stages"
    return Training(network, TrainingData(images, labels, images[:1], labels[:1]), recipe, 0, device)


def seconds_of(work: Callable[[], object], device: torch.device) -> float:
    """Return how long some work on the device takes."""
    began = time.perf_counter()
    work()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - began


def measure_first_steps(options: dict[str, str], device: torch.device) -> Facts:
    """Return how long new networks take to their first step and to their fourth."""
    recipe, all_proxies = proxies(options)
    first, fourth = [], []
    for proxy in all_proxies:
        run = training_of(proxy, recipe, device)
        first.append(seconds_of(lambda run=run: run._advance(1, lambda _: 0.01), device))  # type: ignore[misc]
        fourth.append(
            first[-1] + seconds_of(lambda run=run: run._advance(4, lambda _: 0.01), device)  # type: ignore[misc]
        )
    return {"networks": len(first), "first_step_s": _rounded(first), "four_steps_s": _rounded(fourth)}


def _rounded(values: list[float]) -> list[float]:
    return [round(value, 4) for value in values]


def measure_stream(options: dict[str, str], device: torch.device) -> Facts:
    """Return the images per second of one training, and of several side by side."""
    recipe, all_proxies = proxies(options)
    run = training_of(all_proxies[0], recipe, device)
    run._advance(8, lambda _: 0.01)
    steps = _STEPS - 8
    alone = steps * run.batch / seconds_of(lambda: run._advance(_STEPS, lambda _: 0.01), device)
    return {"batch": run.batch, "px": all_proxies[0].side, "images_per_second": round(alone, 1)}


def run_search(options: dict[str, str], budget: str, seconds: float) -> Facts:
    """Run `scalesearch grid`, interrupted after `seconds`, and return what it took so far."""
    name = f"{options['baseline']}-{budget}"
    words = ["grid", "--baseline", options["baseline"], "--budget", budget, "--results", options["results"]]
    words += ["--name", name]
    if options["cpu"] == "0":
        words += ["--gpus-per-trial", options["gpus_per_trial"]]
    began = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-m", "scalesearch", *words])
    try:
        process.wait(timeout=max(1.0, seconds))
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=120)
    wall = time.perf_counter() - began
    study = open_study(Path(options["results"]) / name)
    outcomes = study.outcomes()
    slots = 1 / float(options["gpus_per_trial"]) if options["cpu"] == "0" else len(os.sched_getaffinity(0))
    images = sum(outcome.epochs[-1].samples for outcome in outcomes.values() if outcome.epochs)
    trained = sum(outcome.training_seconds for outcome in outcomes.values())
    return {
        "budget": budget,
        "wall_s": round(wall, 1),
        "trials": len(outcomes),
        "total_trials": study.plan.total_trials(outcomes),
        "finished": study.plan.is_complete(outcomes),
        "training_s": round(trained, 1),
        "share_of_slots": round(trained / (wall * slots), 3),
        "images_per_second": round(images / wall, 1),
    }


def run_plain(options: dict[str, str], search: Facts) -> Facts:
    """Run some trials of the plain script, and return its time for all of them by proportion."""
    baseline, budget = load_baseline(options["baseline"]), load_budget(options["budget"])
    all_trials = 3 * len(literal_networks(baseline, budget, Decimal(1), 2))
    count = int(options["plain_trials"])
    words = [f"baseline={options['baseline']}", f"budget={options['budget']}", f"trials={count}"]
    subprocess.run([sys.executable, HERE / "plain_search.py", *words, "out=plain.json"], check=True)
    plain = json.loads(Path("plain.json").read_text(encoding="utf-8"))
    whole = plain["loading_s"] + (plain["seconds"] - plain["loading_s"]) * all_trials / count
    return {
        "trials": count,
        "seconds": plain["seconds"],
        "all_trials": all_trials,
        "all_seconds": round(whole, 1),
        "over_search": round(whole / search["wall_s"], 2),
    }


def main() -> None:
    options = read_options(sys.argv[1:], _DEFAULTS)
    if not options["out"]:
        raise SystemExit("out=FILE.json is needed")
    if options["cpu"] == "0" and not torch.cuda.is_available():
        raise SystemExit("no CUDA device here; run it where there is one")
    device = torch.device("cpu" if options["cpu"] != "0" else "cuda")
    end, out = time.monotonic() + float(options["limit"]), Path(options["out"])
    facts: Facts = json.loads(out.read_text(encoding="utf-8")) if out.exists() else {}

    def left() -> float:
        return end - time.monotonic()

    parts: dict[str, Callable[[], Facts]] = {
        "first steps": lambda: measure_first_steps(options, device),
        "stream": lambda: measure_stream(options, device),
        "search": lambda: run_search(options, options["budget"], left()),
        "plain": lambda: run_plain(options, facts["search"]),
        "long": lambda: run_search(options, options["long_budget"], left() - _LEAST_LEFT),
    }
    facts["environment"] = environment()
    for name, part in parts.items():
        is_over = name in facts and facts[name].get("finished", True)
        if is_over or left() < _LEAST_LEFT:
            continue
        facts[name] = part()
        if name == "search":
            stream = facts["stream"]["images_per_second"]
            facts[name]["over_stream"] = round(facts[name]["images_per_second"] / stream, 3)
        out.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
        print(f"{name}: {json.dumps(facts[name])}", flush=True)


if __name__ == "__main__":
    main()
