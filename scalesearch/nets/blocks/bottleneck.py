"""ResNet's bottleneck block (He et al. 2016)."""

from __future__ import annotations

from scalesearch.design.blocks import Block
from scalesearch.nets.blocks.parts import Norms
from scalesearch.nets.blocks.resnet import ResNetBlock


class Bottleneck(ResNetBlock):
    """1×1, k×k, 1×1 and a shortcut."""

    def __init__(self, block: Block, norms: Norms) -> None:
        super().__init__(block, norms, ("reduce", "spatial", "restore"))
