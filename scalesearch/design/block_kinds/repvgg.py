"""List the layers of RepVGG's re-parameterisable block (Ding et al. 2021, arXiv 2101.03697), in both forms."""

from __future__ import annotations

from collections.abc import Iterator

from scalesearch.design.block_shape import BlockShape
from scalesearch.design.layers import Layer


def layers(block: BlockShape) -> Iterator[Layer]:
    """Yield parallel k×k and 1×1 convolutions, and batch norm of the input where the shape does not change.

    The activation follows the sum. See section 3.2 and Figure 2 (B), where k is 3. There is no gate, and there are
    no groups, which the B models "g2" and "g4" have (DingXiaoH/RepVGG `repvgg.py`, `RepVGGBlock`; timm
    `byobnet.py`, `RepVggBlock`).
    """
    width, px = block.out_width, block.out_px
    yield Layer(
        "conv",
        block.in_width,
        width,
        block.in_px,
        px,
        block.kernel,
        block.stride,
        norm="batch_norm",
        activation=block.activation,
    )
    changes = block.changes_shape
    yield Layer(
        "pointwise",
        block.in_width,
        width,
        block.in_px,
        px,
        stride=block.stride,
        norm="batch_norm",
        identity_norm=None if changes is True else "batch_norm",
        identity_times=1 - changes,
        is_beside=True,
        kept_inputs=0,  # the k×k convolution saves the block's input
    )


def deployed_layers(block: BlockShape) -> Iterator[Layer]:
    """Yield the k×k convolution with a bias and activation that the branches are folded into (section 3.3)."""
    yield Layer(
        "conv",
        block.in_width,
        block.out_width,
        block.in_px,
        block.out_px,
        block.kernel,
        block.stride,
        bias=True,
        activation=block.activation,
    )
