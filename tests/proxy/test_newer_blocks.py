"""The proxies of MobileNetV4, ConvNeXt V2, RepVGG and GhostNet are trained like the others."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
import torch
from small_training import CPU, bright_channel_data, curve

from scalesearch.design.baselines import load_baseline
from scalesearch.proxy.initial import initial_network
from scalesearch.proxy.training import train
from scalesearch.search.make_proxy import make_proxy
from scalesearch.search.task import Recipe

SGD = Recipe(epochs=4, batch=16, learning_rate=Decimal("0.05"), precise_bn_images=32)
ADAMW = Recipe(epochs=4, batch=16, learning_rate=Decimal("0.003"), optimizer="adamw")


@pytest.mark.parametrize(
    ("name", "recipe"),
    [("mobilenet_v4_conv_small", SGD), ("convnextv2_atto", ADAMW), ("repvgg_a0", SGD), ("ghostnet", SGD)],
)
def test_a_proxy_learns_to_the_same_bits(name: str, recipe: Recipe) -> None:
    """On maps of one place, too: the hidden layer's batch norm takes its statistics from the batch alone."""
    baseline = load_baseline(name)
    stages = tuple(replace(stage, depth=1) for stage in baseline.architecture.stages)
    shallow = replace(baseline.architecture, stages=stages)
    small = make_proxy(shallow, replace(baseline, architecture=shallow), 4, 8, 3)
    assert small.head.hidden_norm == baseline.architecture.head.hidden_norm

    def trained() -> list[tuple[str, ...]]:
        network = initial_network(small, 1)
        epochs = list(train(network, bright_channel_data(px=small.side), recipe, 1, CPU))
        assert epochs[-1].train_loss < epochs[0].train_loss
        assert all(torch.isfinite(one).all() for one in network.parameters())
        return curve(epochs)

    assert trained() == trained()
