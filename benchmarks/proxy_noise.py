"""How much do seeds differ? One network's proxy, trained with several seeds.

    python benchmarks/proxy_noise.py                                          the recipe of quick, b0, four seeds
    python benchmarks/proxy_noise.py scenes.rotation=0 seeds=6
    python benchmarks/proxy_noise.py budget=my_budget.yaml data=FOLDER baseline=resnet18
    python benchmarks/proxy_noise.py network=1.2/1.1/1.15
    python benchmarks/proxy_noise.py vary=last_bits

Keys: baseline, network (multipliers of depth, width and resolution), budget, data, seeds, processes, vary, and any
field of the budget, its recipe or its scenes. `vary` is what differs from seed to seed: `all`, the first `weights`
alone, the `order` of images with their moves alone, or by `last_bits` a millionth of every first weight.
It is the quick look before `proxy_snr.py`: where seeds differ
more than networks can, nothing is gained by training networks.

Prints, after every epoch, the mean accuracy and its standard deviation from seed to seed, and the same of the loss.
"""

from __future__ import annotations

import sys
import time
from decimal import Decimal
from functools import partial
from multiprocessing import get_context

import numpy as np
import torch
from proxy_snr import changed, data_of
from torch import nn

from scalesearch.design.architecture import Architecture
from scalesearch.design.baselines import load_baseline
from scalesearch.design.coefficients import Multipliers
from scalesearch.design.scaling import Baseline
from scalesearch.proxy.objective import initial_network, prepare_process
from scalesearch.proxy.training import train
from scalesearch.search.budget import Budget, as_constant_lr
from scalesearch.search.budget_file import load_budget
from scalesearch.search.proxies import proxy_of
from scalesearch.search.study_config import StudyConfig
from scalesearch.search.task import Epoch
from scalesearch.study.provenance import environment

_OWN = {
    "baseline": "b0", "network": "1/1/1", "budget": "quick", "data": "fractal", "seeds": "4", "processes": "2",
    "vary": "all",
}  # fmt: skip


def trained(
    baseline: str, multipliers: str, data: str, budget: Budget, vary: str, seed: int
) -> tuple[list[Epoch], float]:
    """The epochs of one training, and its seconds of processor time."""
    device = prepare_process()
    config = StudyConfig(load_baseline(baseline), Decimal(1), budget)
    assert isinstance(config.baseline, Baseline), "baselines here are files"
    by = Multipliers(*(Decimal(one) for one in multipliers.split("/")))
    scaled = config.baseline.scale(by, config.rounding).architecture
    sized = proxy_of(config, scaled, 2)
    images = data_of(data, sized.resolution, budget, scaled.in_channels)
    proxy = proxy_of(config, scaled, len(images.classes))
    assert isinstance(proxy, Architecture), "a baseline file's networks are architectures"
    began = time.process_time()
    network = initial_network(proxy, seed if vary in ("all", "weights") else 0)
    if vary == "last_bits":
        nudge(network, seed)
    order = seed if vary in ("all", "order") else 0
    epochs = list(train(network, images.at(proxy.resolution), budget.recipe, order, device))
    return epochs, time.process_time() - began


def nudge(network: nn.Module, seed: int) -> None:
    """Change every weight by about a millionth of itself."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in network.parameters():
            weight.mul_(1 + 1e-6 * torch.randn(weight.shape, generator=generator))


def main() -> None:
    words = dict(word.split("=", 1) for word in sys.argv[1:])
    asked = {**_OWN, **{key: words.pop(key) for key in [*words] if key in _OWN}}
    if asked["vary"] not in ("all", "weights", "order", "last_bits"):
        raise SystemExit(f"vary={asked['vary']}: must be all, weights, order or last_bits")
    budget = changed(as_constant_lr(load_budget(asked["budget"])), words)
    job = partial(trained, asked["baseline"], asked["network"], asked["data"], budget, asked["vary"])
    with get_context("spawn").Pool(int(asked["processes"])) as pool:
        found = pool.map(job, range(int(asked["seeds"])), chunksize=1)
    print(f"{len(found)} seeds, {np.mean([seconds for _, seconds in found]):.1f} core-seconds each")
    print("| images | accuracy | sd | training loss | sd |\n|---|---|---|---|---|")
    for curve in zip(*(epochs for epochs, _ in found), strict=True):
        accuracy, loss = [one.val_accuracy for one in curve], [one.train_loss for one in curve]
        print(
            f"| {curve[0].samples} | {np.mean(accuracy):.3f} | {np.std(accuracy, ddof=1):.3f} "
            f"| {np.mean(loss):.2f} | {np.std(loss, ddof=1):.2f} |"
        )
    print("\n" + ", ".join(f"{name} {value}" for name, value in environment().items()))


if __name__ == "__main__":
    main()
