"""List the layers of MBConv, the inverted residual with squeeze-and-excitation (Tan & Le 2019)."""

from __future__ import annotations

from collections.abc import Iterator

from scalesearch.design.block_kinds.squeeze_excite import gated_inputs, squeeze_excite
from scalesearch.design.block_shape import BlockShape
from scalesearch.design.layers import Layer


def layers(block: BlockShape) -> Iterator[Layer]:
    """Yield expand 1×1 (where expansion > 1), depthwise k×k, squeeze-and-excite, project 1×1 without activation."""
    inner = block.inner_width
    if block.expansion != 1:
        yield Layer(
            "expand",
            block.in_width,
            inner,
            block.in_px,
            block.in_px,
            norm="batch_norm",
            activation=block.activation,
        )
    yield Layer(
        "depthwise",
        inner,
        inner,
        block.in_px,
        block.out_px,
        block.kernel,
        block.stride,
        groups=inner,
        norm="batch_norm",
        activation=block.activation,
        antialias=block.smoothing,
    )
    yield from squeeze_excite(block, inner)
    yield Layer(
        "project",
        inner,
        block.out_width,
        block.out_px,
        block.out_px,
        norm="batch_norm",
        kept_inputs=gated_inputs(block),
    )
