"""List the layers of the depthwise separable convolution (Howard et al. 2017, MobileNetV1), without a shortcut."""

from __future__ import annotations

from collections.abc import Iterator

from scalesearch.design.block_shape import BlockShape
from scalesearch.design.layers import Layer


def layers(block: BlockShape) -> Iterator[Layer]:
    """Yield depthwise k×k, then 1×1, each followed by batch norm and activation."""
    width = block.in_width
    yield Layer(
        "depthwise",
        width,
        width,
        block.in_px,
        block.out_px,
        block.kernel,
        block.stride,
        groups=width,
        norm="batch_norm",
        activation=block.activation,
        antialias=block.smoothing,
    )
    yield Layer(
        "pointwise",
        width,
        block.out_width,
        block.out_px,
        block.out_px,
        norm="batch_norm",
        activation=block.activation,
    )
