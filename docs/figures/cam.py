"""Train the five networks of the paper's Figure 7 in small, on fractal scenes: `python docs/figures/cam.py`.

`tiny` at half its width and Table 7's rows: four times the layers, twice the channels, twice the side, and all
three (1.4, 1.2, 1.3). One seed, some minutes on one core; the weights go to results/reference/cam.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from torch import nn

from scalesearch.cli.cache import cache_folder
from scalesearch.design.baselines import load_baseline
from scalesearch.design.coefficients import Multipliers
from scalesearch.design.scaling import Baseline
from scalesearch.nets.weights import weights_file, weights_of, with_classes
from scalesearch.proxy.datasets import ImageData, load_data
from scalesearch.proxy.objective import initial_network, prepare_process
from scalesearch.proxy.training import train
from scalesearch.search.budget import BUDGETS
from scalesearch.search.task import Recipe

WEIGHTS = Path(__file__).parents[2] / "results" / "reference" / "cam"
VARIANTS = {
    "baseline": ("1", "1", "1"),
    "depth": ("4", "1", "1"),
    "width": ("1", "2", "1"),
    "resolution": ("1", "1", "2"),
    "compound": ("1.4", "1.2", "1.3"),
}
"""Depth, width and resolution, as in Table 7."""
RECIPE = Recipe(epochs=4, batch=32, learning_rate=Decimal("0.1"))


def networks(classes: int) -> dict[str, Baseline]:
    """The five, by the names of their columns."""
    whole = load_baseline("tiny")
    base = with_classes(whole.scale(Multipliers(width=Decimal("0.5")), name="tiny-half"), classes)
    return {
        name: base if name == "baseline" else base.scale(Multipliers(*map(Decimal, by)), name=f"tiny-half-{name}")
        for name, by in VARIANTS.items()
    }


def trained(one: Baseline, data: ImageData) -> tuple[nn.Module, float]:
    """A network after the recipe, and its validation accuracy."""
    device, net = prepare_process(), one.architecture
    network = initial_network(net, 0)
    epochs = list(train(network, data.at(net.resolution), RECIPE, 0, device))
    return network, epochs[-1].val_accuracy


def main() -> None:
    """Write the weights and say how well each network does."""
    scenes = BUDGETS["quick"].scenes
    found = networks(scenes.classes)
    data = load_data("fractal", max(one.architecture.resolution for one in found.values()), scenes, cache_folder())
    WEIGHTS.mkdir(parents=True, exist_ok=True)
    for name, one in found.items():
        network, accuracy = trained(one, data)
        (WEIGHTS / f"{name}.safetensors").write_bytes(weights_file(weights_of(one, network, data.classes)))
        print(f"{name}: {accuracy:.3f}", flush=True)


if __name__ == "__main__":
    main()
