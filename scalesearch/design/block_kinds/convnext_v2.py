"""List the layers of ConvNeXt V2's block (Woo et al. 2023, arXiv 2301.00808, section 4)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from scalesearch.design.block_kinds import convnext
from scalesearch.design.block_shape import BlockShape
from scalesearch.design.layers import Layer


def layers(block: BlockShape) -> Iterator[Layer]:
    """Yield ConvNeXt's layers, with global response normalisation before the last 1×1 and without layer scale."""
    for layer in convnext.layers(block):
        if layer.role == "project":
            # The normalisation saves its own input, and the convolution saves the normalised one.
            layer = replace(layer, layer_scale=False, response_norm=True, kept_inputs=2)
        yield layer
