"""The sizes that a block sees; `blocks.Block` adds the layers."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class BlockShape:
    """One block of a network, with the widths (channels) and the side (px) that it sees.

    All sizes may be numpy arrays of integers as well.
    """

    name: str
    kind: str
    in_width: int
    out_width: int
    in_px: int
    kernel: int = 1
    stride: int = 1
    expansion: int = 1
    se: Decimal = Decimal(0)
    activation: str = "silu"
    """Of the whole network, one of `activations.ACTIVATIONS`."""

    @property
    def out_px(self) -> int:
        """Side of the output: ⌈in/stride⌉, which is both TensorFlow's SAME and torch's padding k//2."""
        return -(-self.in_px // self.stride)

    @property
    def keeps_shape(self) -> bool:
        """Whether the output has the input's shape, so that a shortcut needs no projection."""
        return self.stride == 1 and self.in_width == self.out_width
