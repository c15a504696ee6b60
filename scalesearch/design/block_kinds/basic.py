"""List the layers of ResNet's basic block (He et al. 2016)."""

from __future__ import annotations

from collections.abc import Iterator

from scalesearch.design.block_kinds.shortcut import projection
from scalesearch.design.block_kinds.squeeze_excite import has_gate, named_gate
from scalesearch.design.block_shape import BlockShape
from scalesearch.design.layers import Layer


def layers(block: BlockShape) -> Iterator[Layer]:
    """Yield two k×k convolutions, a gate, and a projection where the shape changes.

    The last activation follows the sum. SENet's gate stands behind the last convolution (Hu et al. 2018, section
    3.3).
    """
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
        antialias=block.smoothing,
    )
    yield Layer(
        "second",
        width,
        width,
        px,
        px,
        block.kernel,
        norm="batch_norm",
        activation=block.activation,
        kept_outputs=int(has_gate(block, is_last=True)),
    )
    yield from named_gate(block, width, is_last=True)
    yield from projection(block)
