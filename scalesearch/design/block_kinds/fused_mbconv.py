"""Fused-MBConv (Tan & Le 2021): expansion and depthwise convolution in one k×k convolution."""

from __future__ import annotations

from collections.abc import Iterator

from scalesearch.design.block_kinds.squeeze_excite import gated_inputs, squeeze_excite
from scalesearch.design.block_shape import BlockShape
from scalesearch.design.layers import Layer


def layers(block: BlockShape) -> Iterator[Layer]:
    """Expand k×k, squeeze-and-excite, project 1×1 without activation; one k×k convolution where expansion is 1.

    As google/automl `effnetv2_model.py`, `FusedMBConvBlock`: without expansion the gate sees the block's input,
    and the one convolution has the stride and an activation.
    """
    inner = block.inner_width
    whole = block.expansion == 1
    if not whole:
        yield Layer(
            "expand",
            block.in_width,
            inner,
            block.in_px,
            block.out_px,
            block.kernel,
            block.stride,
            norm="batch_norm",
            activation=block.activation,
        )
    yield from squeeze_excite(block, inner)
    yield Layer(
        "project",
        inner,
        block.out_width,
        block.in_px if whole else block.out_px,
        block.out_px,
        block.kernel if whole else 1,
        block.stride if whole else 1,
        norm="batch_norm",
        activation=block.activation if whole else None,
        kept_inputs=gated_inputs(block),
    )
