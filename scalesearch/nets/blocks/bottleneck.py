"""Build ResNet's bottleneck block (He et al. 2016)."""

from __future__ import annotations

from fractions import Fraction

from torch import Tensor, nn

from scalesearch.design.blocks import Block
from scalesearch.nets.blocks.plain_parts import Activation, SqueezeExcite, conv, shortcut
from scalesearch.nets.blocks.resnet import ResNetBlock


class BottleneckBlock(ResNetBlock):
    """Applies 1×1, k×k, a gate where the stage has one, and 1×1, and adds a shortcut."""

    def __init__(self, block: Block, eps: float) -> None:
        super().__init__(block, eps, ("reduce", "spatial", "restore"))


class Bottleneck(nn.Module):
    """Applies ResNet's block: narrows 1×1, filters k×k (in groups of channels, if any), widens 1×1."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int, groups: int = 1
    ) -> None:
        super().__init__()
        inner = outputs // expansion
        self.branch = nn.Sequential(
            conv(inputs, inner),
            conv(inner, inner, kernel, stride, groups),
            conv(inner, outputs, active=False),
        )
        self.shortcut = shortcut(inputs, outputs, stride)
        self.act = Activation()

    def forward(self, x: Tensor) -> Tensor:
        return self.act(self.branch(x) + self.shortcut(x))


class GatedBottleneck(nn.Module):
    """Narrows 1×1, filters k×k (in groups of channels, if any), gates, widens 1×1."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int, se: Fraction, groups: int = 1
    ) -> None:
        super().__init__()
        inner = outputs // expansion
        self.branch = nn.Sequential(
            conv(inputs, inner),
            conv(inner, inner, kernel, stride, groups),
            SqueezeExcite(inner, max(1, int(inputs * se))),
            conv(inner, outputs, active=False),
        )
        self.shortcut = shortcut(inputs, outputs, stride)
        self.act = Activation()

    def forward(self, x: Tensor) -> Tensor:
        return self.act(self.branch(x) + self.shortcut(x))
