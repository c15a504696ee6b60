"""Search (α, β, γ) as a short script does: the literal grid, a plain training loop, Ray Tune's defaults.

    python benchmarks/plain_search.py baseline=b0 out=plain.json        like `scalesearch grid --baseline b0`
    python benchmarks/plain_search.py baseline=tiny budget=smoke seeds=1

Keys: baseline, phi, budget (a name or a file), data, seeds (3), epochs, cores (trials at a time), trials (only the
first so many), out. Where there is a GPU, each trial gets one.

The script takes every α, β, γ of the budget's grid with αβ²γ² ≈ 2, scales the baseline by α^φ, β^φ, γ^φ, and trains
each network with every seed: three by default. Widths are divided as in the budget's proxies, and the side is the
budget's times γ^φ; costs are not matched. The loop is what the tutorials of PyTorch show: eager float32, contiguous
tensors, SGD with momentum, a one-cycle rate, random crops and flips of each batch by torch, running statistics of
batch norm. Every trial is a Ray Tune trial with a function; Tune schedules them. The triple of the best mean
accuracy wins. Data, images seen and the batch size are those of a search with the budget from scratch, which
trains as long as the trunk and the grown network together. None of scalesearch's other levers is used.

It prints the trials, the winner, and the network of the winner's α and β at matched cost, whose true value can be
compared with that of another search's choice; and the time in all. `out` saves the same as JSON.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import torch
from key_values import read_options
from torch import Tensor, nn
from torch.nn import functional as F

from scalesearch.cli.cache import cache_folder
from scalesearch.design.architecture import Architecture
from scalesearch.design.baselines import load_baseline
from scalesearch.design.coefficients import Coefficients
from scalesearch.design.scaling import Baseline, scaled
from scalesearch.nets.convnet import ConvNet
from scalesearch.proxy.datasets import ImageData, load_data
from scalesearch.search.budget import Budget
from scalesearch.search.budget_file import load_budget
from scalesearch.search.canonical import digest
from scalesearch.search.grid import triples
from scalesearch.search.make_proxy import make_proxy
from scalesearch.search.plan import Plan
from scalesearch.search.proxies import DataFacts
from scalesearch.search.study_config import StudyConfig
from scalesearch.study.provenance import environment

_DEFAULTS = {
    "baseline": "b0", "phi": "1", "budget": "quick", "data": "fractal", "seeds": "3", "epochs": "", "cores": "",
    "trials": "", "out": "",
}  # fmt: skip
_MEAN, _STD, _MOMENTUM = 0.5, 0.25, 0.9
_PADDING = 8
"""Images are padded by one in so many px of their side before they are cropped."""
_VALIDATION_BATCH = 256


@dataclass(frozen=True, slots=True)
class Job:
    """A job is what a trial needs: one network and how to train it."""

    network: Architecture
    epochs: int
    batch: int
    rate: float
    seed: int


def literal_networks(baseline: Baseline, budget: Budget, phi: Decimal, classes: int) -> dict[str, Architecture]:
    """Return the small network of every triple of the grid, by the triple's text; costs are not matched."""
    networks = {}
    for triple in triples(budget.step, budget.tolerance):
        network = scaled(baseline.architecture, triple.at(phi), baseline.rounding)
        networks[_text(triple)] = make_proxy(network, baseline, budget.width_divisor, budget.resolution, classes)
    return networks


def _text(triple: Coefficients) -> str:
    return f"{triple.alpha}/{triple.beta}/{triple.gamma}"


def train(job: Job, images: ImageData) -> float:
    """Train one network in a plain loop, and return its accuracy on the validation images."""
    torch.manual_seed(job.seed)
    torch.set_num_threads(1)
    side = job.network.side
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model = ConvNet(job.network).to(device)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 0.1  # torch's default; that of the baselines is for long trainings
    train_NCHW, val_NCHW = (
        _resized(one, side).to(device) for one in (images.train_images_NCHW, images.val_images_NCHW)
    )
    train_labels_N, val_labels_N = images.train_labels_N.to(device), images.val_labels_N.to(device)
    count = len(train_NCHW)
    optimizer = torch.optim.SGD(model.parameters(), lr=job.rate, momentum=_MOMENTUM, weight_decay=5e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=job.rate, total_steps=job.epochs * (count // job.batch)
    )
    model.train()
    for _ in range(job.epochs):
        order_N = torch.randperm(count, device=device)
        for start in range(0, count - job.batch + 1, job.batch):
            index_B = order_N[start : start + job.batch]
            loss = F.cross_entropy(model(_augmented(train_NCHW[index_B])), train_labels_N[index_B])
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
    model.eval()
    with torch.no_grad():
        parts = [slice(start, start + _VALIDATION_BATCH) for start in range(0, len(val_NCHW), _VALIDATION_BATCH)]
        right_N = torch.cat([model(val_NCHW[part]).argmax(1) == val_labels_N[part] for part in parts])
    return float(right_N.double().mean())


def _resized(images_NCHW: Tensor, side: int) -> Tensor:
    """Return the images as floats of another side."""
    floats_NCHW = images_NCHW.float().contiguous() / 255
    return (F.interpolate(floats_NCHW, (side, side), mode="bilinear", antialias=True) - _MEAN) / _STD


def _augmented(images_BCHW: Tensor) -> Tensor:
    """Return the images, each cropped from a padded one and perhaps flipped."""
    side = images_BCHW.shape[-1]
    pad = max(1, side // _PADDING)
    padded = F.pad(images_BCHW, (pad, pad, pad, pad), mode="reflect")
    moved = []
    for image_CHW in padded:
        top, left = torch.randint(0, 2 * pad + 1, (2,)).tolist()
        cropped = image_CHW[:, top : top + side, left : left + side]
        moved.append(cropped.flip(-1) if torch.rand(()) < 0.5 else cropped)
    return torch.stack(moved)


def run(jobs: dict[tuple[str, int], Job], images: ImageData, cores: int | None) -> dict[tuple[str, int], float]:
    """Train every job as a trial of Ray Tune, with Tune's own defaults, and return the accuracies."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    import ray
    from ray import tune

    keys = [*jobs]

    def trainable(config: dict[str, Any], images: ImageData) -> None:
        tune.report({"accuracy": train(jobs[keys[config["index"]]], images)})

    ray.init(num_cpus=cores, logging_level="error", include_dashboard=False)
    resources = {"cpu": 1, "gpu": 1} if torch.cuda.is_available() else {"cpu": 1}
    tuner = tune.Tuner(
        tune.with_resources(tune.with_parameters(trainable, images=images), resources),
        param_space={"index": tune.grid_search([*range(len(keys))])},
    )
    found = {keys[result.config["index"]]: float(result.metrics["accuracy"]) for result in tuner.fit()}
    ray.shutdown()
    return found


def matched_network(baseline: Baseline, budget: Budget, phi: Decimal, winner: str) -> str | None:
    """Return the id of the network of the winner's α and β at matched cost; None: it is no candidate."""
    data = DataFacts("", "", 2, 1, 1)
    plan = Plan(StudyConfig(baseline, phi, budget, scheduler="grid"), data)
    for candidate in plan.trained:
        if winner in {_text(alias) for alias in candidate.aliases} or winner.split("/")[:2] == [
            str(candidate.coefficients.alpha), str(candidate.coefficients.beta),
        ]:  # fmt: skip
            return digest(candidate.architecture)
    return None


def main() -> None:
    options = read_options(sys.argv[1:], _DEFAULTS)
    began = time.perf_counter()
    baseline, budget, phi = (
        load_baseline(options["baseline"]),
        load_budget(options["budget"]),
        Decimal(options["phi"]),
    )
    side = round(budget.resolution * 2)  # the largest gamma of a grid is below 2
    images = load_data(options["data"], side, budget.scenes, cache_folder())
    recipe = budget.recipe
    loading = time.perf_counter() - began
    epochs = int(options["epochs"] or recipe.epochs + recipe.trunk_epochs)
    networks = literal_networks(baseline, budget, phi, len(images.classes))
    batch = min(recipe.batch, len(images.train_labels_N))
    jobs = {
        (triple, seed): Job(network, epochs, batch, float(recipe.learning_rate), seed)
        for triple, network in networks.items()
        for seed in range(int(options["seeds"]))
    }
    if options["trials"]:
        jobs = {key: jobs[key] for key in [*jobs][: int(options["trials"])]}
    found = run(jobs, images, int(options["cores"]) if options["cores"] else None)
    by_triple: dict[str, list[float]] = defaultdict(list)
    for (triple, _), accuracy in sorted(found.items()):
        by_triple[triple].append(accuracy)
    means = {triple: sum(values) / len(values) for triple, values in by_triple.items()}
    for triple in sorted(means, key=lambda key: -means[key]):
        print(f"{triple:<14} {means[triple]:.4f}  {' '.join(f'{value:.4f}' for value in by_triple[triple])}")
    winner = max(means, key=lambda key: means[key])
    facts = {
        "winner": winner,
        "matched_network": matched_network(baseline, budget, phi, winner),
        "accuracies": by_triple,
        "loading_s": round(loading, 1),
        "seconds": round(time.perf_counter() - began, 1),
        "environment": environment(),
        **{key: value for key, value in options.items() if key != "out"},
    }
    print(f"winner {winner}, {len(jobs)} trials, {facts['seconds']} s")
    if options["out"]:
        Path(options["out"]).write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
