"""The sizes that a block sees; `blocks.Block` adds the layers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from decimal import Decimal

from scalesearch.design.norms import NormName


@dataclass(frozen=True, slots=True)
class BlockShape(ABC):
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
    norm: NormName | None = None
    """What normalises the pooled features, in a classifier."""

    @property
    @abstractmethod
    def out_px(self) -> int:
        """Side of the output, as the kind has it."""

    @property
    def changes_shape(self) -> bool:
        """Whether the output has another shape than the input; for arrays of widths an array."""
        return (self.in_width != self.out_width) | (self.stride != 1)

    @property
    def keeps_shape(self) -> bool:
        """Whether the output has the input's shape, so that a shortcut needs no projection."""
        return self.stride == 1 and self.in_width == self.out_width
