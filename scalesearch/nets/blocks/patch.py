"""Build non-overlapping patches with layer normalisation: ConvNeXt's stem (Liu et al. 2022)."""

from __future__ import annotations

from torch import nn

from scalesearch.design.blocks import Block
from scalesearch.nets.blocks.chain import ConvSequence
from scalesearch.nets.blocks.parts import init_trunc_normal
from scalesearch.nets.blocks.plain_parts import ChannelNorm


class PatchBlock(ConvSequence):
    """Applies a convolution of kernel = stride without padding, and layer normalisation over its channels."""

    def __init__(self, block: Block, eps: float) -> None:
        super().__init__(block, eps)
        init_trunc_normal(self)


def patch(inputs: int, outputs: int, kernel: int, stride: int) -> nn.Sequential:
    """Build patches of `kernel` × `kernel` pixels, normalised over their channels."""
    return nn.Sequential(nn.Conv2d(inputs, outputs, kernel, stride), ChannelNorm(outputs, eps=1e-6))
