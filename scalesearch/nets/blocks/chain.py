"""Build blocks without a shortcut: plain convolution, MobileNetV1's depthwise separable convolution."""

from __future__ import annotations

from torch import nn

from scalesearch.design.blocks import Block
from scalesearch.nets.blocks.parts import conv_norm_act
from scalesearch.nets.blocks.plain_parts import conv


class ConvSequence(nn.Sequential):
    """Applies the block's layers one after the other, each with batch norm and activation."""

    def __init__(self, block: Block, eps: float) -> None:
        super().__init__()
        for layer in block.layers:
            self.add_module(layer.role, conv_norm_act(layer, eps))


def separable(inputs: int, outputs: int, kernel: int, stride: int) -> nn.Sequential:
    """Build MobileNetV1's block: each channel is filtered by itself, then a 1×1 convolution follows."""
    return nn.Sequential(conv(inputs, inputs, kernel, stride, groups=inputs), conv(inputs, outputs))
