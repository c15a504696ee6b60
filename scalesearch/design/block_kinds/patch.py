"""Patches that do not overlap: the stem of ConvNeXt (Liu et al. 2022, arXiv 2201.03545, section 2.2)."""

from __future__ import annotations

from collections.abc import Iterator

from scalesearch.design.block_shape import BlockShape
from scalesearch.design.layers import Layer


def layers(block: BlockShape) -> Iterator[Layer]:
    """One k×k convolution of stride k without padding, then layer normalisation; no activation."""
    yield Layer(
        "conv",
        block.in_width,
        block.out_width,
        block.in_px,
        block.out_px,
        block.kernel,
        block.stride,
        padded=False,
        bias=True,
        norm="layer_norm",
    )
