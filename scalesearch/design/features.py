"""The feature maps that a decoder takes from a network: the last one of each stride."""

from __future__ import annotations

from dataclasses import dataclass

from scalesearch.design.architecture import Architecture

_ENDS = ("head", "classifier")
"""Blocks behind the last feature map: the head's 1×1 convolution is the classifier's."""


@dataclass(frozen=True, slots=True)
class Level:
    """A feature map: px of the image per place, its channels, and the block that gives it."""

    stride: int
    channels: int
    block: str


def feature_levels(architecture: Architecture) -> tuple[Level, ...]:
    """The last feature map of each stride, from the finest to the coarsest."""
    found: dict[int, Level] = {}
    stride = 1
    for block in architecture.walk():
        if block.name in _ENDS:
            break
        stride *= block.stride
        found[stride] = Level(stride, block.out_width, block.name)
    return tuple(found.values())
