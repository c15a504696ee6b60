"""Measure whether networks grown from a shared, partly trained trunk can be told apart.

    python benchmarks/grown_trunks.py trunk_images=5000 grown_images=5000
    python benchmarks/grown_trunks.py networks=20 trunks=4 data=shapes scenes.classes=40 out=grown.jsonl

Keys: baseline, phi, budget (a name or a file), data, networks, trunks (how many, with the seeds first_seed, …),
first_seed, trunk_images, grown_images, scratch (1: also train every network from scratch, on grown_images and on
the sum of both), evidence (a table of results/evidence), processes, out, and any field of the budget, its recipe or
its scenes.

A trunk is the proxy of the unscaled network, trained at a constant rate. Every candidate's proxy is grown from it
and trained on, with a warm-up and a decay of its own. Growing keeps the function: trained tensors become the
leading corner of the larger ones, old channels do not read new ones, and further residual blocks begin as the
identity (Net2Net, Chen et al. 2016, arXiv 1511.05641, copies channels instead). The exceptions are shortcuts that
need a projection only where a stage is wider, as in resnet18's first stage. The side of a proxy is the one at which
it costs 2^φ times the unscaled proxy.

Trials below one trunk share its luck, so the seeds here are the trunks. The effect of a trunk that is common to all
networks is taken off. What remains is the interaction of network and trunk, and the noise of the rest of the
training. The table is that of `proxy_snr.py`. With `evidence` its last column is the correlation of the networks'
means with their mean accuracies there, at the end of trainings from scratch.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from math import log
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from proxy_snr import SCORES, changed, data_of
from torch import Tensor, nn
from variance_components import components

from scalesearch.design.architecture import Architecture
from scalesearch.design.baselines import load_baseline
from scalesearch.design.cost import cost
from scalesearch.design.matching import match_resolutions
from scalesearch.proxy.objective import initial_network, prepare_process
from scalesearch.proxy.training import Training, train_full, train_stable
from scalesearch.search.budget import Budget, with_constant_lr_and_decay
from scalesearch.search.budget_file import load_budget
from scalesearch.search.canonical import digest
from scalesearch.search.proxies import proxy_of
from scalesearch.search.study_config import StudyConfig, enumerate_candidates, select_candidates
from scalesearch.study.provenance import environment

_DEFAULTS = {
    "baseline": "b0", "phi": "1", "budget": "quick", "data": "fractal", "networks": "10", "trunks": "2",
    "first_seed": "0", "trunk_images": "5000", "grown_images": "5000", "scratch": "0", "evidence": "",
    "processes": "2", "out": "",
}  # fmt: skip
_SEED_OF_GROWTH = 1_000_000
"""Added to a trunk's seed: new weights and the order of images differ from those of the trunk."""


@dataclass(frozen=True, slots=True)
class Job:
    """A job is one proxy, to be trained from scratch (trunk_images 0) or from a trunk."""

    network: str
    """The id of the candidate."""
    proxy: Architecture
    base: Architecture
    seed: int
    budget: Budget
    data: str
    px: int
    trunk_images: int
    images: int
    log_cost: float

    @property
    def id(self) -> str:
        """A text that identifies the trial."""
        parts = digest(self.proxy), digest(self.budget), self.data, self.seed, self.trunk_images, self.images
        return "-".join(map(str, parts))


def grow(trained: Mapping[str, Tensor], network: nn.Module) -> None:
    """Copy trained tensors into the leading corners of the network's, so that it computes the same at first."""
    tensors = network.state_dict()
    for name, small in trained.items():
        large = tensors[name]
        corner = tuple(slice(0, length) for length in small.shape)
        if small.ndim >= 2 and small.shape[1] < large.shape[1]:
            large[: small.shape[0], small.shape[1] :] = 0  # old channels do not read new ones
        large[corner] = small
    network.load_state_dict(tensors)


def trained(job: Job) -> dict[str, Any]:
    """Train one job, and return its row."""
    device = prepare_process()
    images = data_of(job.data, job.px, job.budget, job.proxy.in_channels)
    began = time.process_time()
    seed = job.seed + (_SEED_OF_GROWTH if job.trunk_images else 0)
    network = initial_network(job.proxy, seed)
    if job.trunk_images:
        grow(_trunk(job.base, job.seed, job.budget, job.data, job.px, job.trunk_images), network)
    data = images.resized_to(job.proxy.resolution)
    recipe = _recipe(job.budget, job.images, len(data.train_labels_N))
    *_, last = train_full(Training(network, data, recipe, seed, device))
    return {
        "id": job.id, "network": job.network, "trunk_images": job.trunk_images, "images": job.images,
        "seed": job.seed, "log_cost": job.log_cost, "accuracy": last.val_accuracy, "val_loss": last.val_loss,
        "train_loss": last.train_loss, "seconds": round(time.process_time() - began, 2),
    }  # fmt: skip


def _recipe(budget: Budget, images: int, train: int) -> Any:
    """Return the recipe with as many epochs as the images take, rounded."""
    return replace(budget.recipe, epochs=max(1, round(images / train)))


_TRUNKS: dict[tuple[Any, ...], dict[str, Tensor]] = {}


def _trunk(base: Architecture, seed: int, budget: Budget, data: str, px: int, images: int) -> dict[str, Tensor]:
    """Return the weights of a trunk, which is trained once per process."""
    key = seed, images
    if key not in _TRUNKS:
        network = initial_network(base, seed)
        source = data_of(data, px, budget, base.in_channels).resized_to(base.resolution)
        recipe = _recipe(budget, 2 * images, len(source.train_labels_N))
        run = Training(network, source, recipe, seed, torch.device("cpu"))
        for _ in train_stable(run, run.steps // 2):
            pass
        _TRUNKS[key] = {name: value.detach().clone() for name, value in network.state_dict().items()}
    return _TRUNKS[key]


def jobs(options: Mapping[str, str], budget: Budget) -> dict[str, list[Job]]:
    """Return the jobs by title, by trunk, the most expensive networks first."""
    budget = replace(with_constant_lr_and_decay(budget), candidates=int(options["networks"]))
    phi = Decimal(options["phi"])
    config = StudyConfig(load_baseline(options["baseline"]), phi, budget)
    classes = budget.scenes.classes
    base = proxy_of(config, config.baseline.architecture, classes)
    assert isinstance(base, Architecture), "a baseline file's networks are architectures"
    proxies, ids = [], {}
    for candidate in select_candidates(config, enumerate_candidates(config)):
        proxy = proxy_of(config, candidate.architecture, classes)
        assert isinstance(proxy, Architecture), "a baseline file's networks are architectures"
        (matched,) = match_resolutions(base, [(proxy.widths, proxy.depths)], 2**phi)
        proxies.append(replace(proxy, resolution=matched.resolution))
        ids[proxies[-1]] = digest(candidate.architecture)
    px = max(proxy.resolution for proxy in (base, *proxies))
    trunk, grown, first = (int(options[name]) for name in ("trunk_images", "grown_images", "first_seed"))
    plans = {f"grown on {grown} images from trunks of {trunk}": (trunk, grown)}
    if options["scratch"] != "0":
        plans |= {f"from scratch, {count} images": (0, count) for count in (grown, trunk + grown)}
    return {
        title: [
            Job(ids[proxy], proxy, base, seed, budget, options["data"], px, trunk_images, images,
                log(cost(proxy).macs / cost(base).macs))
            for seed in range(first, first + int(options["trunks"]))
            for proxy in sorted(proxies, key=lambda proxy: -cost(proxy).macs)
        ]
        for title, (trunk_images, images) in plans.items()
    }  # fmt: skip


def read_evidence(path: str) -> dict[str, float]:
    """Return the mean accuracy of each candidate at the end of its trainings, by the id of the network."""
    table = pd.read_parquet(path)
    table = table[(table["role"] == "candidate") & (table["samples"] == table["samples"].max())]
    means = table.groupby("network")["accuracy"].mean()
    return {str(key): float(value) for key, value in means.items()}


def print_table(title: str, rows: Sequence[Mapping[str, Any]], seeds: int, accuracies: Mapping[str, float]) -> None:
    """Print a table with a row per score; rows come by seed, and `accuracies` are those of the evidence."""
    networks = len(rows) // seeds
    seconds = sum(row["seconds"] for row in rows) / len(rows)
    print(f"\n{title}: {networks} networks x {seeds} seeds, {seconds:.1f} core-seconds a trial")
    print(
        "| score | mean | noise | paired | signal | SNR | 95 % | tau | r |\n|---|---|---|---|---|---|---|---|---|"
    )
    keys = [row["network"] for row in rows[:networks]]
    known = [place for place, key in enumerate(keys) if key in accuracies]
    covariate_K = np.array([row["log_cost"] for row in rows[:networks]])
    for name in SCORES:
        scores_KN = np.array([_score(row, name) for row in rows]).reshape(seeds, networks).T
        raw = components(scores_KN, covariate_K)
        parts = components(scores_KN - scores_KN.mean(0), covariate_K)
        accurate = [accuracies[keys[place]] for place in known]
        r = float(np.corrcoef(scores_KN.mean(1)[known], accurate)[0, 1]) if len(known) > 2 else float("nan")
        print(
            f"| {name} | {raw.mean:.3f} | {raw.noise:.4f} | {raw.paired:.4f} | {parts.signal:.4f} "
            f"| {parts.snr:.2f} | {parts.low:.2f} ... {parts.high:.2f} | {parts.tau:.2f} | {r:.2f} |"
        )


def _score(row: Mapping[str, Any], name: str) -> float:
    accuracy, losses = float(row["accuracy"]), (float(row["val_loss"]), float(row["train_loss"]))
    return {
        "accuracy": accuracy, "val loss": -losses[0], "train loss": -losses[1], "losses": -sum(losses) / 2,
        "all": accuracy - sum(losses) / 4,
    }[name]  # fmt: skip


def main() -> None:
    arguments = dict(argument.split("=", 1) for argument in sys.argv[1:])
    options = {**_DEFAULTS, **{key: arguments.pop(key) for key in [*arguments] if key in _DEFAULTS}}
    by_title = jobs(options, changed(load_budget(options["budget"]), arguments))
    out = Path(options["out"]) if options["out"] else None
    lines = out.read_text(encoding="utf-8").splitlines() if out is not None and out.exists() else []
    rows = {row["id"]: row for row in map(json.loads, lines)}
    missing = [job for group in by_title.values() for job in group if job.id not in rows]
    with get_context("spawn").Pool(int(options["processes"])) as pool:
        for done, row in enumerate(pool.imap_unordered(trained, missing), 1):
            rows[row["id"]] = row
            if out is not None:
                with out.open("a", encoding="utf-8") as stream:
                    stream.write(json.dumps({**row, "environment": environment()}) + "\n")
            print(f"\r{done}/{len(missing)} trials", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    accuracies = read_evidence(options["evidence"]) if options["evidence"] else {}
    for title, group in by_title.items():
        print_table(title, [rows[job.id] for job in group], int(options["trunks"]), accuracies)
    print("\n" + ", ".join(f"{name} {value}" for name, value in environment().items()))


if __name__ == "__main__":
    main()
