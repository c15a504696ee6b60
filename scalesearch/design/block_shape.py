"""Define the sizes of a block; `blocks.Block` adds the layers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from decimal import Decimal
from math import gcd
from typing import Any

from scalesearch.design.antialias import AntialiasName
from scalesearch.design.decimals import divisible
from scalesearch.design.gates import GateName
from scalesearch.design.images import ImageSize
from scalesearch.design.norms import NormName
from scalesearch.design.shortcuts import ShortcutName


@dataclass(frozen=True, slots=True)
class BlockShape(ABC):
    """A block shape is one block of a network, with its widths (channels) and the size of its input (px).

    All sizes may be numpy arrays of integers as well.
    """

    name: str
    kind: str
    in_width: int
    out_width: int
    in_px: ImageSize
    kernel: int = 1
    stride: int = 1
    expansion: int | Decimal = 1
    se: Decimal = Decimal(0)
    activation: str = "silu"
    """The activation of the stage, one of `activations.ACTIVATIONS`."""
    group_width: int | None = None
    """The channels of each group of the k×k convolution; None: it is not grouped."""
    norm: NormName | None = None
    """The normalisation of the pooled features, in a classifier."""
    gate: GateName | None = None
    """The gate, one of `gates.GATES`; None: EfficientNet's where `se` is given, else none."""
    shortcut: ShortcutName | None = None
    """The shortcut where the shape changes, one of `shortcuts.SHORTCUTS`; None: the kind's own."""
    inner_divisor: int = 8
    """The divisor of inner widths that a fractional expansion gives."""
    residual: bool = True
    """Whether a block that keeps its shape adds its input to its output, if its kind does."""
    antialias: AntialiasName | None = None
    """The smoothing that strides for the k×k convolution, one of `antialias.ANTIALIASES`; None: there is none."""
    stem_shares: tuple[Decimal, ...] = ()
    """The widths of a stem's convolutions before the last, as shares of the output width."""
    start_kernel: int = 1
    """The side of the depthwise kernel before the expansion; 1: there is none."""
    kernel_count: int = 1
    """The number of sizes of the depthwise kernels."""
    expand_groups: int = 1
    """The number of groups of the 1×1 convolution that expands."""
    project_groups: int = 1
    """The number of groups of the 1×1 convolution that projects."""
    hidden: int | None = None
    """The features of a hidden linear layer in a classifier; None: there is no such layer."""
    hidden_norm: NormName | None = None
    """The normalisation of the hidden features; None: there is none."""
    hidden_bias: bool = True
    """Whether the hidden layer has a bias, if no normalisation takes its place."""

    @property
    @abstractmethod
    def out_px(self) -> ImageSize:
        """The size of the output (px), which depends on the kind."""

    def groups(self, width: int) -> int:
        """Return the number of groups of a k×k convolution of `width` channels.

        It is 1 where the width is at most the group width. For an array of widths, the result is an array.
        """
        if self.group_width is None:
            return 1
        groups = width // self.group_width
        return groups + (groups < 1)  # max(1, groups), for arrays as well

    def groups_within(self, width: int, inner: int) -> int:
        """Return the number of groups of an inner width that is a multiple of `width`, which may be an array.

        A group has the largest number of channels that divides both `width` and the group width, so that groups are
        always whole.
        """
        if self.group_width is None:
            return 1
        groups: int = inner // _common_divisor(width, self.group_width)
        return groups

    @property
    def inner_width(self) -> int:
        """The channels inside the block: expansion × input width.

        For a fractional expansion, it is the multiple of `inner_divisor` nearest to that, as in timm's
        `make_divisible(in_chs * exp_ratio)`.
        """
        if isinstance(self.expansion, int):
            return self.in_width * self.expansion
        return divisible(self.in_width, self.expansion, self.inner_divisor)

    @property
    def stem_widths(self) -> tuple[int, ...]:
        """The channels of a stem's convolutions before the last: their shares of the output width, rounded down."""
        return tuple(_share_of(self.out_width, share) for share in self.stem_shares)

    @property
    def smoothing(self) -> AntialiasName | None:
        """The smoothing behind the convolution that strides; None where there is none, or no stride."""
        return None if self.stride == 1 else self.antialias

    @property
    def changes_shape(self) -> bool:
        """Whether the output has another shape than the input; an array for arrays of widths."""
        return (self.in_width != self.out_width) | (self.stride != 1)

    @property
    def keeps_shape(self) -> bool:
        """Whether the output has the input's shape, so that a shortcut needs no projection."""
        return self.stride == 1 and self.in_width == self.out_width


def _common_divisor(width: Any, other: int) -> Any:
    if isinstance(width, int):
        return gcd(width, other)
    import numpy as np

    return np.gcd(width, other)


def _share_of(width: int, share: Decimal) -> int:
    """Return a share of a width, rounded down, and 1 at least; the width may be an array."""
    numerator, denominator = share.as_integer_ratio()
    channels = width * numerator // denominator
    return channels + (channels < 1)
