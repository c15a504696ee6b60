"""Build ConvNeXt's stem, patches with layer normalisation (Liu et al. 2022), and timm's overlapping one."""

from __future__ import annotations

from torch import nn

from scalesearch.design.blocks import Block
from scalesearch.nets.blocks.chain import ConvSequence
from scalesearch.nets.blocks.parts import init_trunc_normal
from scalesearch.nets.blocks.plain_parts import ChannelNorm


class PatchBlock(ConvSequence):
    """Applies convolutions, one of kernel = stride or several, and layer normalisation over the channels."""

    def __init__(self, block: Block, eps: float) -> None:
        super().__init__(block, eps)
        init_trunc_normal(self)


def patch(inputs: int, outputs: int, kernel: int, stride: int) -> nn.Sequential:
    """Build patches of `kernel` × `kernel` pixels, normalised over their channels."""
    return nn.Sequential(nn.Conv2d(inputs, outputs, kernel, stride), ChannelNorm(outputs, eps=1e-6))


def overlap(inputs: int, outputs: int, kernel: int, stride: int, inner: tuple[int, ...]) -> nn.Sequential:
    """Build convolutions that overlap, normalised over their channels; the first strides, with 4 also the last."""
    widths = (inputs, *inner, outputs)
    strides = [stride, *(1 for _ in inner)]
    if stride == 4:
        strides[0] = strides[-1] = 2
    layers = zip(widths[:-1], widths[1:], strides, strict=True)
    convolutions = (nn.Conv2d(width, wider, kernel, step, kernel // 2) for width, wider, step in layers)
    return nn.Sequential(*convolutions, ChannelNorm(outputs, eps=1e-6))
