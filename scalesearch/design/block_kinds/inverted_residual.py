"""The inverted residual with a linear bottleneck (Sandler et al. 2018, MobileNetV2)."""

from __future__ import annotations

from collections.abc import Iterator

from scalesearch.design.block_kinds import mbconv
from scalesearch.design.block_shape import BlockShape
from scalesearch.design.layers import Layer


def layers(block: BlockShape) -> Iterator[Layer]:
    """Expand 1×1 (where expansion > 1), depthwise k×k, project 1×1 without activation: MBConv without the gate."""
    return mbconv.layers(block)
