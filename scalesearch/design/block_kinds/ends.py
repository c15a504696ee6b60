"""List the layers of the stem's pools and of the classifier."""

from __future__ import annotations

from collections.abc import Iterator

from scalesearch.design.block_shape import BlockShape
from scalesearch.design.images import area
from scalesearch.design.layers import Layer


def no_layers(_: BlockShape) -> Iterator[Layer]:
    """Yield no layer: a pool has no multiply-adds as the paper counts them, and no parameters."""
    yield from ()


def max_pool_saves(block: BlockShape) -> int:
    """Return the elements that the backward pass needs: the pool's input, and the indices of its outputs."""
    index = 2  # an index takes eight bytes, as two floats
    return block.in_width * area(block.in_px) + index * block.out_width * area(block.out_px)


def max_blur_pool(block: BlockShape) -> Iterator[Layer]:
    """Yield the smoothing that strides behind a 3×3 max-pool of stride 1.

    Zhang 2019 (arXiv 1904.11486), section 3.2; as in timm's `resnetblur50`: `BlurPool2d` of reflected places.
    """
    width = block.in_width
    yield Layer(
        "blur",
        width,
        width,
        block.in_px,
        block.out_px,
        block.kernel,
        block.stride,
        groups=width,
        is_constant=True,
        kept_inputs=0,
    )


def max_blur_pool_saves(block: BlockShape) -> int:
    """Return the elements that the backward pass needs: the input, its indices, and the padded map behind."""
    index = 2  # an index takes eight bytes, as two floats
    return block.in_width * ((1 + index) * area(block.in_px) + area(block.in_px + block.kernel - 1))


def avg_pool_saves(block: BlockShape) -> int:
    """Return the elements that the backward pass of a mean needs in torch: the pool's input."""
    return block.in_width * area(block.in_px)


def classifier(block: BlockShape) -> Iterator[Layer]:
    """Yield global average pooling, the block's normalisation if it has one, then a linear layer with a bias.

    A hidden linear layer with a bias and the activation may come before the last (MobileNetV3: Howard et al. 2019,
    arXiv 1905.02244, Tables 1 and 2, "conv2d 1x1, NBN" after the pool). In MobileNetV4, that layer has batch norm
    and no bias (Qin et al. 2024, arXiv 2404.10518; timm `mobilenetv3.py`, `head_norm`). In timm's FBNetV3
    it has neither (`head_bias`).
    """
    width, norm = block.in_width, block.norm
    if block.hidden is not None:
        hidden_norm = block.hidden_norm
        yield Layer(
            "hidden",
            width,
            block.hidden,
            1,
            1,
            bias=block.hidden_bias and hidden_norm is None,
            pre_norm=norm,
            norm=hidden_norm,
            activation=block.activation,
        )
        width, norm = block.hidden, None
    yield Layer("linear", width, block.out_width, 1, 1, bias=True, pre_norm=norm)
