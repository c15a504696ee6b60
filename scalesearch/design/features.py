"""List the feature maps that a decoder takes from a network: the last one of each stride."""

from __future__ import annotations

from dataclasses import dataclass

from scalesearch.design.architecture import Architecture

ENDS = ("head", "classifier")
"""The blocks after the last feature map; the head's 1×1 convolution belongs to the classifier."""


@dataclass(frozen=True, slots=True)
class Level:
    """A level is a feature map: its stride in px of the image, its channels, and the block that returns it."""

    stride: int
    channels: int
    block: str


def feature_levels(architecture: Architecture) -> tuple[Level, ...]:
    """Return the last feature map of each stride, from the finest to the coarsest."""
    levels: dict[int, Level] = {}
    stride = 1
    for block in architecture.walk():
        if block.name in ENDS:
            break
        stride *= block.stride
        levels[stride] = Level(stride, block.out_width, block.name)
    return tuple(levels.values())
