"""List the layers of MixNet's inverted residual, whose depthwise kernels have several sizes (Tan & Le 2019)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from scalesearch.design.block_kinds import mbconv
from scalesearch.design.block_shape import BlockShape
from scalesearch.design.layers import Layer

KERNEL_STEP = 2
"""How much larger each kernel is than the one before (arXiv 1907.09595, section 3.2, "Kernel Size")."""


def layers(block: BlockShape) -> Iterator[Layer]:
    """Yield the layers of MBConv with channels in parts, each with a convolution of its own.

    The depthwise convolution has `kernel_count` parts with kernels k, k + 2, … (MixConv: arXiv 1907.09595, section
    3.1), the expansion `expand_groups` and the projection `project_groups`. The parts are equally wide, and the
    first takes the channels that are left over (timm `mixed_conv2d.py`, `_split_channels`).
    """
    parts = {"expand": block.expand_groups, "depthwise": block.kernel_count, "project": block.project_groups}
    for layer in mbconv.layers(block):
        step = KERNEL_STEP if layer.role == "depthwise" else 0
        yield replace(layer, parts=parts.get(layer.role, 1), kernel_step=step)
