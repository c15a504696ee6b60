"""Can a proxy tell networks apart? Signal between networks of equal cost against noise between seeds.

    python benchmarks/proxy_snr.py                                     today's recipe of quick, b0
    python benchmarks/proxy_snr.py baseline=resnet18 recipe.precise_bn_images=1024
    python benchmarks/proxy_snr.py budget=my_budget.yaml networks=20 seeds=8 first_seed=100 out=confirmed.jsonl

Keys: baseline, phi, budget (a name or a file), data, networks (so many of the candidates, spread over them),
seeds (how many), first_seed, processes, out, and any field of the budget, of its recipe (`recipe.batch=16`) or
of its scenes (`scenes.classes=60`).

Two levers are tried here alone. `rate_by_depth=0.5` multiplies the learning rate by (layers of the proxy /
layers of the unscaled one) ** −0.5. `whitening=1` sets the stem's filters to the directions in which the images'
patches vary most, each scaled to variance one, with both signs, and never changes them (Jordan 2024, arXiv
2404.00498, section 3.2; there the stem is a layer of its own).

Every call also trains the budget as it is, unless nothing is changed or `as_it_is=0` is given, and
prints the ratio of both. `out` keeps each trial as a line of JSON; trials that it holds are not trained again,
so a call that was stopped goes on.

Prints a table for each: a score's mean, the noise (standard deviation from seed to seed; `paired` is the same
beside what a seed does to all networks alike, as searches compare them), the signal (from network to network,
adjusted for the logarithm of the proxy's multiply-adds), SNR = signal² / noise² of one trial with its 95 %
interval, the intraclass correlation, Kendall's τ of one seed with another, and the SNR without the best and
without the worst network. Losses are negated. `losses` is the mean of both losses, `all`
is accuracy − (train loss + validation loss) / 4. Seconds are of the process's CPU time, so that other work
disturbs them little.

Eight networks and four seeds are for screening only: where SNR is truly 1.3, such a table reads .27 to 6.7.
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
from torch import Tensor, nn
from torch.nn import functional as F
from variance_components import Components, components

from scalesearch.cli.cache import cache_folder
from scalesearch.design.architecture import Architecture
from scalesearch.design.baselines import load_baseline
from scalesearch.design.cost import cost
from scalesearch.proxy.datasets import ImageData, load_data
from scalesearch.search.budget import Budget, as_constant_lr
from scalesearch.search.budget_file import load_budget
from scalesearch.search.canonical import from_json
from scalesearch.search.plan import Plan
from scalesearch.search.proxies import DataFacts, image_px, proxy_of
from scalesearch.search.study_config import StudyConfig
from scalesearch.search.task import Epoch
from scalesearch.search.trial import TrialSpec
from scalesearch.study.provenance import environment

SCORES = ("accuracy", "val loss", "train loss", "losses", "all")
_OWN = {
    "baseline": "b0", "phi": "1", "budget": "quick", "data": "fractal", "networks": "8", "seeds": "4",
    "first_seed": "0", "processes": "2", "out": "", "as_it_is": "1",
}  # fmt: skip
_LEVERS = ("rate_by_depth", "whitening")


@dataclass(frozen=True, slots=True)
class Trial:
    """One network with one seed, trained to the end of a recipe."""

    id: str
    network: str
    seed: int
    log_cost: float
    """Natural logarithm of the proxy's multiply-adds over the unscaled network's proxy's."""
    accuracy: float
    val_loss: float
    train_loss: float
    seconds: float

    def score(self, name: str) -> float:
        """The larger the better."""
        return {
            "accuracy": self.accuracy,
            "val loss": -self.val_loss,
            "train loss": -self.train_loss,
            "losses": -(self.val_loss + self.train_loss) / 2,
            "all": self.accuracy - (self.val_loss + self.train_loss) / 4,
        }[name]


@dataclass(frozen=True, slots=True)
class Job:
    """What a process needs to train one trial."""

    spec: TrialSpec
    log_cost: float
    data: str
    px: int
    budget: Budget
    whitening: bool = False

    @property
    def id(self) -> str:
        """Of the trial, and of what its specification does not say."""
        return f"{self.spec.id}{'-whitening' * self.whitening}"


def changed(budget: Budget, changes: Mapping[str, str]) -> Budget:
    """The budget with other fields, of its own or of its recipe or scenes.

    Raises:
        SystemExit: no such field, or a value that it cannot have.
    """
    found = budget
    for key, text in changes.items():
        part, _, name = key.rpartition(".")
        owner: Any = getattr(found, part) if part in ("recipe", "scenes") else found
        if name not in {one.name for one in fields(owner)} or part not in ("", "recipe", "scenes"):
            raise SystemExit(f"{key}: no such key; see the head of this file")
        try:
            value = from_json(type(owner), {**_tree(owner), name: _number(text)})
        except ValueError as error:
            raise SystemExit(f"{key}={text}: {error}") from error
        found = replace(found, **{part: value}) if part else value
    return found


def _tree(owner: Any) -> dict[str, Any]:
    from scalesearch.search.canonical import as_json

    tree = as_json(owner)
    assert isinstance(tree, dict)
    return tree


def _number(text: str) -> int | Decimal | str:
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return Decimal(f"{Decimal(text):f}")
    except ArithmeticError:
        return text


def jobs(asked: Mapping[str, str], budget: Budget, levers: Mapping[str, str]) -> list[Job]:
    """Every network with every seed, seed by seed, dearest networks first."""
    spent = replace(as_constant_lr(budget), candidates=int(asked["networks"]))
    config = StudyConfig(load_baseline(asked["baseline"]), Decimal(asked["phi"]), spent)
    px, whitening = image_px(config), levers.get("whitening", "0") != "0"
    images = data_of(asked["data"], px, spent, config.baseline.architecture.in_channels)
    facts = DataFacts(
        images.name, images.fingerprint, len(images.classes), len(images.train_labels_N), len(images.val_labels_N)
    )
    plan = Plan(config, facts)
    first = int(asked["first_seed"])
    base = proxy_of(config, config.baseline.architecture, facts.classes)
    assert isinstance(base, Architecture), "a baseline file's networks are architectures"
    found = []
    for seed in range(first, first + int(asked["seeds"])):
        for one in plan.trained:
            spec = plan.spec(one.architecture, seed)
            assert isinstance(spec.proxy, Architecture), "a baseline file's networks are architectures"
            rate = by_depth(spent.recipe.learning_rate, spec.proxy, base, float(levers.get("rate_by_depth", 0)))
            spec = replace(spec, recipe=replace(spent.recipe, learning_rate=rate))
            price = log(cost(spec.proxy).macs / cost(base).macs)
            found.append(Job(spec, price, asked["data"], px, spent, whitening))
    return sorted(found, key=lambda job: (job.spec.seed, -job.log_cost))


def by_depth(rate: Decimal, proxy: Architecture, base: Architecture, power: float) -> Decimal:
    """The learning rate times (layers / the unscaled network's layers) ** −power, to five places."""
    return round(rate * Decimal((sum(proxy.depths) / sum(base.depths)) ** -power), 5) if power else rate


@cache
def data_of(data: str, px: int, budget: Budget, channels: int) -> ImageData:
    """The images; read once in each process."""
    return load_data(data, px, budget.scenes, cache_folder(), channels=channels)


def trained(job: Job) -> Trial:
    """Train it here."""
    from scalesearch.proxy.objective import ProxyTraining

    assert isinstance(job.spec.network, Architecture), "a baseline file's networks are architectures"
    images = data_of(job.data, job.px, job.budget, job.spec.network.in_channels)
    began = time.process_time()
    *_, last = ProxyTraining(images)(job.spec) if not job.whitening else whitened(job.spec, images)
    seconds = time.process_time() - began
    return Trial(
        job.id, job.spec.network_id, job.spec.seed, job.log_cost,
        last.val_accuracy, last.val_loss, last.train_loss, round(seconds, 2),
    )  # fmt: skip


def whitened(spec: TrialSpec, images: ImageData) -> Iterator[Epoch]:
    """The epochs of a proxy whose stem whitens patches and stays as it is."""
    from scalesearch.nets.convnet import ConvNet
    from scalesearch.proxy.augment import normalise
    from scalesearch.proxy.objective import initial_network, prepare_process
    from scalesearch.proxy.training import Training, whole

    device = prepare_process()
    network, data = initial_network(spec.proxy, spec.seed), images.at(spec.proxy.resolution)
    assert isinstance(network, ConvNet)
    stem = next(one for one in network.modules() if isinstance(one, nn.Conv2d))
    stem.weight.data.copy_(whitening_filters(normalise(data.train_images_NCHW[:500]), stem))
    stem.weight.requires_grad_(False)
    return whole(Training(network, data, spec.recipe, spec.seed, device))


def whitening_filters(images_NCHW: Tensor, stem: nn.Conv2d) -> Tensor:
    """Filters (out, C, k, k) of the stem: the first principal directions of patches, of variance one, then negated.

    Where the stem is wider than twice the directions that there are, the others keep their random weights.
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


def all_trained(wanted: Sequence[Job], processes: int, out: Path | None) -> dict[str, Trial]:
    """Every trial by its id, as far as possible from `out`, which gets what is new."""
    kept = dict(read(out)) if out is not None else {}
    left = [job for job in wanted if job.id not in kept]
    with get_context("spawn").Pool(processes) as pool:
        for done, trial in enumerate(pool.imap_unordered(trained, left), 1):
            kept[trial.id] = trial
            if out is not None:
                row = {
                    **{one.name: getattr(trial, one.name) for one in fields(trial)},
                    "environment": environment(),
                }
                with out.open("a", encoding="utf-8") as stream:
                    stream.write(json.dumps(row) + "\n")
            print(f"\r{done}/{len(left)} trials", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return kept


def read(path: Path) -> Iterator[tuple[str, Trial]]:
    """The trials in a file of lines of JSON; a line that was cut off is left out."""
    names = {one.name for one in fields(Trial)}
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        try:
            row = json.loads(line)
        except ValueError:
            continue
        yield row["id"], Trial(**{name: row[name] for name in names})


def analysed(trials: Sequence[Trial]) -> dict[str, tuple[Components, float, float]]:
    """For every score its components, and the SNR without the best and without the worst network."""
    keys = sorted({trial.network for trial in trials})
    seeds = sorted({trial.seed for trial in trials})
    by_place = {(trial.network, trial.seed): trial for trial in trials}
    covariate_K = np.array([by_place[key, seeds[0]].log_cost for key in keys])
    found = {}
    for name in SCORES:
        scores_KN = np.array([[by_place[key, seed].score(name) for seed in seeds] for key in keys])
        order = np.argsort(scores_KN.mean(1))
        without = [
            components(np.delete(scores_KN, place, 0), np.delete(covariate_K, place)).snr
            for place in (order[-1], order[0])
        ]
        found[name] = components(scores_KN, covariate_K), without[0], without[1]
    return found


def show(title: str, trials: Sequence[Trial]) -> float:
    """Print a table; the SNR of accuracy for a core-minute."""
    networks, seeds = len({one.network for one in trials}), len({one.seed for one in trials})
    minutes = sum(one.seconds for one in trials) / len(trials) / 60
    print(f"\n{title}: {networks} networks x {seeds} seeds, {60 * minutes:.1f} core-seconds a trial")
    heads = (
        "score", "mean", "noise", "paired", "signal", "SNR", "95 %", "ICC", "tau", "-best", "-worst",
        "SNR/core-minute",
    )  # fmt: skip
    print("| " + " | ".join(heads) + " |\n|" + "---|" * len(heads))
    table = analysed(trials)
    for name, (found, best, worst) in table.items():
        cells = (
            name, f"{found.mean:.3f}", f"{found.noise:.4f}", f"{found.paired:.4f}", f"{found.signal:.4f}",
            f"{found.snr:.2f}", f"{found.low:.2f} ... {found.high:.2f}", f"{found.icc:.2f}", f"{found.tau:.2f}",
            f"{best:.2f}", f"{worst:.2f}", f"{found.snr / minutes:.2f}",
        )  # fmt: skip
        print("| " + " | ".join(cells) + " |")
    return table["accuracy"][0].snr / minutes


def main() -> None:
    words = dict(word.split("=", 1) for word in sys.argv[1:])
    asked = {**_OWN, **{key: words.pop(key) for key in [*words] if key in _OWN}}
    title = " ".join(f"{key}={text}" for key, text in words.items())
    levers = {key: words.pop(key) for key in _LEVERS if key in words}
    today = load_budget(asked["budget"])
    out = Path(asked["out"]) if asked["out"] else None
    wanted = {} if title and asked["as_it_is"] == "0" else {"as it is": jobs(asked, today, {})}
    if title:
        wanted[title] = jobs(asked, changed(today, words), levers)
    newest_first = [job for own in reversed(wanted.values()) for job in own]
    kept = all_trained(newest_first, int(asked["processes"]), out)
    rates = [show(title, [kept[job.id] for job in own]) for title, own in wanted.items()]
    if len(rates) == 2:
        ratio = f"{rates[1] / rates[0]:.1f}x" if min(rates) > 0 else "not known: in one of them no signal was found"
        print(f"\nSNR of accuracy for a core-minute, over that of the budget as it is: {ratio}")
    here = environment()
    print("\n" + ", ".join(f"{name} {value}" for name, value in here.items()))


if __name__ == "__main__":
    main()
