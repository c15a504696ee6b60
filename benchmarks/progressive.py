"""Compare progressive learning with a fixed image size: seconds until both are equally accurate, on fractal scenes.

    python benchmarks/progressive.py [EPOCHS] [SEEDS] [NETWORK] [PX]

Both methods train in turns with the same seeds, and otherwise with the recipe `fast`. The target is the accuracy
that both reach in the end, the lower of the two means over seeds. Each method's time is that of the first epoch
from which its mean accuracy stays at the target or above.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import mean

import torch

from scalesearch.cli.cache import cache_folder
from scalesearch.design.baselines import load_baseline
from scalesearch.nets.weights import with_classes
from scalesearch.proxy.datasets import ImageData
from scalesearch.proxy.objective import prepare_process
from scalesearch.search.budget import BUDGETS
from scalesearch.training.events import EpochMetrics, Sizes
from scalesearch.training.job import Job, Source, resume_training
from scalesearch.training.recipes import RECIPES, TrainRecipe


def history(name: str, px: int, recipe: TrainRecipe, seed: int, device: torch.device) -> list[EpochMetrics]:
    """Train once, and return the epochs."""
    source = Source("fractal", px, BUDGETS["quick"].scenes, cache_folder())
    data: ImageData = source.load()
    network = load_baseline(name)
    sized = replace(network, architecture=replace(network.architecture, resolution=px))
    definition = with_classes(sized, len(data.classes))
    job = Job(definition, data.classes, source, data.fingerprint, recipe, Sizes(px, px), seed)
    with tempfile.TemporaryDirectory() as folder:
        return [
            event for event in resume_training(job, Path(folder), data, device) if isinstance(event, EpochMetrics)
        ]


def seconds_to(runs: Sequence[Sequence[EpochMetrics]], target: float) -> float:
    """Return the mean seconds until the mean accuracy stays at the target or above."""
    accuracy = [mean(row.val_accuracy for row in epoch) for epoch in zip(*runs, strict=True)]
    first = next(i for i in range(len(accuracy)) if min(accuracy[i:]) >= target)
    return mean(sum(row.seconds for row in run[: first + 1]) for run in runs)


def main(epochs: int = 12, seeds: int = 2, name: str = "tiny", px: int = 64) -> None:
    device = prepare_process()
    fast = replace(RECIPES["fast"], epochs=epochs)
    recipes = {"fixed": fast.fixed(), "progressive": fast}
    runs: dict[str, list[list[EpochMetrics]]] = {method: [] for method in recipes}
    for seed in range(seeds):
        for method, recipe in recipes.items():
            runs[method].append(history(name, px, recipe, seed, device))
            last = runs[method][-1][-1]
            print(f"{method} seed {seed}: {last.val_accuracy:.4f}", flush=True)
    target = min(mean(run[-1].val_accuracy for run in trials) for trials in runs.values())
    print(f"{name} at {px} px, {epochs} epochs, {seeds} seeds, {device.type}; equal accuracy: {target:.4f}")
    for method, trials in runs.items():
        total = mean(sum(row.seconds for row in run) for run in trials)
        final = mean(run[-1].val_accuracy for run in trials)
        print(
            f"{method:12} final {final:.4f} in {total:.1f} s; {target:.4f} after {seconds_to(trials, target):.1f} s"
        )


if __name__ == "__main__":
    arguments = dict(enumerate(sys.argv[1:]))
    main(int(arguments.get(0, 12)), int(arguments.get(1, 2)), arguments.get(2, "tiny"), int(arguments.get(3, 64)))
