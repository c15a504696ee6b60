"""List the layers of bottlenecks that are wider inside than outside, with full or grouped k×k convolutions."""

from __future__ import annotations

from collections.abc import Iterator

from scalesearch.design.block_kinds.bottleneck import branch_and_shortcut
from scalesearch.design.block_shape import BlockShape
from scalesearch.design.layers import Layer


def layers(block: BlockShape) -> Iterator[Layer]:
    """Yield a bottleneck whose inner width is expansion × output width.

    The wider ResNeXts have it (Mahajan et al. 2018, arXiv 1805.00932, 32x16d), and GENet with groups of one channel
    (Lin et al. 2020, arXiv 2006.14090; timm `byobnet.py`, `gernet_l`).
    """
    inner = block.out_width * int(block.expansion)
    groups = block.groups_within(block.out_width, inner)
    yield from branch_and_shortcut(block, inner, groups, block.activation)


def linear_layers(block: BlockShape) -> Iterator[Layer]:
    """Yield the same without an activation at the end, as timm's `regnet.py` has it with `linear_out`."""
    inner = block.out_width * int(block.expansion)
    yield from branch_and_shortcut(block, inner, block.groups_within(block.out_width, inner), None)


def inverted_layers(block: BlockShape) -> Iterator[Layer]:
    """Yield the same with an inner width of expansion × input width: RegNetZ's Z block (Dollár et al. 2021).

    arXiv 2103.06877, section 5; timm `byobnet.py`, `BottleneckBlock` with `bottle_in` and `linear_out`.
    """
    inner = block.in_width * int(block.expansion)
    yield from branch_and_shortcut(block, inner, block.groups_within(block.in_width, inner), None)
