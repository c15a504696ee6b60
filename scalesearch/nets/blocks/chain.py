"""Blocks without a shortcut: a plain convolution, MobileNetV1's depthwise separable convolution."""

from __future__ import annotations

from torch import nn

from scalesearch.design.blocks import Block
from scalesearch.nets.blocks.parts import conv_norm


class Chain(nn.Sequential):
    """The block's layers one behind the other, each with batch norm and activation."""

    def __init__(self, block: Block, eps: float) -> None:
        super().__init__()
        for layer in block.layers:
            self.add_module(layer.role, conv_norm(layer, eps))
