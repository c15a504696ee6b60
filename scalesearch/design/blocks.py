"""What a block consists of: the layers that the cost counts and that `nets` builds.

A block kind is one function here (its layers) and one module in `nets.blocks` (how they are wired).
All sizes may be numpy arrays of integers as well: the arithmetic is the same, and that is how a grid of
100,000 networks is counted at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Layer:
    """A convolution (or a linear layer: a 1×1 convolution on one pixel) and what directly follows it."""

    role: str
    in_width: int
    out_width: int
    in_px: int
    out_px: int
    kernel: int = 1
    stride: int = 1
    depthwise: bool = False
    bias: bool = False
    norm: bool = True
    activation: bool = True
    kept_inputs: int = 1
    """How many tensors of the input's size the backward pass keeps for this layer."""

    @property
    def fan_in(self) -> int:
        """Weights per output channel."""
        return self.kernel**2 * (1 if self.depthwise else self.in_width)

    @property
    def outputs(self) -> int:
        """Elements of the output of one image."""
        return self.out_width * self.out_px**2

    @property
    def macs(self) -> int:
        """Multiply-adds for one image; padding is counted as in every counter, bias is not."""
        return self.fan_in * self.outputs

    @property
    def params(self) -> int:
        """Weights, bias, and the scale and shift of the batch norm that follows."""
        return self.out_width * (self.fan_in + self.bias + 2 * self.norm)

    @property
    def stored(self) -> int:
        """Elements that training keeps for the backward pass: inputs, batch norm's, the activation's."""
        return self.kept_inputs * self.in_width * self.in_px**2 + (self.norm + self.activation) * self.outputs


@dataclass(frozen=True, slots=True)
class Block:
    """One block of a network, with the widths (channels) and the side (px) that it sees."""

    name: str
    kind: str
    in_width: int
    out_width: int
    in_px: int
    kernel: int = 1
    stride: int = 1
    expansion: int = 1
    se: Decimal = Decimal(0)

    @property
    def out_px(self) -> int:
        """Side of the output: ⌈in/stride⌉, which is both TensorFlow's SAME and torch's padding k//2."""
        return -(-self.in_px // self.stride)

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The block's layers in the order in which data meets them."""
        return tuple(LAYERS[self.kind](self))


def _conv(block: Block) -> Iterator[Layer]:
    yield Layer("conv", block.in_width, block.out_width, block.in_px, block.out_px, block.kernel, block.stride)


def _mbconv(block: Block) -> Iterator[Layer]:
    """Inverted residual with squeeze-and-excitation (Tan & Le 2019; Sandler et al. 2018; Hu et al. 2018)."""
    inner = block.in_width * block.expansion
    if block.expansion != 1:
        yield Layer("expand", block.in_width, inner, block.in_px, block.in_px)
    yield Layer("depthwise", inner, inner, block.in_px, block.out_px, block.kernel, block.stride, depthwise=True)
    if block.se:
        yield from _squeeze_excite(inner, _squeeze_width(block))
    yield Layer(
        "project",
        inner,
        block.out_width,
        block.out_px,
        block.out_px,
        activation=False,
        kept_inputs=2 if block.se else 1,  # the gate's product keeps its other factor
    )


def _squeeze_width(block: Block) -> int:
    """max(1, ⌊se · block input⌋): the ratio is of the block's input, not of the expanded width."""
    numerator, denominator = block.se.as_integer_ratio()
    width = block.in_width * numerator // denominator
    return width + (width < 1)  # max(1, width), for arrays as well


def _squeeze_excite(inner: int, squeezed: int) -> Iterator[Layer]:
    yield Layer("squeeze", inner, squeezed, 1, 1, bias=True, norm=False)
    yield Layer("excite", squeezed, inner, 1, 1, bias=True, norm=False)


def _classifier(block: Block) -> Iterator[Layer]:
    yield Layer("linear", block.in_width, block.out_width, 1, 1, bias=True, norm=False, activation=False)


LAYERS: dict[str, Callable[[Block], Iterator[Layer]]] = {
    "conv": _conv,
    "mbconv": _mbconv,
    "classifier": _classifier,
}

STAGE_KINDS = ("conv", "mbconv")
"""The block kinds that a stage of a baseline file may name."""
