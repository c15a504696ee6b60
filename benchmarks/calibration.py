"""Check whether a proxy setting discriminates: train B0, and B0 scaled in one dimension or in all, as in `quick`.

    python benchmarks/calibration.py                          the scenes and the recipe of quick
    python benchmarks/calibration.py px=32 batch=64 epochs=6  with changes
    python benchmarks/calibration.py start=tensorflow         initial weights of variance 2 / fan-out

Keys: px, batch, epochs, learning_rate, start, networks, seeds, and those of `SceneRecipe`.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import fields, replace
from decimal import Decimal
from unittest import mock

from torch import nn

from scalesearch.cli.cache import cache_folder
from scalesearch.design.baselines import load_baseline
from scalesearch.design.coefficients import Multipliers
from scalesearch.nets.convnet import ConvNet
from scalesearch.proxy import objective
from scalesearch.proxy.datasets import load_data
from scalesearch.search.budget import BUDGETS, Budget
from scalesearch.search.make_proxy import make_proxy
from scalesearch.search.scenes import SceneRecipe
from scalesearch.search.task import Recipe
from scalesearch.search.trial import TrialSpec

NETWORKS = {
    "base": Multipliers(),
    "depth": Multipliers(depth=Decimal(2)),
    "width": Multipliers(width=Decimal("1.4")),
    "resolution": Multipliers(resolution=Decimal("1.38")),
    "compound": Multipliers(Decimal("1.2"), Decimal("1.1"), Decimal("1.15")),
}


def main() -> None:
    options = dict(argument.split("=") for argument in sys.argv[1:])
    names = options.pop("networks", ",".join(NETWORKS)).split(",")
    seeds = [int(seed) for seed in options.pop("seeds", "0,1").split(",")]
    start = options.pop("start", "torch")
    print(" ".join(sys.argv[1:]) or "quick, unchanged", flush=True)
    for name in names:
        print_accuracies(name, seeds, changed(options), start)


def changed(options: Mapping[str, str]) -> Budget:
    """Return `quick` with other values, without trunks."""
    budget = BUDGETS["quick"]
    px = int(options.get("px", budget.resolution))
    recipe, scenes = budget.recipe.from_scratch, budget.scenes
    for key, text in options.items():
        if key in {field.name for field in fields(Recipe)}:
            recipe = replace(recipe, **{key: type(getattr(recipe, key))(text)})
        elif key in {field.name for field in fields(SceneRecipe)}:
            scenes = replace(scenes, **{key: type(getattr(scenes, key))(text)})
        elif key != "px":
            raise SystemExit(f"{key}: is no key of the recipe or the scenes")
    return replace(budget, resolution=px, recipe=recipe, scenes=scenes)


def print_accuracies(name: str, seeds: list[int], budget: Budget, start: str) -> None:
    """Print one line: the accuracy for every seed, their mean, and the seconds of training."""
    baseline = load_baseline("b0")
    network = baseline.scale(NETWORKS[name], "balanced").architecture
    scenes = budget.scenes
    side = make_proxy(baseline.scale(NETWORKS["resolution"]).architecture, baseline, 4, budget.resolution, 2).side
    data = load_data("fractal", side, scenes, cache_folder())
    proxy = make_proxy(network, baseline, budget.width_divisor, budget.resolution, scenes.classes)
    accuracies, seconds = [], 0.0
    with mock.patch.object(objective, "ConvNet", TensorFlowStart if start == "tensorflow" else ConvNet):
        for seed in seeds:
            spec = TrialSpec(network, proxy, budget.recipe, data.fingerprint, seed)
            epochs = list(objective.ProxyTraining(data)(spec))
            accuracies.append(epochs[-1].val_accuracy)
            seconds += sum(epoch.seconds for epoch in epochs)
    text = " ".join(f"{value:.3f}" for value in accuracies)
    mean = sum(accuracies) / len(accuracies)
    print(
        f"{name:<11} {proxy.resolution} px  {text}  mean {mean:.3f}  {seconds / len(accuracies):.0f} s each",
        flush=True,
    )


class TensorFlowStart(ConvNet):
    """A network whose initial weights follow tensorflow/tpu `efficientnet_model.py`."""

    def zero_residual_branches(self) -> None:
        """Draw the weights of convolutions from a normal of variance 2 / fan-out (of one group) first."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                fan_out = module.kernel_size[0] ** 2 * module.out_channels // module.groups
                nn.init.normal_(module.weight, 0.0, (2 / fan_out) ** 0.5)
        super().zero_residual_branches()


if __name__ == "__main__":
    main()
