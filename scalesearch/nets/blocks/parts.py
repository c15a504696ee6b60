"""Build the parts of blocks from the layers that the cost counts."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn

from scalesearch.design.activations import ACTIVATIONS, torch_class
from scalesearch.design.antialias import ANTIALIASES, AntialiasName
from scalesearch.design.blocks import Block
from scalesearch.design.gates import GATES
from scalesearch.design.layers import Layer
from scalesearch.design.norms import NORMS, NormName
from scalesearch.nets.blocks import plain_parts
from scalesearch.nets.blocks.plain_parts import BlurPool, ChannelNorm, ECAGate, LayerScale, ResponseNorm, SplitConv
from scalesearch.nets.depthwise import DepthwiseConv2d, PointwiseConv2d


def convolution(layer: Layer) -> nn.Conv2d | SplitConv:
    """Return the layer's convolution, or one for each of its parts, in the form that trains fastest on a CPU."""
    if layer.parts > 1:
        return SplitConv(_convolution(part) for part in layer.part_layers)
    return _convolution(layer)


def _convolution(layer: Layer) -> nn.Conv2d:
    stride = 1 if layer.antialias else layer.stride
    if layer.is_depthwise:
        assert layer.padded, "depthwise layers are padded; DepthwiseConv2d knows no other"
        return DepthwiseConv2d(layer.in_width, layer.kernel, stride, bias=layer.bias)
    if layer.kernel == layer.groups == 1:
        return PointwiseConv2d(layer.in_width, layer.out_width, stride, bias=layer.bias)
    padding = layer.kernel // 2 if layer.padded else 0
    # Grouped kernels stay in channels_last: a step takes at most 12 times that of an ungrouped layer of equal
    # multiply-adds (55 groups of 2 channels at 24 px), and in NCHW 1.1 to 7 times as long again (one thread,
    # torch 2.13, batches of 64).
    sizes = (layer.in_width, layer.out_width, layer.kernel, stride, padding)
    return nn.Conv2d(*sizes, groups=layer.groups, bias=layer.bias)


def make_activation(layer: Layer) -> nn.Module:
    """Return a new module of the layer's activation."""
    assert layer.activation is not None
    owner = nn if ACTIVATIONS[layer.activation].in_torch else plain_parts
    module: nn.Module = getattr(owner, torch_class(layer.activation))()
    return module


def conv_norm_act(layer: Layer, eps: float) -> nn.Sequential:
    """Return what the layer has of: norms or a mean before the convolution, it, norm, activation, layer scale.

    Args:
        layer: the layer to build.
        eps: the epsilon of batch norm; the other norms have their own.
    """
    layers = nn.Sequential()
    if layer.pre_norm:
        layers.append(_make_norm(layer.pre_norm, layer.in_width, eps))
    if layer.response_norm:
        layers.append(ResponseNorm(layer.in_width))
    if layer.pool_stride > 1:
        layers.append(nn.AvgPool2d(2, layer.pool_stride, ceil_mode=True))
    layers.append(convolution(layer))
    if layer.norm:
        layers.append(_make_norm(layer.norm, layer.out_width, eps))
    if layer.activation:
        layers.append(make_activation(layer))
    if layer.antialias:
        layers.append(_smoothing(layer.antialias, layer.out_width, layer.stride))
    if layer.layer_scale:
        layers.append(LayerScale(layer.out_width))
    return layers


def _smoothing(name: AntialiasName, channels: int, stride: int) -> nn.Module:
    smoothing = ANTIALIASES[name]
    if not smoothing.kernel:
        return nn.AvgPool2d(stride, ceil_mode=True)
    return BlurPool(channels, stride, smoothing.padding)


def _make_norm(name: NormName, channels: int, eps: float) -> nn.Module:
    norm = NORMS[name]
    eps = eps if norm.eps is None else float(norm.eps)
    if name == "layer_norm":  # torch's class normalises the last dimensions, not the channels
        return ChannelNorm(channels, eps=eps)
    module: nn.Module = getattr(nn, norm.torch_class)(channels, eps=eps)
    return module


def init_trunc_normal(root: nn.Module) -> None:
    """Initialise convolutions and linear layers by a normal distribution of deviation .02, biases at zero.

    As in facebookresearch/ConvNeXt `models/convnext.py`, `_init_weights`, which truncates at ±2, a hundred
    deviations.
    """
    for layer in root.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.trunc_normal_(layer.weight, std=0.02)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


def batch_norm_of(sequence: nn.Module) -> nn.BatchNorm2d:
    """Return the batch norm of a `conv_norm_act`."""
    return next(module for module in sequence.modules() if isinstance(module, nn.BatchNorm2d))


class Gate(nn.Module):
    """Applies squeeze-and-excitation: x · σ(W₂ act(W₁ mean(x))), with means over the map (Hu et al. 2018).

    Args:
        squeeze: W₁ and act.
        excite: W₂.
        hard: whether σ is the hard sigmoid (Howard et al. 2019, section 5.2).
    """

    def __init__(self, squeeze: Layer, excite: Layer, hard: bool = False) -> None:
        super().__init__()
        self.sigmoid = nn.functional.hardsigmoid if hard else torch.sigmoid
        self.squeeze = convolution(squeeze)
        self.act = make_activation(squeeze)
        self.excite = convolution(excite)

    def forward(self, features_NCHW: torch.Tensor) -> torch.Tensor:
        """Return the gated features, in the shape of the input."""
        pooled = features_NCHW.mean((2, 3), keepdim=True)
        gates: torch.Tensor = self.sigmoid(self.excite(self.act(self.squeeze(pooled))))
        return features_NCHW * gates


def has_hard_gate(block: Block) -> bool:
    """Return whether the block has a gate that ends in the hard sigmoid."""
    return block.gate is not None and GATES[block.gate].is_hard


def make_gate(layers: Mapping[str, Layer], hard: bool = False) -> nn.Module:
    """Return the gate of a block's layers by their roles.

    Args:
        layers: the layers, of which `attend` is a gate of its own, and `squeeze` and `excite` are one.
        hard: whether squeeze-and-excitation ends in the hard sigmoid.
    """
    if "attend" in layers:
        kernel = layers["attend"].channel_kernel
        assert kernel is not None
        return ECAGate(kernel)
    return Gate(layers["squeeze"], layers["excite"], hard)
