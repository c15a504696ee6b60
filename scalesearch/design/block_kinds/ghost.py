"""List the layers of the Ghost bottleneck of GhostNet (Han et al. 2020, arXiv 1911.11907)."""

from __future__ import annotations

from collections.abc import Iterator

from scalesearch.design.activations import ACTIVATIONS
from scalesearch.design.block_kinds.squeeze_excite import gated_inputs, squeeze_excite
from scalesearch.design.block_shape import BlockShape
from scalesearch.design.images import ImageSize
from scalesearch.design.layers import Layer

CHEAP_KERNEL = 3
"""The side of the depthwise kernel for the second half of the channels: d in section 3.1, timm's `dw_size`."""


def layers(block: BlockShape) -> Iterator[Layer]:
    """Yield Ghost module, depthwise k×k where it strides, gate, linear Ghost module, and a shortcut.

    See section 3.2 and Figure 3, and timm `ghostnet.py`, `GhostBottleneck`. The shortcut has layers where the shape
    changes. The stage's `kernel` is that of the strided depthwise convolution and of the shortcut's depthwise one.
    The first module is there even where the expansion is 1.
    """
    inner, px = block.inner_width, block.in_px
    yield from _module("expand", block.in_width, inner, px, block.activation)
    if block.stride > 1:
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
        )
    yield from squeeze_excite(block, inner)
    yield from _module("project", inner, block.out_width, block.out_px, None, gated_inputs(block))
    yield from _shortcut(block)


def _module(
    role: str, in_width: int, out_width: int, px: ImageSize, activation: str | None, kept_inputs: int = 1
) -> Iterator[Layer]:
    """Yield a Ghost module (section 3.1): a 1×1 convolution to half the channels, and one more channel from each.

    Where the number of channels is odd, the last one is computed and dropped, as in timm's `GhostModule`, whose
    ratio s is 2 as well.
    """
    half = out_width - out_width // 2
    yield Layer(role, in_width, half, px, px, norm="batch_norm", activation=activation, kept_inputs=kept_inputs)
    # The next layer saves a copy of both halves, so an activation that needs its output saves this half itself.
    keeps_output = activation is not None and not ACTIVATIONS[activation].saves_input
    yield Layer(
        f"{role}_cheap",
        half,
        half,
        px,
        px,
        CHEAP_KERNEL,
        groups=half,
        norm="batch_norm",
        activation=activation,
        is_joined=True,
        kept_outputs=int(keeps_output),
    )


def _shortcut(block: BlockShape) -> Iterator[Layer]:
    """Yield a strided depthwise k×k and a 1×1 convolution where the block changes its shape; else nothing."""
    changes = block.changes_shape
    if changes is False:
        return
    width = block.in_width
    yield Layer(
        "shortcut_depthwise",
        width,
        width,
        block.in_px,
        block.out_px,
        block.kernel,
        block.stride,
        groups=width,
        norm="batch_norm",
        is_beside=True,
        kept_inputs=0,  # the first module saves the block's input
        times=changes,
    )
    yield Layer(
        "shortcut",
        width,
        block.out_width,
        block.out_px,
        block.out_px,
        norm="batch_norm",
        is_beside=True,
        times=changes,
    )
