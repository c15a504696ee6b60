"""List the layers of a plain convolution block: convolution, batch norm and activation, without a shortcut."""

from __future__ import annotations

from collections.abc import Iterator

from scalesearch.design.block_shape import BlockShape
from scalesearch.design.layers import Layer


def layers(block: BlockShape) -> Iterator[Layer]:
    """Yield one k×k convolution."""
    yield Layer(
        "conv",
        block.in_width,
        block.out_width,
        block.in_px,
        block.out_px,
        block.kernel,
        block.stride,
        norm="batch_norm",
        activation=block.activation,
        antialias=block.smoothing,
    )
