"""ResNet's bottleneck block (He et al. 2016)."""

from __future__ import annotations

from torch import Tensor, nn

from scalesearch.design.blocks import Block
from scalesearch.nets.blocks.plain_parts import Activation, conv, shortcut
from scalesearch.nets.blocks.resnet import ResNetBlock


class BottleneckBlock(ResNetBlock):
    """1×1, k×k, 1×1 and a shortcut."""

    def __init__(self, block: Block, eps: float) -> None:
        super().__init__(block, eps, ("reduce", "spatial", "restore"))


class Bottleneck(nn.Module):
    """ResNet's block of three convolutions: narrow 1×1, k×k, widen 1×1."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        inner = outputs // expansion
        self.branch = nn.Sequential(
            conv(inputs, inner),
            conv(inner, inner, kernel, stride),
            conv(inner, outputs, active=False),
        )
        self.shortcut = shortcut(inputs, outputs, stride)
        self.act = Activation()

    def forward(self, x: Tensor) -> Tensor:
        return self.act(self.branch(x) + self.shortcut(x))
