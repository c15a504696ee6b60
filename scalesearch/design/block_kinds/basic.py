"""List the layers of ResNet's basic block (He et al. 2016)."""

from __future__ import annotations

from collections.abc import Iterator

from scalesearch.design.block_kinds.shortcut import projection
from scalesearch.design.block_shape import BlockShape
from scalesearch.design.layers import Layer


def layers(block: BlockShape) -> Iterator[Layer]:
    """Yield two k×k convolutions, and a projection where the shape changes; the last activation follows the sum."""
    width, px = block.out_width, block.out_px
    yield Layer(
        "first",
        block.in_width,
        width,
        block.in_px,
        px,
        block.kernel,
        block.stride,
        norm="batch_norm",
        activation=block.activation,
    )
    yield Layer("second", width, width, px, px, block.kernel, norm="batch_norm", activation=block.activation)
    yield from projection(block)
