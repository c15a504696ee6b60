"""Measure whether a proxy can tell networks apart: signal between networks of equal cost over noise between seeds.

    python benchmarks/proxy_snr.py                                     the current recipe of quick, b0
    python benchmarks/proxy_snr.py baseline=resnet18 recipe.precise_bn_images=1024
    python benchmarks/proxy_snr.py budget=my_budget.yaml networks=20 seeds=8 first_seed=100 out=confirmed.jsonl

Keys: baseline, phi, budget (a name or a file), data, networks (the number of candidates, spread over all of them),
seeds (the number), first_seed, processes, out, and any field of the budget, of its recipe (`recipe.batch=16`) or
of its scenes (`scenes.classes=60`).

Two further keys exist only here. `rate_by_depth=0.5` multiplies the learning rate by (layers of the proxy / layers
of the unscaled one) ** −0.5. `whitening=1` sets the stem's filters to the directions in which the images' patches
vary most, each scaled to variance one, with both signs, and freezes them (Jordan 2024, arXiv 2404.00498, section
3.2; there the stem is a separate layer).

Every call also trains the unchanged budget, and prints the ratio of both, unless nothing is changed or
`as_it_is=0` is given. `out` saves each trial as a line of JSON. Trials that it contains are not trained again, so
a call that was stopped can be resumed. `unscaled=1` also trains the unscaled network, which is in `out` and in no
table: `search_replay.py` needs it to repeat whole searches.

The script prints a table for each budget, with a row per score and these columns:

- the mean;
- the noise, the standard deviation between seeds; `paired` is the same without the effect of a seed that is common
  to all networks, as in the comparisons of a search;
- the signal, the standard deviation between networks, adjusted for the logarithm of the proxy's multiply-adds;
- SNR = signal² / noise² of one trial, with its 95 % interval; with `recipe.trunk_epochs`, of the paired noise: a
  trunk's effect on all networks is that of a block;
- the intraclass correlation;
- Kendall's τ between two seeds;
- the SNR without the best and without the worst network.

Losses are negated. `losses` is the mean of both losses, and `all` is accuracy − (train loss + validation loss) / 4.
Seconds are CPU time of the process, so that other load matters little.

Eight networks and four seeds are for screening only: where the true SNR is 1.3, such a table shows .27 to 6.7.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from decimal import Decimal
from functools import cache
from math import log
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch
from key_values import errors_in_one_line, read_pairs
from torch import Tensor, nn
from torch.nn import functional as F
from variance_components import Components, components

from scalesearch.cli.cache import cache_folder
from scalesearch.design.architecture import Architecture
from scalesearch.design.baselines import load_baseline
from scalesearch.design.cost import cost
from scalesearch.proxy.datasets import ImageData, load_data
from scalesearch.search.budget import Budget, with_constant_lr_and_decay
from scalesearch.search.budget_file import load_budget
from scalesearch.search.canonical import from_json
from scalesearch.search.plan import Plan
from scalesearch.search.proxies import DataFacts, image_px, proxy_of
from scalesearch.search.study_config import StudyConfig
from scalesearch.search.task import Epoch
from scalesearch.search.trial import TrialSpec
from scalesearch.study.provenance import environment

SCORES = ("accuracy", "val loss", "train loss", "losses", "all")
_DEFAULTS = {
    "baseline": "b0", "phi": "1", "budget": "quick", "data": "fractal", "networks": "8", "seeds": "4",
    "first_seed": "0", "processes": "2", "out": "", "as_it_is": "1", "unscaled": "0",
}  # fmt: skip
_LEVERS = ("rate_by_depth", "whitening")
CANDIDATE, UNSCALED = "candidate", "unscaled"
"""The roles of networks."""


@dataclass(frozen=True, slots=True)
class Trial:
    """A trial is one network with one seed, trained to the end of a recipe."""

    id: str
    network: str
    seed: int
    log_cost: float
    """The natural logarithm of the proxy's multiply-adds over those of the unscaled network's proxy."""
    accuracy: float
    val_loss: float
    train_loss: float
    seconds: float
    role: str = CANDIDATE

    def score(self, name: str) -> float:
        """Return the score `name`, of which larger values are better."""
        return {
            "accuracy": self.accuracy,
            "val loss": -self.val_loss,
            "train loss": -self.train_loss,
            "losses": -(self.val_loss + self.train_loss) / 2,
            "all": self.accuracy - (self.val_loss + self.train_loss) / 4,
        }[name]


@dataclass(frozen=True, slots=True)
class Job:
    """A job is what a process needs to train one trial."""

    spec: TrialSpec
    log_cost: float
    data: str
    px: int
    budget: Budget
    whitening: bool = False
    role: str = CANDIDATE

    @property
    def id(self) -> str:
        """The id of the trial, with a suffix for what its specification does not contain."""
        return f"{self.spec.id}{'-whitening' * self.whitening}"


def changed(budget: Budget, changes: Mapping[str, str]) -> Budget:
    """Return the budget with changed fields of its own, its recipe or its scenes.

    Raises:
        SystemExit: there is no such field, or it cannot have this value.
    """
    result = budget
    for key, text in changes.items():
        owner_name, _, name = key.rpartition(".")
        owner: Any = getattr(result, owner_name) if owner_name in ("recipe", "scenes") else result
        if name not in {field.name for field in fields(owner)} or owner_name not in ("", "recipe", "scenes"):
            raise SystemExit(f"{key}: no such key; see the head of this file")
        try:
            value = from_json(type(owner), {**_json_tree(owner), name: _parse_value(text)})
        except ValueError as error:
            raise SystemExit(f"{key}={text}: {error}") from error
        result = replace(result, **{owner_name: value}) if owner_name else value
    return result


def _json_tree(owner: Any) -> dict[str, Any]:
    from scalesearch.search.canonical import as_json

    tree = as_json(owner)
    assert isinstance(tree, dict)
    return tree


def _parse_value(text: str) -> int | Decimal | str:
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return Decimal(f"{Decimal(text):f}")
    except ArithmeticError:
        return text


def jobs(options: Mapping[str, str], budget: Budget, levers: Mapping[str, str]) -> list[Job]:
    """Return jobs of every network with every seed, by seed, the most expensive networks first."""
    training_budget = replace(with_constant_lr_and_decay(budget), candidates=int(options["networks"]))
    config = StudyConfig(load_baseline(options["baseline"]), Decimal(options["phi"]), training_budget)
    px, whitening = image_px(config), levers.get("whitening", "0") != "0"
    images = data_of(options["data"], px, training_budget, config.baseline.architecture.in_channels)
    facts = DataFacts(
        images.name, images.fingerprint, len(images.classes), len(images.train_labels_N), len(images.val_labels_N)
    )
    plan = Plan(config, facts)
    first = int(options["first_seed"])
    base = proxy_of(config, config.baseline.architecture, facts.classes)
    assert isinstance(base, Architecture), "a baseline file's networks are architectures"
    result = []
    networks = [(CANDIDATE, candidate.architecture) for candidate in plan.trained]
    if options["unscaled"] != "0":
        networks.append((UNSCALED, config.baseline.architecture))
    for seed in range(first, first + int(options["seeds"])):
        for role, network in networks:
            spec = plan.spec(network, seed)
            assert isinstance(spec.proxy, Architecture), "a baseline file's networks are architectures"
            rate = scale_rate_by_depth(
                training_budget.recipe.learning_rate, spec.proxy, base, float(levers.get("rate_by_depth", 0))
            )
            spec = replace(spec, recipe=replace(training_budget.recipe, learning_rate=rate))
            log_cost = log(cost(spec.proxy).macs / cost(base).macs)
            result.append(Job(spec, log_cost, options["data"], px, training_budget, whitening, role))
    return sorted(result, key=lambda job: (job.spec.seed, -job.log_cost))


def scale_rate_by_depth(rate: Decimal, proxy: Architecture, base: Architecture, power: float) -> Decimal:
    """Return the learning rate times (layers / layers of the unscaled network) ** −power, to five decimals."""
    return round(rate * Decimal((sum(proxy.depths) / sum(base.depths)) ** -power), 5) if power else rate


@cache
def data_of(data: str, px: int, budget: Budget, channels: int) -> ImageData:
    """Return the images, which are read once per process."""
    return load_data(data, px, budget.scenes, cache_folder(), channels=channels)


def trained(job: Job) -> Trial:
    """Train one trial in this process."""
    from scalesearch.proxy.objective import ProxyTraining

    assert isinstance(job.spec.network, Architecture), "a baseline file's networks are architectures"
    images = data_of(job.data, job.px, job.budget, job.spec.network.in_channels)
    began = time.process_time()
    *_, last = ProxyTraining(images)(job.spec) if not job.whitening else whitened(job.spec, images)
    seconds = time.process_time() - began
    return Trial(
        job.id, job.spec.network_id, job.spec.seed, job.log_cost,
        last.val_accuracy, last.val_loss, last.train_loss, round(seconds, 2), job.role,
    )  # fmt: skip


def whitened(spec: TrialSpec, images: ImageData) -> Iterator[Epoch]:
    """Return the epochs of a proxy whose stem whitens patches and is frozen."""
    from scalesearch.nets.convnet import ConvNet
    from scalesearch.proxy.augment import normalise
    from scalesearch.proxy.initial import initial_network
    from scalesearch.proxy.objective import prepare_process
    from scalesearch.proxy.training import Training, train_full

    device = prepare_process()
    network, data = initial_network(spec.proxy, spec.seed), images.resized_to(spec.proxy.side)
    assert isinstance(network, ConvNet)
    stem = next(module for module in network.modules() if isinstance(module, nn.Conv2d))
    stem.weight.data.copy_(whitening_filters(normalise(data.train_images_NCHW[:500]), stem))
    stem.weight.requires_grad_(False)
    return train_full(Training(network, data, spec.recipe, spec.seed, device))


def whitening_filters(images_NCHW: Tensor, stem: nn.Conv2d) -> Tensor:
    """Return filters (out, C, k, k) for the stem that whiten patches of the images.

    They are the first principal directions of patches, scaled to variance one, and then the same negated. Where
    the stem is wider than twice the number of directions, the other filters keep their random weights.
    """
    channels, (side, _) = images_NCHW.shape[1], stem.kernel_size
    patches_PD = F.unfold(images_NCHW, side, stride=2).transpose(1, 2).flatten(0, 1).double()
    patches_PD -= patches_PD.mean(0)
    values_D, vectors_DD = torch.linalg.eigh(patches_PD.T @ patches_PD / len(patches_PD))
    scaled_DD = (vectors_DD / (values_D + 1e-3).sqrt()).flip(1).T
    half = min(-(-stem.out_channels // 2), len(scaled_DD))
    both = torch.cat([scaled_DD[:half], -scaled_DD[:half]])[: stem.out_channels]
    filters = stem.weight.detach().clone()
    filters[: len(both)] = both.reshape(-1, channels, side, side).to(filters.dtype)
    return filters


def train_missing(requested: Sequence[Job], processes: int, out: Path | None) -> dict[str, Trial]:
    """Return every trial by its id.

    Trials are read from `out` where it has them. The others are trained, and appended to it.
    """
    trials = dict(read(out)) if out is not None else {}
    missing = [job for job in requested if job.id not in trials]
    with get_context("spawn").Pool(processes) as pool:
        for done, trial in enumerate(pool.imap_unordered(trained, missing), 1):
            trials[trial.id] = trial
            if out is not None:
                row = {
                    **{field.name: getattr(trial, field.name) for field in fields(trial)},
                    "environment": environment(),
                }
                with out.open("a", encoding="utf-8") as stream:
                    stream.write(json.dumps(row) + "\n")
            print(f"\r{done}/{len(missing)} trials", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return trials


def read(path: Path) -> Iterator[tuple[str, Trial]]:
    """Yield the trials of a JSON Lines file; an incomplete line is skipped."""
    names = {field.name for field in fields(Trial)}
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        try:
            row = json.loads(line)
        except ValueError:
            continue
        yield row["id"], Trial(**{name: row[name] for name in names & row.keys()})


def candidates_of(trials: Sequence[Trial]) -> list[Trial]:
    """Return the trials of candidates."""
    return [trial for trial in trials if trial.role == CANDIDATE]


def analyse(trials: Sequence[Trial], in_blocks: bool) -> dict[str, tuple[Components, float, float]]:
    """Return, for every score, its components, and the SNR without the best and without the worst network."""
    keys = sorted({trial.network for trial in trials})
    seeds = sorted({trial.seed for trial in trials})
    by_network_and_seed = {(trial.network, trial.seed): trial for trial in trials}
    covariate_K = np.array([by_network_and_seed[key, seeds[0]].log_cost for key in keys])
    result = {}
    for name in SCORES:
        scores_KN = np.array([[by_network_and_seed[key, seed].score(name) for seed in seeds] for key in keys])
        order = np.argsort(scores_KN.mean(1))
        snrs_without = [
            components(np.delete(scores_KN, row, 0), np.delete(covariate_K, row), in_blocks).snr
            for row in (order[-1], order[0])
        ]
        result[name] = components(scores_KN, covariate_K, in_blocks), snrs_without[0], snrs_without[1]
    return result


def print_table(title: str, trials: Sequence[Trial], in_blocks: bool) -> float:
    """Print a table, and return the SNR of accuracy per core-minute."""
    networks, seeds = len({trial.network for trial in trials}), len({trial.seed for trial in trials})
    minutes = sum(trial.seconds for trial in trials) / len(trials) / 60
    print(f"\n{title}: {networks} networks x {seeds} seeds, {60 * minutes:.1f} core-seconds a trial")
    heads = (
        "score", "mean", "noise", "paired", "signal", "SNR", "95 %", "ICC", "tau", "-best", "-worst",
        "SNR/core-minute",
    )  # fmt: skip
    print("| " + " | ".join(heads) + " |\n|" + "---|" * len(heads))
    table = analyse(trials, in_blocks)
    for name, (parts, best, worst) in table.items():
        cells = (
            name, f"{parts.mean:.3f}", f"{parts.noise:.4f}", f"{parts.paired:.4f}", f"{parts.signal:.4f}",
            f"{parts.snr:.2f}", f"{parts.low:.2f} ... {parts.high:.2f}", f"{parts.icc:.2f}", f"{parts.tau:.2f}",
            f"{best:.2f}", f"{worst:.2f}", f"{parts.snr / minutes:.2f}",
        )  # fmt: skip
        print("| " + " | ".join(cells) + " |")
    return table["accuracy"][0].snr / minutes


def main() -> None:
    arguments = read_pairs(sys.argv[1:])
    options = {**_DEFAULTS, **{key: arguments.pop(key) for key in [*arguments] if key in _DEFAULTS}}
    title = " ".join(f"{key}={text}" for key, text in arguments.items())
    levers = {key: arguments.pop(key) for key in _LEVERS if key in arguments}
    budget = load_budget(options["budget"])
    out = Path(options["out"]) if options["out"] else None
    jobs_by_title = {} if title and options["as_it_is"] == "0" else {"as it is": jobs(options, budget, {})}
    if title:
        jobs_by_title[title] = jobs(options, changed(budget, arguments), levers)
    newest_first = [job for group in reversed(jobs_by_title.values()) for job in group]
    trials = train_missing(newest_first, int(options["processes"]), out)
    rates = [
        print_table(title, candidates_of([trials[job.id] for job in group]), group[0].spec.trunk is not None)
        for title, group in jobs_by_title.items()
    ]
    if len(rates) == 2:
        ratio = f"{rates[1] / rates[0]:.1f}x" if min(rates) > 0 else "not known: in one of them no signal was found"
        print(f"\nSNR of accuracy for a core-minute, over that of the budget as it is: {ratio}")
    machine = environment()
    print("\n" + ", ".join(f"{name} {value}" for name, value in machine.items()))


if __name__ == "__main__":
    with errors_in_one_line():
        main()
