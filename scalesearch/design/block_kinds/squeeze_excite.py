"""List the layers of gates, such as squeeze-and-excitation (Hu et al. 2018), for use in other kinds."""

from __future__ import annotations

from collections.abc import Iterator

from scalesearch.design.block_shape import BlockShape
from scalesearch.design.decimals import divisible, nearest_multiple, odd_kernel
from scalesearch.design.gates import GATES
from scalesearch.design.layers import Layer


def squeeze_excite(block: BlockShape, inner: int) -> Iterator[Layer]:
    """Yield the two 1×1 convolutions of the gate on `inner` channels; nothing where the block has no `se`.

    The squeeze has max(1, ⌊se · block input⌋) channels: the ratio refers to the block's input, not to the expanded
    width (tensorflow/tpu `efficientnet_model.py`, `MBConvBlock`). RegNet rounds to the nearest integer (pycls
    `anynet.py`, torchvision `regnet.py`), which is the same where the input is a multiple of 1/se. In MobileNetV3's
    gate, the ratio refers to the expanded width, and the result is rounded to a multiple (torchvision
    `mobilenetv3.py`, `_make_divisible`). The other gates with a hard sigmoid are rounded like it.
    """
    if not block.se:
        return
    if block.gate is not None:
        form = GATES[block.gate]
        whole = inner if form.of_inner else block.in_width
        width = divisible(whole, block.se, block.inner_divisor, form.kept_percent)
        yield Layer("squeeze", inner, width, 1, 1, bias=True, activation=form.activation or block.activation)
        # The hard sigmoid saves its input, and the product saves its output.
        yield Layer("excite", width, inner, 1, 1, bias=True, kept_outputs=2)
        return
    numerator, denominator = block.se.as_integer_ratio()
    width = block.in_width * numerator // denominator
    width = width + (width < 1)  # max(1, width), for arrays as well
    # The gate's σ saves one tensor of its size, as an activation does.
    yield Layer("squeeze", inner, width, 1, 1, bias=True, activation=block.activation)
    yield Layer("excite", width, inner, 1, 1, bias=True, activation=block.activation)


def gated_inputs(block: BlockShape) -> int:
    """Return how many tensors of its input's size are saved for the layer after the gate.

    With a gate there are two: the gate's product also saves its other factor.
    """
    return 2 if has_gate(block, is_last=False) else 1


def has_gate(block: BlockShape, is_last: bool) -> bool:
    """Return whether the block has a gate before its last convolution or, with `is_last`, behind it."""
    if block.gate is None:
        return bool(block.se) and not is_last
    return GATES[block.gate].is_last == is_last


def named_gate(block: BlockShape, inner: int, is_last: bool) -> Iterator[Layer]:
    """Yield the layers of a gate that stands before a ResNet's last convolution or, with `is_last`, behind it.

    The gate is on `inner` channels. `senet` squeezes to their share `se`, to the nearest multiple of the divisor.
    `eca` has one convolution along the channels, of ⌊(log₂ C + 1) / 2⌋ weights for C channels, the next odd number
    where that is even, and 3 at least (timm `eca.py`, `EcaModule`).
    """
    if not has_gate(block, is_last):
        return
    if block.gate is None:
        yield from squeeze_excite(block, inner)
    elif GATES[block.gate].has_share:
        width = nearest_multiple(inner, block.se, block.inner_divisor)
        yield Layer("squeeze", inner, width, 1, 1, bias=True, activation="relu")
        # The product saves the sigmoid's output, which the sigmoid itself saves.
        yield Layer("excite", width, inner, 1, 1, bias=True, kept_outputs=1)
    else:
        yield Layer("attend", inner, inner, 1, 1, channel_kernel=odd_kernel(inner), kept_outputs=1)
