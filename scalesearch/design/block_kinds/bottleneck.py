"""ResNet's bottleneck block (He et al. 2016), with the stride on the k×k convolution (ResNet-B)."""

from __future__ import annotations

from collections.abc import Iterator

from scalesearch.design.block_kinds.shortcut import projection
from scalesearch.design.block_shape import BlockShape
from scalesearch.design.layers import Layer


def layers(block: BlockShape) -> Iterator[Layer]:
    """1×1 to out/expansion channels, k×k, 1×1 to the output, and a projection where the shape changes."""
    inner, px = block.out_width // int(block.expansion), block.out_px
    yield Layer(
        "reduce", block.in_width, inner, block.in_px, block.in_px, norm="batch_norm", activation=block.activation
    )
    yield Layer(
        "spatial",
        inner,
        inner,
        block.in_px,
        px,
        block.kernel,
        block.stride,
        norm="batch_norm",
        activation=block.activation,
    )
    yield Layer("restore", inner, block.out_width, px, px, norm="batch_norm", activation=block.activation)
    yield from projection(block)
