"""Class activation maps beside Grad-CAM: by autograd here, and by Captum where it is installed."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
import torch
from filling import fill
from networks import random_architecture
from torch import Tensor, nn

from scalesearch.design.architecture import Architecture
from scalesearch.design.baselines import load_baseline
from scalesearch.errors import InputError
from scalesearch.nets.blocks.ends import Classifier
from scalesearch.nets.cam import class_maps, pooled_layer
from scalesearch.nets.convnet import ConvNet

NAMES = ("tiny", "mobilenet_v1", "resnet18")
"""With a head, without one, and with a max-pool behind the stem."""


def filled(architecture: Architecture, px: int) -> ConvNet:
    network = fill(ConvNet(architecture), px)
    assert isinstance(network, ConvNet)
    return network


def noise(count: int, px: int, channels: int = 3) -> Tensor:
    return torch.randn(count, channels, px, px + 32, generator=torch.Generator().manual_seed(3))


def grad_cam(network: ConvNet, images_NCHW: Tensor, classes_N: Tensor) -> Tensor:
    """Selvaraju et al. 2017, equations 1 and 2 without the ReLU, by autograd."""
    kept: list[Tensor] = []
    hook = pooled_layer(network).register_forward_hook(lambda _, __, out: kept.append(out))
    logits_NK = network(images_NCHW)
    hook.remove()
    (gradients_NCHW,) = torch.autograd.grad(logits_NK.gather(1, classes_N[:, None]).sum(), kept[0])
    return (gradients_NCHW.mean((2, 3), keepdim=True) * kept[0]).sum(1).detach()


@pytest.mark.parametrize("name", NAMES)
def test_it_is_grad_cam_of_the_pooled_layer(name: str) -> None:
    network = filled(load_baseline(name).architecture, 64)
    images, classes = noise(3, 64), torch.tensor([4, 0, 9])
    maps = class_maps(network, images, classes)
    expected = grad_cam(network, images, classes)
    assert maps.shape == expected.shape
    assert maps.shape[1] != maps.shape[2], "an image that is no square: swapped sides would show"
    assert (maps - expected).abs().max() <= 1e-6 * max(1.0, float(expected.abs().max()))
    assert maps.abs().max() > 1e-3


@pytest.mark.parametrize("name", NAMES)
def test_it_is_captums(name: str) -> None:
    captum = pytest.importorskip("captum.attr", exc_type=ImportError)
    network = filled(load_baseline(name).architecture, 64)
    images, classes = noise(3, 64), torch.tensor([4, 0, 9])
    found = captum.LayerGradCam(network, pooled_layer(network)).attribute(images, classes)[:, 0].detach()
    maps = class_maps(network, images, classes)
    assert (maps - found).abs().max() <= 1e-6 * max(1.0, float(found.abs().max()))
    positive = captum.LayerGradCam(network, pooled_layer(network)).attribute(
        images, classes, relu_attributions=True
    )
    assert torch.equal(maps.clamp(min=0) > 1e-5, positive[:, 0] > 1e-5)


def test_a_maps_sum_and_the_bias_are_the_logit_of_any_network() -> None:
    random = Random(5)
    for _ in range(12):
        architecture = random_architecture(random)
        architecture = replace(architecture, head=replace(architecture.head, hidden=None, hidden_norm=None))
        side = max(24, architecture.smallest_resolution)
        network = filled(architecture, side)
        images = noise(2, side, architecture.in_channels)
        classes = torch.tensor([random.randrange(architecture.classes) for _ in range(2)])
        logits = network(images).gather(1, classes[:, None])[:, 0]
        *_, classifier = network
        assert isinstance(classifier, Classifier)
        bias = classifier.linear.bias[classes]
        if isinstance(classifier.norm, nn.LayerNorm):
            bias = bias + classifier.linear.weight[classes] @ classifier.norm.bias
        sums = class_maps(network, images, classes).sum((1, 2)) + bias
        assert torch.allclose(sums, logits, rtol=1e-4, atol=1e-5)


def test_through_a_hidden_layer_the_map_is_grad_cams() -> None:
    """The channels weighed by the gradients of the logit, which are the same at every place."""
    architecture = load_baseline("mobilenet_v3_small").architecture
    network = filled(architecture, 64)
    images, classes = noise(2, 64), torch.tensor([4, 9])
    maps = class_maps(network, images, classes)
    *trunk, classifier = network
    features = images
    for block in trunk:
        features = block(features)
    features = features.detach().requires_grad_()
    (gradients,) = torch.autograd.grad(classifier(features).gather(1, classes[:, None]).sum(), features)
    wanted = (gradients.mean((2, 3), keepdim=True) * features).sum(1).detach()
    assert torch.allclose(maps, wanted, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("name", NAMES)
def test_a_network_of_unknown_parts_has_the_same_maps(name: str) -> None:
    """Wrapped, the stages are hidden: the map that is pooled is found while the network runs."""
    network = filled(load_baseline(name).architecture, 64)
    images, classes = noise(3, 64), torch.tensor([4, 0, 9])
    maps = class_maps(nn.Sequential(network).eval(), images, classes)
    expected = class_maps(network, images, classes)
    assert maps.shape == expected.shape
    assert torch.allclose(maps, expected, rtol=1e-3, atol=1e-5 * float(expected.abs().max()))


def test_a_network_without_feature_maps_is_refused() -> None:
    flat = nn.Sequential(nn.Flatten(), nn.Linear(3 * 8 * 40, 5))
    with pytest.raises(InputError, match="has no feature map"):
        class_maps(flat, noise(2, 8), torch.tensor([0, 1]))
