"""List the layers of Fused-MBConv (Tan & Le 2021): one k×k convolution expands and filters."""

from __future__ import annotations

from collections.abc import Iterator

from scalesearch.design.block_kinds.squeeze_excite import gated_inputs, squeeze_excite
from scalesearch.design.block_shape import BlockShape
from scalesearch.design.layers import Layer


def layers(block: BlockShape) -> Iterator[Layer]:
    """Yield expand k×k, squeeze-and-excite, project 1×1 without activation; one k×k where expansion is 1.

    The layers follow google/automl `effnetv2_model.py`, `FusedMBConvBlock`. Without expansion, the gate reads the
    block's input, and the single convolution has the stride and an activation.
    """
    yield from _layers(block, is_single_conv=block.expansion == 1)


def expanded_layers(block: BlockShape) -> Iterator[Layer]:
    """Yield the same, with two convolutions where expansion is 1 as well: timm's `EdgeResidual`, `er`.

    With `group_width`, the k×k convolution is grouped, as in MobileNet-EdgeTPU V2 (timm `efficientnet.py`,
    `_gen_mobilenet_edgetpu`, the `gs` of its strings, which counts the inner channels of a group in place of the
    input's).
    """
    yield from _layers(block, is_single_conv=False)


def _layers(block: BlockShape, is_single_conv: bool) -> Iterator[Layer]:
    inner = block.inner_width
    if not is_single_conv:
        yield Layer(
            "expand",
            block.in_width,
            inner,
            block.in_px,
            block.out_px,
            block.kernel,
            block.stride,
            groups=block.groups_within(block.in_width, block.in_width),
            norm="batch_norm",
            activation=block.activation,
            antialias=block.smoothing,
        )
    yield from squeeze_excite(block, inner)
    yield Layer(
        "project",
        inner,
        block.out_width,
        block.in_px if is_single_conv else block.out_px,
        block.out_px,
        block.kernel if is_single_conv else 1,
        block.stride if is_single_conv else 1,
        norm="batch_norm",
        activation=block.activation if is_single_conv else None,
        kept_inputs=gated_inputs(block),
        antialias=block.smoothing if is_single_conv else None,
    )
