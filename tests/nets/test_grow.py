"""Networks grown from a smaller one compute what that one computes, in training and in evaluation."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from random import Random

import pytest
import torch
from networks import depth_free, random_architecture
from torch import nn

from scalesearch.design.architecture import Architecture
from scalesearch.design.baselines import baseline_names, load_baseline
from scalesearch.design.coefficients import Multipliers
from scalesearch.design.scaling import scaled
from scalesearch.nets.convnet import ConvNet
from scalesearch.nets.grow import grow
from scalesearch.proxy.initial import initial_network
from scalesearch.search.make_proxy import make_proxy

SIZES = (("1.6", "1"), ("1", "1.4"), ("1.3", "1.2"))
QUICK = ("b0", "efficientnet_v2_b0", "mobilenet_v3_small", "mobilenet_v4_conv_small", "regnety_400mf", "resnext50")
GROWING = tuple(name for name in baseline_names() if load_baseline(name).architecture.can_grow)
PROJECTING = ("resnet18", "resnet34")
"""Their first stage has a projection once it is wider than the stem, which never is."""


def trained(architecture: Architecture) -> ConvNet:
    """A network without dropout whose batch norms are not those of the start."""
    network = initial_network(architecture, 0)
    assert isinstance(network, ConvNet)
    network.set_dropout(0)
    generator = torch.Generator().manual_seed(5)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            assert module.running_mean is not None
            assert module.running_var is not None
            module.weight.data.normal_(1.0, 0.3, generator=generator)
            for tensor in (module.bias.data, module.running_mean):
                tensor.normal_(0.0, 0.3, generator=generator)
            module.running_var.uniform_(0.5, 2.0, generator=generator)
    return network


def largest_change(small: Architecture, large: Architecture, training: bool) -> float:
    """The largest change of a logit by growing, over the logits' standard deviation."""
    trunk, network = trained(small), initial_network(large, 1)
    assert isinstance(network, ConvNet)
    network.set_dropout(0)
    images = torch.randn(5, small.in_channels, 44, 44, generator=torch.Generator().manual_seed(3)).double()
    trunk.double()
    network.double()
    before = {name: value.clone() for name, value in trunk.state_dict().items()}
    grow(trunk, network, images)
    assert all(torch.equal(before[name], value) for name, value in trunk.state_dict().items())
    trunk.train(training)
    network.train(training)
    with torch.no_grad():
        expected = trunk(images)
        assert expected.std() > 0.01
        return float((network(images) - expected).abs().max() / expected.std())


def proxies(name: str) -> list[tuple[Architecture, Architecture]]:
    baseline = load_baseline(name)
    rounding = replace(baseline.rounding, rule="balanced")
    small = make_proxy(baseline.architecture, baseline, 4, 44, 11)
    pairs = []
    for depth, width in SIZES:
        network = scaled(baseline.architecture, Multipliers(Decimal(depth), Decimal(width), Decimal(1)), rounding)
        pairs.append((small, replace(make_proxy(network, baseline, 4, 44, 11), resolution=small.resolution)))
    assert len({large.depths for _, large in pairs}) > 1
    assert len({large.widths for _, large in pairs}) > 1
    return pairs


@pytest.mark.parametrize("name", QUICK)
def test_a_grown_proxy_computes_what_its_trunk_does(name: str) -> None:
    for small, large in proxies(name):
        assert largest_change(small, large, training=True) < 1e-9


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in GROWING if name not in (*QUICK, *PROJECTING)])
def test_every_baseline_that_can_grow_does(name: str) -> None:
    for small, large in proxies(name):
        assert largest_change(small, large, training=True) < 1e-9


@pytest.mark.parametrize("name", PROJECTING)
def test_a_new_projection_starts_as_the_identity(name: str) -> None:
    """Exactly in evaluation. In training the batch's statistics replace those from which it was set."""
    pairs = proxies(name)
    assert any(large.widths != small.widths for small, large in pairs)
    for small, large in pairs:
        assert largest_change(small, large, training=False) < 1e-9


def test_which_baselines_cannot_grow() -> None:
    """Layer norm mixes channels, Ghost modules interleave them; the others have blocks without a shortcut."""
    assert {name for name in baseline_names() if name not in GROWING} == {
        "convnext_atto", "convnext_base", "convnext_tiny", "convnextv2_atto", "ghostnet", "mobilenet_v1",
        "repvgg_a0",
    }  # fmt: skip


def grows_exactly(small: Architecture, large: Architecture) -> bool:
    """Whether the same blocks have a shortcut in both."""
    first = [{block.name: block.keeps_shape for block in network.walk()} for network in (small, large)]
    return all(first[1][name] == keeps for name, keeps in first[0].items())


@pytest.mark.parametrize("seed", range(12))
def test_random_networks_that_can_grow_do(seed: int) -> None:
    random = Random(seed)
    while True:
        small = depth_free(random_architecture(random))
        widths = tuple(width * random.choice((1, 2)) for width in small.widths)
        depths = tuple(depth + random.randint(0, 2) for depth in small.depths)
        if small.can_grow and small.smallest_resolution <= 44:
            large = small.resized(widths, depths, small.resolution)
            if grows_exactly(small, large):
                break
    assert largest_change(small, large, training=True) < 1e-9
