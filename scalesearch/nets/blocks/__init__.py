"""How each block kind is wired in torch; what it consists of stands in `design.block_kinds`."""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from scalesearch.design.blocks import Block
from scalesearch.nets.blocks.basic import Basic
from scalesearch.nets.blocks.bottleneck import Bottleneck
from scalesearch.nets.blocks.chain import Chain
from scalesearch.nets.blocks.ends import Classifier, MaxPool
from scalesearch.nets.blocks.mbconv import MBConv

BLOCKS: dict[str, Callable[[Block, float], nn.Module]] = {
    "conv": Chain,
    "mbconv": MBConv,
    "fused_mbconv": MBConv,
    "inverted_residual": MBConv,
    "depthwise_separable": Chain,
    "basic": Basic,
    "bottleneck": Bottleneck,
    "max_pool": MaxPool,
    "classifier": Classifier,
}
"""The wiring of every kind in `design.block_kinds.KINDS`."""
