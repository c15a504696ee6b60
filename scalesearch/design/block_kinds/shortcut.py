"""List the layers of ResNet's projection shortcut (He et al. 2016, option B), for use in other kinds."""

from __future__ import annotations

from collections.abc import Iterator

from scalesearch.design.block_shape import BlockShape
from scalesearch.design.layers import Layer


def projection(block: BlockShape) -> Iterator[Layer]:
    """Yield a strided 1×1 convolution with batch norm where the block changes its shape; otherwise nothing.

    The block's first convolution already saves the input, so it is not counted twice.
    """
    changes = block.changes_shape
    if changes is False:
        return
    yield Layer(
        "shortcut",
        block.in_width,
        block.out_width,
        block.in_px,
        block.out_px,
        stride=block.stride,
        norm="batch_norm",
        is_beside=True,
        kept_inputs=0,
        times=changes,
    )
