"""A network without batch norm is trained and judged like the others: a small ConvNeXt."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from itertools import pairwise

import pytest
import torch
from small_training import CPU, bright_channel_data, curve
from torch import nn

from scalesearch.design.architecture import Architecture, Head, Stage, Stem
from scalesearch.design.baselines import load_baseline
from scalesearch.nets.convnet import ConvNet
from scalesearch.proxy.initial import initial_network
from scalesearch.proxy.precise_bn import precise_statistics
from scalesearch.proxy.training import train
from scalesearch.search.make_proxy import make_proxy
from scalesearch.search.task import Recipe

STAGES = (Stage("convnext", 7, 1, 4, 8, 1), Stage("convnext", 7, 2, 4, 16, 2))
NET = Architecture(8, Stem(2, 2, 8, kind="patch"), STAGES, Head(None, 3, norm="layer_norm"), "gelu")
RECIPE = Recipe(epochs=6, batch=16, learning_rate=Decimal("0.003"), optimizer="adamw")


def test_it_has_no_batch_norm() -> None:
    assert not [one for one in ConvNet(NET).modules() if isinstance(one, nn.modules.batchnorm._BatchNorm)]


def test_a_small_convnext_learns_to_the_same_bits() -> None:
    def trained() -> list[tuple[str, ...]]:
        network = initial_network(NET, 1)
        assert isinstance(network, ConvNet)
        network.set_drop_path(0.1)
        epochs = list(train(network, bright_channel_data(), RECIPE, 1, CPU))
        assert epochs[-1].val_accuracy > 0.8
        assert all(one.train_loss > other.train_loss for one, other in pairwise(epochs[::2]))
        return curve(epochs)

    assert trained() == trained()


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_precise_statistics_change_nothing(optimizer: str) -> None:
    recipe = replace(RECIPE, epochs=2, optimizer=optimizer)  # type: ignore[arg-type]
    curves = [
        curve(list(train(initial_network(NET, 1), bright_channel_data(), one, 1, CPU)))
        for one in (recipe, replace(recipe, precise_bn_images=32))
    ]
    assert curves[0] == curves[1]


def test_precise_statistics_of_a_network_without_any_run_nothing() -> None:
    network = ConvNet(NET).train()
    with precise_statistics(network, iter(())):
        assert not network.training


def test_layer_scale_begins_a_branch_close_to_nothing() -> None:
    network = initial_network(NET, 0)
    block = network.get_submodule("stages_1_1")
    features_NCHW = torch.randn(2, 16, 2, 2)
    with torch.no_grad():
        difference = (block(features_NCHW) - features_NCHW).abs().max()
    assert 0 < difference < 1e-5


def test_a_proxy_keeps_a_place_for_the_last_patch() -> None:
    """Budgets whose images are smaller than the patches need train at the least side, and others in proportion."""
    baseline = load_baseline("convnext_tiny")
    assert baseline.architecture.smallest_resolution == 32
    assert make_proxy(baseline.architecture, baseline, 4, 24, 3).resolution == 32
    larger = replace(baseline.architecture, resolution=309)
    assert make_proxy(larger, baseline, 4, 24, 3).resolution == 44
    assert make_proxy(larger, baseline, 4, 40, 3).resolution == 55
