"""How much do seeds differ? One network's proxy, trained with several seeds.

    python benchmarks/proxy_noise.py                                          the recipe of quick, b0, four seeds
    python benchmarks/proxy_noise.py scenes.rotation=0 seeds=6
    python benchmarks/proxy_noise.py budget=my_budget.yaml data=FOLDER baseline=resnet18
    python benchmarks/proxy_noise.py network=1.2/1.1/1.15

Keys: baseline, network (multipliers of depth, width and resolution), budget, data, seeds, processes, and any
field of the budget, its recipe or its scenes. It is the quick look before `proxy_snr.py`: where seeds differ
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
from proxy_snr import changed, data_of

from scalesearch.design.architecture import Architecture
from scalesearch.design.baselines import load_baseline
from scalesearch.design.coefficients import Multipliers
from scalesearch.design.scaling import Baseline
from scalesearch.proxy.objective import initial_network, prepare_process
from scalesearch.proxy.training import train
from scalesearch.search.budget import Budget, prolongable
from scalesearch.search.budget_file import load_budget
from scalesearch.search.question import Question, proxy_of
from scalesearch.search.task import Epoch
from scalesearch.study.provenance import environment

_OWN = {"baseline": "b0", "network": "1/1/1", "budget": "quick", "data": "fractal", "seeds": "4", "processes": "2"}


def trained(baseline: str, multipliers: str, data: str, budget: Budget, seed: int) -> tuple[list[Epoch], float]:
    """The epochs of one training, and its seconds of processor time."""
    device = prepare_process()
    question = Question(load_baseline(baseline), Decimal(1), budget)
    assert isinstance(question.baseline, Baseline), "baselines here are files"
    by = Multipliers(*(Decimal(one) for one in multipliers.split("/")))
    network = question.baseline.scale(by, question.rounding).architecture
    sized = proxy_of(question, network, 2)
    images = data_of(data, sized.resolution, budget, network.in_channels)
    proxy = proxy_of(question, network, len(images.classes))
    assert isinstance(proxy, Architecture), "a baseline file's networks are architectures"
    began = time.process_time()
    epochs = list(train(initial_network(proxy, seed), images.at(proxy.resolution), budget.recipe, seed, device))
    return epochs, time.process_time() - began


def main() -> None:
    words = dict(word.split("=", 1) for word in sys.argv[1:])
    asked = {**_OWN, **{key: words.pop(key) for key in [*words] if key in _OWN}}
    budget = changed(prolongable(load_budget(asked["budget"])), words)
    job = partial(trained, asked["baseline"], asked["network"], asked["data"], budget)
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
