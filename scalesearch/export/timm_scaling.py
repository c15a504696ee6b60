"""How timm scales an `arch_def`: `round_channels` and `_scale_stage_depth` of `models/_efficientnet_builder.py`.

timm computes in floats, and so do these functions: a network is read with the widths and depths that timm gives it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from scalesearch.export.library_rules import make_divisible

DEPTH_ROUNDINGS = ("ceil", "round")
"""The ways in which a multiplied depth becomes whole, timm's `depth_trunc`; the first is the default."""


@dataclass(frozen=True, slots=True)
class RoundChannels:
    """A rounding of channels is what `round_chs_fn` does with each width of a definition."""

    multiplier: float = 1.0
    divisor: int = 8
    least: int | None = None
    """The smallest result (`channel_min`); None: the divisor."""
    limit: float = 0.9
    """The share of the multiplied width that the result has at least (`round_limit`)."""
    is_strict: bool = False
    """Whether a width that it would change is refused: the rounding is timm's default, and is not asked for."""

    def __call__(self, width: int) -> int:
        """Return the width (channels) that timm builds for one in a definition."""
        if not self.multiplier:
            return width
        return make_divisible(width * self.multiplier, self.divisor, self.least, self.limit)


FREE_WIDTHS = RoundChannels(multiplier=0.0)
"""The rounding `int`, which leaves the widths as they are."""
DEFAULT_ROUNDING = RoundChannels(is_strict=True)
"""timm's default, which rounds to multiples of 8."""


def scaled_depths(depths: Sequence[int], multiplier: float, rounding: str) -> list[int]:
    """Return the repeats of the strings of one list, times a multiplier.

    The sum is multiplied and rounded, up or to the nearest integer. Then it is shared out from the last string to
    the first, each in proportion to its repeats, and each string keeps one at least.

    Args:
        depths: the repeats of each string.
        multiplier: what their sum is multiplied by, above 0.
        rounding: one of `DEPTH_ROUNDINGS`.
    """
    left = sum(depths)
    scaled_left = max(1, round(left * multiplier)) if rounding == "round" else ceil(left * multiplier)
    scaled = []
    for depth in reversed(depths):
        share = max(1, round(depth / left * scaled_left))
        scaled.append(share)
        left, scaled_left = left - depth, scaled_left - share
    return scaled[::-1]
