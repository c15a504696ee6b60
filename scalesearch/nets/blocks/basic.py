"""Build ResNet's basic block (He et al. 2016)."""

from __future__ import annotations

from torch import Tensor, nn

from scalesearch.design.blocks import Block
from scalesearch.nets.blocks.plain_parts import Activation, conv, shortcut
from scalesearch.nets.blocks.resnet import ResNetBlock


class BasicBlock(ResNetBlock):
    """Applies two k×k convolutions and adds a shortcut."""

    def __init__(self, block: Block, eps: float) -> None:
        super().__init__(block, eps, ("first", "second"))


class Basic(nn.Module):
    """Applies ResNet's block of two convolutions."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            conv(inputs, outputs, kernel, stride),
            conv(outputs, outputs, kernel, active=False),
        )
        self.shortcut = shortcut(inputs, outputs, stride)
        self.act = Activation()

    def forward(self, x: Tensor) -> Tensor:
        return self.act(self.branch(x) + self.shortcut(x))
