"""Normalisations are defined once: torch's class, its parameters and fvcore's count follow from the definition."""

from __future__ import annotations

from decimal import Decimal
from typing import get_args

import torch
from fvcore.nn import FlopCountAnalysis
from torch import nn

from scalesearch.design.layers import Layer
from scalesearch.design.norms import NORMS, NormName
from scalesearch.nets.blocks.parts import conv_norm_act
from scalesearch.nets.blocks.plain_parts import ChannelNorm

LAYER = Layer("any", 5, 7, 9, 9)


def test_every_name_is_defined() -> None:
    assert set(NORMS) == set(get_args(NormName))
    assert all(issubclass(getattr(nn, norm.torch_class), nn.Module) for norm in NORMS.values())


def test_parameters_and_operations_are_those_of_the_module() -> None:
    for name in get_args(NormName):
        layer = Layer("any", 5, 7, 9, 9, norm=name)
        _, norm = conv_norm_act(layer, 0.5).eval()
        assert sum(one.numel() for one in norm.parameters()) == layer.params - LAYER.params
        ((_, channels, places),) = layer.normalised
        counted = FlopCountAnalysis(norm, torch.zeros(1, 7, 9, 9)).unsupported_ops_warnings(False).by_operator()
        assert counted[name] == NORMS[name].fvcore_operations * channels * places == counted.total()


def test_batch_norm_has_the_networks_epsilon_and_layer_norm_its_own() -> None:
    for name, eps in (("batch_norm", 0.5), ("layer_norm", 1e-6)):
        _, norm = conv_norm_act(Layer("any", 5, 7, 9, 9, norm=name), 0.5)  # type: ignore[arg-type]
        assert norm.eps == eps
    assert NORMS["layer_norm"].eps == Decimal("0.000001")


def test_layer_norm_is_over_the_channels_of_each_place() -> None:
    """Against the formula (Ba et al. 2016, equation 3)."""
    x = torch.randn(2, 6, 3, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    norm = ChannelNorm(6, eps=1e-6).double()
    nn.init.uniform_(norm.weight), nn.init.uniform_(norm.bias)
    variance, mean = torch.var_mean(x, 1, correction=0, keepdim=True)
    wanted = (x - mean) / (variance + 1e-6).sqrt() * norm.weight[:, None, None] + norm.bias[:, None, None]
    torch.testing.assert_close(norm(x), wanted)


def test_a_normalisation_before_the_convolution_sees_its_input() -> None:
    layer = Layer("any", 5, 7, 9, 4, 2, 2, padded=False, bias=True, pre_norm="layer_norm", layer_scale=True)
    assert layer.params == 7 * (5 * 4 + 1 + 1) + 2 * 5
    assert layer.stored == (5 * 81) + (5 + 2) * 81 + 7 * 16
    absent = Layer("any", 5, 7, 9, 4, pre_norm="layer_norm", norm="layer_norm", layer_scale=True, times=0)
    assert (absent.params, absent.stored, absent.macs) == (0, 0, 0)
