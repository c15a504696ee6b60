"""List the layers of ResNet's shortcuts, for use in other kinds."""

from __future__ import annotations

from collections.abc import Iterator

from scalesearch.design.block_shape import BlockShape
from scalesearch.design.layers import Layer


def projection(block: BlockShape) -> Iterator[Layer]:
    """Yield a strided 1×1 convolution with batch norm where the block changes its shape; otherwise nothing.

    He et al. 2016, option B. With the shortcut `avg_pool` a mean of 2×2 places has the stride instead. With `none`
    there is no layer. The block's first convolution already saves the input, so it is not counted twice.
    """
    changes = block.changes_shape
    if changes is False or block.shortcut == "none":
        return
    is_pooled = block.shortcut == "avg_pool" and block.stride > 1
    yield Layer(
        "shortcut",
        block.in_width,
        block.out_width,
        block.out_px if is_pooled else block.in_px,
        block.out_px,
        stride=1 if is_pooled else block.stride,
        pool_stride=block.stride if is_pooled else 1,
        norm="batch_norm",
        is_beside=True,
        kept_inputs=int(is_pooled),
        times=changes,
    )
