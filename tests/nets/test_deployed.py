"""A trained network and its deployed form put out the same logits."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from random import Random

import pytest
import torch
from networks import random_architecture
from torch import nn

from scalesearch.design.architecture import Architecture, Head, Stage, Stem
from scalesearch.design.baselines import load_baseline
from scalesearch.design.cost import cost
from scalesearch.export.verify import difference_of, randomized
from scalesearch.nets.convnet import ConvNet
from scalesearch.nets.deployed import deployed_network


def images_of(architecture: Architecture, count: int = 2) -> torch.Tensor:
    shape = (count, *architecture.image_shape)
    return torch.randn(shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def trained(architecture: Architecture, steps: int = 5) -> ConvNet:
    """A network in float64 after some steps of descent, so that scales, shifts and statistics are all used."""
    torch.manual_seed(0)
    network = ConvNet(architecture).double().train()
    descent = torch.optim.SGD(network.parameters(), 0.05)
    for step in range(steps):
        images_NCHW = images_of(architecture, 8) * (1 + step)
        labels_N = torch.arange(8) % architecture.classes
        descent.zero_grad()
        nn.functional.cross_entropy(network(images_NCHW), labels_N).backward()  # type: ignore[no-untyped-call]
        descent.step()
    return network.eval()


def check(architecture: Architecture, network: ConvNet) -> None:
    folded = deployed_network(architecture, network)
    assert not any(isinstance(one, nn.BatchNorm2d) for one in folded.modules())
    assert sum(one.numel() for one in folded.parameters()) == cost(architecture.deployed).params
    images_NCHW = images_of(architecture)
    with torch.no_grad():
        logits_NK, folded_NK = network(images_NCHW), folded(images_NCHW)
    assert logits_NK.abs().max() > 0
    assert difference_of(logits_NK, folded_NK) < 1e-9


def test_a_trained_network_and_its_deployed_form_have_equal_logits() -> None:
    net = load_baseline("repvgg_a0").architecture
    small = net.resized((8, 8, 12, 16, 40), (2, 3, 3, 1), 48)
    small = replace(small, head=Head(None, 5))
    network = trained(small)
    before = deepcopy(network.state_dict())
    check(small, network)
    assert all(torch.equal(one, before[name]) for name, one in network.state_dict().items())


def test_random_networks_and_their_deployed_forms_have_equal_logits() -> None:
    """Of other kernels, strides, sides, activations and heads, and with blocks of other kinds between."""
    identities = 0
    for seed in range(20):
        net = random_architecture(Random(5000 + seed), kind="repvgg")
        stem = replace(net.stem, kind="repvgg") if net.stem.kind == "conv" else net.stem
        other = Stage("mbconv", 3, 1, 2, net.stages[-1].width, 1)
        net = replace(net, stem=stem, stages=(*net.stages, *([other] if seed % 2 else [])))
        identities += sum(block.kind == "repvgg" and block.keeps_shape for block in net.walk())
        network = randomized(net).double()
        folded = deployed_network(net, network)
        images_NCHW = images_of(net)
        with torch.no_grad():
            assert difference_of(network(images_NCHW), folded(images_NCHW)) < 1e-9
    assert identities > 10


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_type_of_the_numbers_stays(dtype: torch.dtype) -> None:
    net = Architecture(9, Stem(3, 2, 4, kind="repvgg"), (Stage("repvgg", 3, 1, 1, 4, 2),), Head(6, 3), "relu")
    network = randomized(net).to(dtype)
    folded = deployed_network(net, network)
    assert {one.dtype for one in folded.parameters()} == {dtype}
    assert not folded.training
    with torch.no_grad():
        assert difference_of(network(images_of(net).to(dtype)), folded(images_of(net).to(dtype))) < 1e-5


def test_every_tensor_of_a_trained_block_counts() -> None:
    """A fold that forgot one would give other logits."""
    net = Architecture(9, Stem(3, 2, 4, kind="repvgg"), (Stage("repvgg", 3, 1, 1, 4, 1),), Head(None, 3), "silu")
    network = randomized(net).double()
    images_NCHW = images_of(net)
    for name, tensor in network.state_dict().items():
        if tensor.ndim == 0:
            continue
        tensor.mul_(1.1).add_(0.01)
        with torch.no_grad():
            difference = difference_of(network(images_NCHW), deployed_network(net, network)(images_NCHW))
        assert difference < 1e-9, name
