"""List the layers of ConvNeXt's stem, which takes patches that do not overlap.

The source is Liu et al. 2022 (arXiv 2201.03545), section 2.2.
"""

from __future__ import annotations

from collections.abc import Iterator

from scalesearch.design.block_shape import BlockShape
from scalesearch.design.layers import Layer


def layers(block: BlockShape) -> Iterator[Layer]:
    """Yield one k×k convolution of stride k without padding, with layer normalisation and no activation."""
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
