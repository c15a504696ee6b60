"""Measure the noise between seeds: train one network's proxy with several seeds.

    python benchmarks/proxy_noise.py                                          the recipe of quick, b0, four seeds
    python benchmarks/proxy_noise.py scenes.rotation=0 seeds=6
    python benchmarks/proxy_noise.py budget=my_budget.yaml data=FOLDER baseline=resnet18
    python benchmarks/proxy_noise.py network=1.2/1.1/1.15
    python benchmarks/proxy_noise.py vary=last_bits

Keys: baseline (a Python function too, unscaled), network (multipliers of depth, width and resolution),
budget, data, seeds, processes, vary, and any field of the budget, its recipe or its scenes. `vary` says what
differs from seed to seed: `all`; only the initial `weights`; only the `order` of images with their
augmentation; or `last_bits`, a relative change of the initial weights by about a millionth. Run this script
before `proxy_snr.py`: where seeds differ more than networks can, training networks gains nothing.

The script prints, for every epoch, the mean accuracy and its standard deviation between seeds, and the same for the
loss.
"""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from decimal import Decimal
from functools import partial
from multiprocessing import get_context

import numpy as np
import torch
from key_values import errors_in_one_line, read_pairs
from proxy_snr import changed, data_of
from torch import nn

from scalesearch.design.baselines import is_factory, load_baseline
from scalesearch.design.coefficients import Multipliers
from scalesearch.design.factory import Network
from scalesearch.design.scaling import Baseline
from scalesearch.nets.factory import load_factory
from scalesearch.nets.factory_grid import count_function
from scalesearch.proxy.initial import initial_network
from scalesearch.proxy.objective import prepare_process
from scalesearch.proxy.training import train
from scalesearch.search.budget import Budget, with_constant_lr_and_decay
from scalesearch.search.budget_file import load_budget
from scalesearch.search.kinds import RuleComparison
from scalesearch.search.proxies import proxy_of
from scalesearch.search.study_config import StudyConfig
from scalesearch.search.task import Epoch
from scalesearch.study.provenance import environment

_DEFAULTS = {
    "baseline": "b0", "network": "1/1/1", "budget": "quick", "data": "fractal", "seeds": "4", "processes": "2",
    "vary": "all",
}  # fmt: skip


def trained(
    baseline: str, multipliers: str, data: str, budget: Budget, vary: str, seed: int
) -> tuple[list[Epoch], float]:
    """Train once, and return the epochs and the seconds of processor time."""
    device = prepare_process()
    sized = proxy_for(baseline, multipliers, budget, 2)
    images = data_of(data, sized.resolution, budget, sized.in_channels)
    proxy = proxy_for(baseline, multipliers, budget, len(images.classes))
    began = time.process_time()
    network = initial_network(proxy, seed if vary in ("all", "weights") else 0)
    if vary == "last_bits":
        nudge(network, seed)
    order = seed if vary in ("all", "order") else 0
    epochs = list(train(network, images.resized_to(proxy.side), budget.recipe, order, device))
    return epochs, time.process_time() - began


def proxy_for(baseline: str, multipliers: str, budget: Budget, classes: int) -> Network:
    """Return the proxy of a scaled network, or of a Python function's unscaled one."""
    if is_factory(baseline):
        function = load_factory(baseline)
        return count_function(function, RuleComparison(()), Decimal(1), budget).base.proxy
    config = StudyConfig(load_baseline(baseline), Decimal(1), budget)
    assert isinstance(config.baseline, Baseline), "other baselines here are files"
    parsed = Multipliers(*(Decimal(text) for text in multipliers.split("/")))
    return proxy_of(config, config.baseline.scale(parsed, config.rounding).architecture, classes)


def nudge(network: nn.Module, seed: int) -> None:
    """Change every weight by about a millionth of itself."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in network.parameters():
            weight.mul_(1 + 1e-6 * torch.randn(weight.shape, generator=generator))


def main() -> None:
    arguments = read_pairs(sys.argv[1:])
    options = {**_DEFAULTS, **{key: arguments.pop(key) for key in [*arguments] if key in _DEFAULTS}}
    if options["vary"] not in ("all", "weights", "order", "last_bits"):
        raise SystemExit(f"vary={options['vary']}: must be all, weights, order or last_bits")
    named = with_constant_lr_and_decay(load_budget(options["budget"]))
    budget = changed(replace(named, recipe=named.recipe.from_scratch), arguments)
    train_seed = partial(trained, options["baseline"], options["network"], options["data"], budget, options["vary"])
    with get_context("spawn").Pool(int(options["processes"])) as pool:
        runs = pool.map(train_seed, range(int(options["seeds"])), chunksize=1)
    print(f"{len(runs)} seeds, {np.mean([seconds for _, seconds in runs]):.1f} core-seconds each")
    print("| images | accuracy | sd | training loss | sd |\n|---|---|---|---|---|")
    for curve in zip(*(epochs for epochs, _ in runs), strict=True):
        accuracy, loss = [epoch.val_accuracy for epoch in curve], [epoch.train_loss for epoch in curve]
        print(
            f"| {curve[0].samples} | {np.mean(accuracy):.3f} | {np.std(accuracy, ddof=1):.3f} "
            f"| {np.mean(loss):.2f} | {np.std(loss, ddof=1):.2f} |"
        )
    print("\n" + ", ".join(f"{name} {value}" for name, value in environment().items()))


if __name__ == "__main__":
    with errors_in_one_line():
        main()
