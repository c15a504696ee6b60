"""Progressive learning beside a fixed size: seconds until both are equally accurate, on fractal scenes.

    python benchmarks/progressive.py [EPOCHS] [SEEDS] [NETWORK] [PX]

Both ways train in turns with the same seeds, `fast` otherwise. The accuracy that both reach in the end (the lower
of the two means over seeds) is the goal; each way's time is that of its first epoch from which on its mean accuracy
stays at the goal or above.
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
from scalesearch.training.events import Row, Sizes
from scalesearch.training.job import Job, Source, follow
from scalesearch.training.recipes import RECIPES, TrainRecipe


def history(name: str, px: int, recipe: TrainRecipe, seed: int, device: torch.device) -> list[Row]:
    """The epochs of one training."""
    source = Source("fractal", px, BUDGETS["quick"].scenes, cache_folder())
    data: ImageData = source.load()
    network = load_baseline(name)
    sized = replace(network, architecture=replace(network.architecture, resolution=px))
    definition = with_classes(sized, len(data.classes))
    job = Job(definition, data.classes, source, data.fingerprint, recipe, Sizes(px, px), seed)
    with tempfile.TemporaryDirectory() as folder:
        return [one for one in follow(job, Path(folder), data, device) if isinstance(one, Row)]


def seconds_to(runs: Sequence[Sequence[Row]], goal: float) -> float:
    """Mean seconds until the mean accuracy is at the goal for good."""
    accuracy = [mean(one.val_accuracy for one in epoch) for epoch in zip(*runs, strict=True)]
    first = next(i for i in range(len(accuracy)) if min(accuracy[i:]) >= goal)
    return mean(sum(one.seconds for one in run[: first + 1]) for run in runs)


def main(epochs: int = 12, seeds: int = 2, name: str = "tiny", px: int = 64) -> None:
    device = prepare_process()
    fast = replace(RECIPES["fast"], epochs=epochs)
    ways = {"fixed": fast.fixed(), "progressive": fast}
    runs: dict[str, list[list[Row]]] = {way: [] for way in ways}
    for seed in range(seeds):
        for way, recipe in ways.items():
            runs[way].append(history(name, px, recipe, seed, device))
            last = runs[way][-1][-1]
            print(f"{way} seed {seed}: {last.val_accuracy:.4f}", flush=True)
    goal = min(mean(run[-1].val_accuracy for run in found) for found in runs.values())
    print(f"{name} at {px} px, {epochs} epochs, {seeds} seeds, {device.type}; equal accuracy: {goal:.4f}")
    for way, found in runs.items():
        whole = mean(sum(one.seconds for one in run) for run in found)
        final = mean(run[-1].val_accuracy for run in found)
        print(f"{way:12} final {final:.4f} in {whole:.1f} s; {goal:.4f} after {seconds_to(found, goal):.1f} s")


if __name__ == "__main__":
    given = dict(enumerate(sys.argv[1:]))
    main(int(given.get(0, 12)), int(given.get(1, 2)), given.get(2, "tiny"), int(given.get(3, 64)))
