"""List the layers of MobileNetV4's universal inverted bottleneck (Qin et al. 2024, arXiv 2404.10518)."""

from __future__ import annotations

from collections.abc import Iterator

from scalesearch.design.block_kinds.squeeze_excite import gated_inputs, squeeze_excite
from scalesearch.design.block_shape import BlockShape
from scalesearch.design.layers import Layer


def layers(block: BlockShape) -> Iterator[Layer]:
    """Yield depthwise k×k, expand 1×1, depthwise k×k, gate, project 1×1; either depthwise one may be left out.

    A kernel of 1 leaves a depthwise convolution out. With both, the block is the paper's ExtraDW. With the second
    it is MobileNetV2's, with the first it is like ConvNeXt's, and with neither it is a feed-forward network. The
    expansion is there even where its factor is 1. The last depthwise convolution has the stride (timm
    `_efficientnet_blocks.py`, `UniversalInvertedResidual`). Where there is none, the expansion has the stride;
    timm builds no such block. The gate, which the paper's networks do not have, stands before the projection as in
    timm.
    """
    has_start, has_depthwise, inner, px = block.start_kernel > 1, block.kernel > 1, block.inner_width, block.in_px
    if has_start:
        out_px, stride = (px, 1) if has_depthwise else (block.out_px, block.stride)
        width = block.in_width
        # It has no activation; the block's first activation follows the expansion.
        yield Layer(
            "start",
            width,
            width,
            px,
            out_px,
            block.start_kernel,
            stride,
            groups=width,
            norm="batch_norm",
            antialias=None if has_depthwise else block.smoothing,
        )
        px = out_px
    out_px, stride = (px, 1) if has_start or has_depthwise else (block.out_px, block.stride)
    yield Layer(
        "expand",
        block.in_width,
        inner,
        px,
        out_px,
        stride=stride,
        norm="batch_norm",
        activation=block.activation,
        antialias=None if has_start or has_depthwise else block.smoothing,
    )
    if has_depthwise:
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
            antialias=block.smoothing,
        )
    yield from squeeze_excite(block, inner)
    yield Layer(
        "project",
        inner,
        block.out_width,
        block.out_px,
        block.out_px,
        norm="batch_norm",
        kept_inputs=gated_inputs(block),
    )
