"""The Ghost bottleneck of GhostNet (Han et al. 2020, arXiv 1911.11907)."""

from __future__ import annotations

from collections.abc import Iterator

from scalesearch.design.activations import ACTIVATIONS
from scalesearch.design.block_kinds.squeeze_excite import gated_inputs, squeeze_excite
from scalesearch.design.block_shape import BlockShape
from scalesearch.design.layers import Layer

CHEAP_KERNEL = 3
"""Side of the depthwise kernel that makes the second half of the maps: d of section 3.1, `dw_size` in timm."""


def layers(block: BlockShape) -> Iterator[Layer]:
    """Ghost module, depthwise k×k where it strides, gate, linear Ghost module; a shortcut where the shape changes.

    Section 3.2 and Figure 3; timm `ghostnet.py`, `GhostBottleneck`. The stage's `kernel` is that of the strided
    depthwise convolution and of the shortcut's. The first module is there even where it widens nothing.
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
    role: str, in_width: int, out_width: int, px: int, activation: str | None, kept_inputs: int = 1
) -> Iterator[Layer]:
    """A Ghost module (section 3.1): a 1×1 convolution to half the maps, and one further map from each of these.

    Of an odd number of maps the last one is computed and left out (timm `GhostModule`, whose ratio s is 2 as well).
    """
    half = out_width - out_width // 2
    yield Layer(role, in_width, half, px, px, norm="batch_norm", activation=activation, kept_inputs=kept_inputs)
    # The next layer keeps a copy of both halves: an activation that needs its output keeps this half itself.
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
    """A depthwise k×k with the stride and a 1×1 convolution where the block changes its shape; else nothing."""
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
        kept_inputs=0,  # the first module keeps the block's input
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
