"""List the layers of the inverted residual with a linear bottleneck (Sandler et al. 2018, MobileNetV2)."""

from __future__ import annotations

from collections.abc import Iterator

from scalesearch.design.block_kinds import mbconv
from scalesearch.design.block_shape import BlockShape
from scalesearch.design.layers import Layer


def layers(block: BlockShape) -> Iterator[Layer]:
    """Yield the layers of MBConv without the gate.

    They are expand 1×1 (where expansion > 1), depthwise k×k, and project 1×1 without activation.
    """
    return mbconv.layers(block)
