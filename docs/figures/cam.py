"""Train small versions of the five networks of the paper's Figure 7 on fractal scenes.

Run `python docs/figures/cam.py`.

The networks are `tiny` at half its width and that network scaled as in Table 7: four times the layers, twice the
channels, twice the side, and all three (1.4, 1.2, 1.3). There is one seed. Training takes some minutes on one
core. The weights are written to results/reference/cam.
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
from scalesearch.proxy.initial import initial_network
from scalesearch.proxy.objective import prepare_process
from scalesearch.proxy.training import train
from scalesearch.search.budget_file import load_budget
from scalesearch.search.task import Recipe

WEIGHTS = Path(__file__).parents[2] / "results" / "reference" / "cam"
VARIANTS = {
    "baseline": ("1", "1", "1"),
    "depth": ("4", "1", "1"),
    "width": ("1", "2", "1"),
    "resolution": ("1", "1", "2"),
    "compound": ("1.4", "1.2", "1.3"),
}
"""The multipliers of depth, width and resolution, as in Table 7."""
RECIPE = Recipe(epochs=4, batch=32, learning_rate=Decimal("0.1"))


def networks(classes: int) -> dict[str, Baseline]:
    """Return the five networks by the names of their columns."""
    tiny = load_baseline("tiny")
    base = with_classes(tiny.scale(Multipliers(width=Decimal("0.5")), name="tiny-half"), classes)
    return {
        name: base
        if name == "baseline"
        else base.scale(Multipliers(*map(Decimal, multipliers)), name=f"tiny-half-{name}")
        for name, multipliers in VARIANTS.items()
    }


def trained(definition: Baseline, data: ImageData) -> tuple[nn.Module, float]:
    """Train a network by the recipe, and return it with its validation accuracy."""
    device, net = prepare_process(), definition.architecture
    network = initial_network(net, 0)
    epochs = list(train(network, data.resized_to(net.resolution), RECIPE, 0, device))
    return network, epochs[-1].val_accuracy


def main() -> None:
    """Write the weights, and print the accuracy of each network."""
    scenes = load_budget(str(WEIGHTS / "scenes.yaml")).scenes
    definitions = networks(scenes.classes)
    data = load_data(
        "fractal",
        max(definition.architecture.resolution for definition in definitions.values()),
        scenes,
        cache_folder(),
    )
    WEIGHTS.mkdir(parents=True, exist_ok=True)
    for name, definition in definitions.items():
        network, accuracy = trained(definition, data)
        (WEIGHTS / f"{name}.safetensors").write_bytes(weights_file(weights_of(definition, network, data.classes)))
        print(f"{name}: {accuracy:.3f}", flush=True)


if __name__ == "__main__":
    main()
