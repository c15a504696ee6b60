"""List the layers of a deep stem: several k×k convolutions in place of one large kernel (He et al. 2019)."""

from __future__ import annotations

from collections.abc import Iterator

from scalesearch.design.block_shape import BlockShape
from scalesearch.design.layers import Layer

_SPLIT_STRIDE = 4


def layers(block: BlockShape) -> Iterator[Layer]:
    """Yield k×k convolutions to the inner widths of the block, in order, and one to the output width.

    The first convolution has the stride. A stride of 4 is one of 2 in the first convolution and one of 2 in the
    last. With inner widths of half the output it is the stem of ResNet-C and -D (He et al. 2019, arXiv 1812.01187,
    Figure 2b; timm `resnet.py`, `stem_type='deep'`, and `byobnet.py`, `Stem`).
    """
    widths = (*block.stem_widths, block.out_width)
    strides = [block.stride, *(1 for _ in block.stem_widths)]
    if block.stride == _SPLIT_STRIDE and block.stem_widths:
        strides[0] = strides[-1] = _SPLIT_STRIDE // 2
    in_width, px = block.in_width, block.in_px
    for number, (width, stride) in enumerate(zip(widths, strides, strict=True)):
        out_px = -(-px // stride)
        yield Layer(
            f"conv{number}",
            in_width,
            width,
            px,
            out_px,
            block.kernel,
            stride,
            norm="batch_norm",
            activation=block.activation,
        )
        in_width, px = width, out_px
