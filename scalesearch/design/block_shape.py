"""The sizes that a block sees; `blocks.Block` adds the layers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from decimal import Decimal

from scalesearch.design.exact import divisible
from scalesearch.design.gates import GateName
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
    expansion: int | Decimal = 1
    se: Decimal = Decimal(0)
    activation: str = "silu"
    """Of the stage, one of `activations.ACTIVATIONS`."""
    group_width: int | None = None
    """Channels of each group of the k×k convolution; None: it is not grouped."""
    norm: NormName | None = None
    """What normalises the pooled features, in a classifier."""
    gate: GateName | None = None
    """The form of squeeze-and-excitation where `se` is given, one of `gates.GATES`; None: EfficientNet's."""
    inner_divisor: int = 8
    """What inner widths that a fraction gives are rounded to a multiple of."""
    start_kernel: int = 1
    """Side of the depthwise kernel before the expansion; 1: there is none."""
    hidden: int | None = None
    """Features of the linear layer before a classifier's last one; None: there is no such layer."""
    hidden_norm: NormName | None = None
    """What normalises those features; None: nothing."""

    @property
    @abstractmethod
    def out_px(self) -> int:
        """Side of the output, as the kind has it."""

    def groups(self, width: int) -> int:
        """Groups of the k×k convolution of `width` channels: one where that is no more than the group width.

        For an array of widths an array.
        """
        if self.group_width is None:
            return 1
        groups = width // self.group_width
        return groups + (groups < 1)  # max(1, groups), for arrays as well

    @property
    def inner_width(self) -> int:
        """Channels that the input is widened to: exactly expansion × input; of a fraction the multiple of
        `inner_divisor` nearest to it, as timm's `make_divisible(in_chs * exp_ratio)`.
        """
        if isinstance(self.expansion, int):
            return self.in_width * self.expansion
        return divisible(self.in_width, self.expansion, self.inner_divisor)

    @property
    def changes_shape(self) -> bool:
        """Whether the output has another shape than the input; for arrays of widths an array."""
        return (self.in_width != self.out_width) | (self.stride != 1)

    @property
    def keeps_shape(self) -> bool:
        """Whether the output has the input's shape, so that a shortcut needs no projection."""
        return self.stride == 1 and self.in_width == self.out_width
