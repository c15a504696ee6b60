"""Build blocks without a shortcut: plain convolution, MobileNetV1's depthwise separable convolution."""

from __future__ import annotations

from fractions import Fraction

from torch import nn

from scalesearch.design.blocks import Block
from scalesearch.nets.blocks.parts import conv_norm_act, has_hard_gate, make_gate
from scalesearch.nets.blocks.plain_parts import HardSqueezeExcite, SqueezeExcite, conv, divisible


class ConvSequence(nn.Sequential):
    """Applies the block's layers one after the other, each with batch norm and activation, and its gate."""

    def __init__(self, block: Block, eps: float) -> None:
        super().__init__()
        layers = {layer.role: layer for layer in block.layers}
        for layer in block.layers:
            if not layer.is_gate:
                self.add_module(layer.role, conv_norm_act(layer, eps))
            elif layer.pools:
                self.add_module("gate", make_gate(layers, hard=has_hard_gate(block)))


def deep(inputs: int, outputs: int, kernel: int, stride: int, inner: tuple[int, ...]) -> nn.Sequential:
    """Build convolutions to the inner widths and the output; the first strides, with 4 the first and the last."""
    widths = (inputs, *inner, outputs)
    strides = [stride, *(1 for _ in inner)]
    if stride == 4:
        strides[0] = strides[-1] = 2
    layers = zip(widths[:-1], widths[1:], strides, strict=True)
    return nn.Sequential(*(conv(width, wider, kernel, step) for width, wider, step in layers))


def separable(inputs: int, outputs: int, kernel: int, stride: int) -> nn.Sequential:
    """Build MobileNetV1's block: each channel is filtered by itself, then a 1×1 convolution follows."""
    return nn.Sequential(conv(inputs, inputs, kernel, stride, groups=inputs), conv(inputs, outputs))


def gated_separable(inputs: int, outputs: int, kernel: int, stride: int, se: Fraction) -> nn.Sequential:
    """Build MobileNetV1's block with a gate between its convolutions."""
    gate = SqueezeExcite(inputs, max(1, int(inputs * se)))
    return nn.Sequential(conv(inputs, inputs, kernel, stride, groups=inputs), gate, conv(inputs, outputs))


def hard_gated_separable(inputs: int, outputs: int, kernel: int, stride: int, se: Fraction) -> nn.Sequential:
    """Build MobileNetV1's block with MobileNetV3's gate between its convolutions."""
    gate = HardSqueezeExcite(inputs, divisible(inputs * se))
    return nn.Sequential(conv(inputs, inputs, kernel, stride, groups=inputs), gate, conv(inputs, outputs))
