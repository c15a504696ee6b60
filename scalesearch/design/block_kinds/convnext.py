"""List the layers of ConvNeXt's block (Liu et al. 2022, arXiv 2201.03545, section 2) and its downsampling."""

from __future__ import annotations

from collections.abc import Iterator

from scalesearch.design.block_shape import BlockShape
from scalesearch.design.layers import Layer


def layers(block: BlockShape) -> Iterator[Layer]:
    """Yield depthwise k×k, layer norm, 1×1 to expansion × the output width, activation, 1×1 back, layer scale.

    Where the shape changes, layer norm and a convolution with kernel = stride come first. These are the
    `downsample_layers` between the stages in facebookresearch/ConvNeXt, `models/convnext.py`.
    """
    width, px, inner = block.out_width, block.out_px, block.out_width * int(block.expansion)
    changes = block.changes_shape
    if changes is not False:
        yield Layer(
            "downsample",
            block.in_width,
            width,
            block.in_px,
            px,
            block.stride,
            block.stride,
            padded=False,
            bias=True,
            pre_norm="layer_norm",
            is_shortcut=True,
            times=changes,
        )
    yield Layer("depthwise", width, width, px, px, block.kernel, groups=width, bias=True, norm="layer_norm")
    yield Layer("expand", width, inner, px, px, bias=True, activation=block.activation)
    yield Layer("project", inner, width, px, px, bias=True, layer_scale=True)
