"""List the layers of an overlapping stem: several strided k×k convolutions, and layer normalisation at the end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from scalesearch.design.block_kinds import deep
from scalesearch.design.block_shape import BlockShape
from scalesearch.design.layers import Layer


def layers(block: BlockShape) -> Iterator[Layer]:
    """Yield the convolutions of a deep stem with biases, without activations, and with one norm, behind the last.

    timm's ConvNeXts have it in place of patches (`convnext.py`, `stem_type='overlap'`).
    """
    *first, last = deep.layers(block)
    for layer in first:
        yield replace(layer, bias=True, norm=None, activation=None)
    yield replace(last, bias=True, norm="layer_norm", activation=None)
