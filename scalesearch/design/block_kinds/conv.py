"""A plain convolution with batch norm and activation; no shortcut."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from scalesearch.design.layers import Layer

if TYPE_CHECKING:
    from scalesearch.design.blocks import Block


def layers(block: Block) -> Iterator[Layer]:
    """One k×k convolution."""
    yield Layer("conv", block.in_width, block.out_width, block.in_px, block.out_px, block.kernel, block.stride)
