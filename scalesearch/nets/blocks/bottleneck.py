"""ResNet's bottleneck block (He et al. 2016)."""

from __future__ import annotations

from scalesearch.design.blocks import Block
from scalesearch.nets.blocks.resnet import ResNetBlock


class Bottleneck(ResNetBlock):
    """1×1, k×k, 1×1 and a shortcut."""

    def __init__(self, block: Block, eps: float) -> None:
        super().__init__(block, eps, ("reduce", "spatial", "restore"))
