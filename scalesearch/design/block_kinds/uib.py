"""The universal inverted bottleneck of MobileNetV4 (Qin et al. 2024, arXiv 2404.10518)."""

from __future__ import annotations

from collections.abc import Iterator

from scalesearch.design.block_shape import BlockShape
from scalesearch.design.layers import Layer


def layers(block: BlockShape) -> Iterator[Layer]:
    """Depthwise k×k, expand 1×1, depthwise k×k, project 1×1: either depthwise convolution may be left out.

    A kernel of 1 leaves it out. With both the block is the paper's extra depthwise one, with the second that of
    MobileNetV2, with the first one like ConvNeXt's, with neither a feed-forward network. The expansion is there
    even where it widens nothing. The stride is that of the last depthwise convolution (timm
    `_efficientnet_blocks.py`, `UniversalInvertedResidual`); of the expansion, where there is none, which timm does
    not build.
    """
    starts, filters, inner, px = block.start_kernel > 1, block.kernel > 1, block.inner_width, block.in_px
    if starts:
        out_px, stride = (px, 1) if filters else (block.out_px, block.stride)
        width = block.in_width
        # No activation: the first of the block is that of the expansion.
        yield Layer("start", width, width, px, out_px, block.start_kernel, stride, groups=width, norm="batch_norm")
        px = out_px
    out_px, stride = (px, 1) if starts or filters else (block.out_px, block.stride)
    yield Layer(
        "expand",
        block.in_width,
        inner,
        px,
        out_px,
        stride=stride,
        norm="batch_norm",
        activation=block.activation,
    )
    if filters:
        yield Layer(
            "depthwise",
            inner,
            inner,
            px,
            block.out_px,
            block.kernel,
            block.stride,
            groups=inner,
            norm="batch_norm",
            activation=block.activation,
        )
    yield Layer("project", inner, block.out_width, block.out_px, block.out_px, norm="batch_norm")
