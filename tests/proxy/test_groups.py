"""A network with grouped convolutions is trained like the others: the proxy of a small RegNet."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
import torch
from small_training import CPU, bright_channel_data, curve
from torch import nn

from scalesearch.design.baselines import load_baseline
from scalesearch.proxy.initial import initial_network
from scalesearch.proxy.training import train
from scalesearch.search.make_proxy import make_proxy
from scalesearch.search.task import Recipe

RECIPE = Recipe(epochs=3, batch=16, learning_rate=Decimal("0.05"))


@pytest.mark.parametrize("name", ["regnety_400mf", "resnext50"])
def test_the_proxy_of_a_grouped_network_learns_to_the_same_bits(name: str) -> None:
    baseline = load_baseline(name)
    stages = tuple(replace(stage, depth=1) for stage in baseline.architecture.stages[:3])
    shallow = replace(baseline.architecture, stages=stages)
    small = make_proxy(shallow, replace(baseline, architecture=shallow), 4, 8, 3)

    def trained() -> list[tuple[str, ...]]:
        network = initial_network(small, 1)
        groups = [one.groups for one in network.modules() if isinstance(one, nn.Conv2d)]
        assert max(groups) == max(stage.groups for stage in stages) > 1
        epochs = list(train(network, bright_channel_data(), RECIPE, 1, CPU))
        assert epochs[-1].train_loss < epochs[0].train_loss
        assert all(torch.isfinite(one).all() for one in network.parameters())
        return curve(epochs)

    assert trained() == trained()
