"""TensorFlow's padding: its formula by hand, the costs that it leaves alone, and the text of files that have it."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from math import ceil, sqrt

import numpy as np
import pytest
import torch
from networks import SMALL
from torch import Tensor, nn
from torch.nn import functional as F

from scalesearch.design.architecture import Architecture, Head, Stage, Stem
from scalesearch.design.baseline_file import baseline_text, parse_baseline
from scalesearch.design.baselines import load_baseline
from scalesearch.design.coefficients import Multipliers
from scalesearch.design.cost import cost
from scalesearch.errors import InputError, SpaceError
from scalesearch.nets.blocks.plain_parts import pad_same
from scalesearch.nets.convnet import ConvNet
from scalesearch.nets.depthwise import DepthwiseConv2d
from scalesearch.nets.flops import fvcore_breakdown
from scalesearch.search.canonical import as_json, from_json

SAME = replace(SMALL.architecture, padding="same", resolution=34)


def ends(side: int, kernel: int, stride: int) -> tuple[int, int]:
    """Before and after a side, by TensorFlow's documentation of SAME (`tf.nn`, notes on padding)."""
    total = max((ceil(side / stride) - 1) * stride + kernel - side, 0)
    return total // 2, total - total // 2


def padded(images: np.ndarray, kernel: int, stride: int, value: float = 0.0) -> Tensor:
    rows, columns = ends(images.shape[2], kernel, stride), ends(images.shape[3], kernel, stride)
    return torch.from_numpy(np.pad(images, ((0, 0), (0, 0), rows, columns), constant_values=value))


@pytest.mark.parametrize("stride", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("kernel", [3, 5, 7])
def test_a_convolution_pads_by_the_formula_of_tensorflow(kernel: int, stride: int) -> None:
    """Plain, depthwise in training on a CPU, and depthwise in eval; heights and widths differ."""
    torch.manual_seed(kernel)
    plain, fast = nn.Conv2d(2, 3, kernel, stride, kernel // 2), DepthwiseConv2d(2, kernel, stride)
    pad_same(nn.Sequential(plain, fast))
    differ = 0
    for side in range(5, 13):
        images = torch.randn(2, 2, side, side + 1)
        framed = padded(images.numpy(), kernel, stride)
        for layer in (plain, fast, fast.eval()):
            expected = F.conv2d(framed, layer.weight, layer.bias, stride, groups=layer.groups)
            assert expected.shape[2:] == (ceil(side / stride), ceil((side + 1) / stride))
            torch.testing.assert_close(layer(images), expected)
        fast.train()
        other = F.conv2d(images, plain.weight, plain.bias, stride, kernel // 2)
        differ += not torch.allclose(other, plain(images), atol=1e-4)
    assert differ == (0 if stride == 1 else 8)


@pytest.mark.parametrize("side", range(5, 13))
def test_a_pool_pads_with_nothing_that_could_be_the_largest(side: int) -> None:
    pool = nn.MaxPool2d(3, 2, 1)
    pad_same(nn.Sequential(pool))
    images = -torch.rand(1, 2, side, side + 1) - 1
    framed = padded(images.numpy(), 3, 2, -np.inf)
    assert torch.equal(pool(images), F.max_pool2d(framed, 3, 2))


def test_the_network_computes_the_formula() -> None:
    """One stem and one MBConv without gate, written out in torch's functions with explicit padding."""
    stage = Stage("inverted_residual", 5, 2, 1, 5, 1)
    net = Architecture(14, Stem(3, 2, 4), (stage,), Head(None, 2), "relu", padding="same")
    network = ConvNet(net).eval()
    weights = {name: value.detach() for name, value in network.state_dict().items()}

    def conv(maps: Tensor, name: str, stride: int, groups: int = 1) -> Tensor:
        kernel = weights[f"{name}.0.weight"]
        framed = padded(maps.numpy(), kernel.shape[-1], stride)
        out: Tensor = F.conv2d(framed, kernel, None, stride, groups=groups)
        return out / sqrt(1 + 0.001)  # a fresh batch norm

    images = torch.randn(3, 3, 14, 14, generator=torch.Generator().manual_seed(1))
    maps = conv(images, "stem.conv", 2).relu()
    maps = conv(conv(maps, "stages_0_0.depthwise", 2, 4).relu(), "stages_0_0.project", 1)
    expected = maps.mean((2, 3)) @ weights["classifier.linear.weight"].T + weights["classifier.linear.bias"]
    with torch.no_grad():
        torch.testing.assert_close(network(images), expected, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("px", [33, 34, 35, 36])
def test_all_costs_are_those_of_symmetric_padding(px: int) -> None:
    same = replace(SAME, resolution=px)
    symmetric = replace(same, padding="symmetric")
    assert cost(same) == cost(symmetric)
    assert fvcore_breakdown(same).macs == fvcore_breakdown(symmetric).macs == cost(same).macs
    first, second = ConvNet(same).state_dict(), ConvNet(symmetric).state_dict()
    assert [(name, one.shape) for name, one in first.items()] == [(name, one.shape) for name, one in second.items()]


def test_both_paddings_train_and_agree_where_every_stride_sees_an_odd_side() -> None:
    torch.manual_seed(0)
    symmetric, same = ConvNet(replace(SAME, padding="symmetric")), ConvNet(SAME)
    same.load_state_dict(symmetric.state_dict())
    for px, equal in ((33, True), (34, False)):
        images = torch.randn(4, 3, px, px).contiguous(memory_format=torch.channels_last)
        gradients = []
        for network in (symmetric, same):
            network.zero_grad()
            network(images).square().sum().backward()
            gradients.append(
                torch.cat([one.grad.flatten() for one in network.parameters() if one.grad is not None])
            )
        first, second = gradients
        assert torch.allclose(first, second, rtol=1e-3, atol=1e-4 * float(first.abs().max())) == equal


def test_patches_are_not_padded() -> None:
    net = Architecture(17, Stem(2, 2, 4, kind="patch"), (Stage("convnext", 7, 2, 2, 6, 1),), Head(None, 2))
    symmetric, same = ConvNet(net).eval(), ConvNet(replace(net, padding="same")).eval()
    same.load_state_dict(symmetric.state_dict())
    images = torch.randn(2, 3, 17, 17)
    assert torch.equal(symmetric(images), same(images))


def test_a_file_states_it_and_the_default_is_left_out() -> None:
    same = replace(SMALL, architecture=SAME)
    text = baseline_text(same)
    assert "\npadding: same\nstem:" in text
    assert parse_baseline(text, "x") == same
    plain = baseline_text(SMALL)
    assert "padding" not in plain
    assert parse_baseline(plain.replace("stem:", "padding: symmetric\nstem:"), "x") == SMALL
    with pytest.raises(InputError, match=r"^x:\d+: padding: input should be 'symmetric' or 'same'"):
        parse_baseline(text.replace("padding: same", "padding: valid"), "x")
    assert "padding" not in str(as_json(SMALL.architecture))
    assert "'padding': 'same'" in str(as_json(SAME))
    assert from_json(Architecture, as_json(SAME)) == SAME
    with pytest.raises(SpaceError, match="padding is 'valid', but it must be one of symmetric, same"):
        replace(SAME, padding="valid")  # type: ignore[arg-type]


def test_scaled_networks_keep_it() -> None:
    scaled = replace(SMALL, architecture=SAME).scale(Multipliers(Decimal(2), Decimal("1.5")))
    assert scaled.architecture.padding == "same"


def test_a_repvgg_is_not_folded() -> None:
    """Its strided k×k and 1×1 kernels have their middles on other pixels."""
    repvgg = load_baseline("repvgg_a0")
    same = replace(repvgg, architecture=replace(repvgg.architecture, padding="same"))
    with pytest.raises(SpaceError, match="no block is deployed in another form"):
        _ = same.deployed
