"""List the layers of the depthwise separable convolution (Howard et al. 2017, MobileNetV1), without a shortcut."""

from __future__ import annotations

from collections.abc import Iterator

from scalesearch.design.block_kinds.squeeze_excite import gated_inputs, squeeze_excite
from scalesearch.design.block_shape import BlockShape
from scalesearch.design.layers import Layer


def layers(block: BlockShape) -> Iterator[Layer]:
    """Yield depthwise k×k, a gate, then 1×1; each convolution is followed by batch norm and activation.

    PP-LCNet has the gate in its last blocks (Cui et al. 2021, arXiv 2109.15099, section 3.2).
    """
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
    yield from squeeze_excite(block, width)
    yield Layer(
        "pointwise",
        width,
        block.out_width,
        block.out_px,
        block.out_px,
        norm="batch_norm",
        activation=block.activation,
        kept_inputs=gated_inputs(block),
    )
