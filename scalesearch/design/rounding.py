"""How real multiples of widths, depths and sizes become integers: named rules, each exact.

`paper`
    tensorflow/tpu `efficientnet_builder.py`, `round_filters` and `round_repeats`: widths to the nearest
    multiple of the divisor, one multiple up where that lost more than 10 %; a ceiling for every stage's
    depth. The ceilings add up: α = 1.1 costs B0 1.48x, and α = 1.05 … 1.25 are one network.
`balanced`
    Widths as in `paper`; depth without bias: the total depth is the nearest integer to d·ΣL, and the
    Sainte-Laguë/Webster method hands it out, at least one layer a stage, ties to the later stage. Adding
    one seat at a time makes it monotone in d.
`v2`
    google/automl `effnetv2_model.py`: as `paper`, but a width is the nearest multiple even where that
    loses more than 10 %.
`torchvision`
    torchvision `efficientnet.py`: as `paper`, but the head keeps its ratio to the last stage's rounded
    width (B0: four times), which differs from a rounded head at most widths.
`nearest`
    Widths to the nearest multiple, every stage's depth to the nearest integer, at least one; halves up.
    As pycls' `regnet.py` does, which rounds halves to even.

Groups of channels keep their width, so a grouped width is also rounded to a multiple of that: `round_grouped`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache, partial
from math import lcm
from typing import get_args

from scalesearch import choices
from scalesearch.design.exact import ceiling, floor, nearest, product
from scalesearch.errors import SpaceError

_LARGEST_DIVISOR = 4096
_KEPT_SHARE = Decimal("0.9")


def round_filters(width: int, multiplier: Decimal, divisor: int) -> int:
    """The multiple of `divisor` nearest to width·multiplier (halves up), never more than 10 % below it."""
    rounded = nearest_filters(width, multiplier, divisor)
    return rounded + divisor if rounded < product(_KEPT_SHARE, product(multiplier, width)) else rounded


def nearest_filters(width: int, multiplier: Decimal, divisor: int) -> int:
    """The multiple of `divisor` nearest to width·multiplier (halves up), at least one."""
    return max(divisor, floor(product(multiplier, width) + Decimal(divisor) / 2) // divisor * divisor)


def round_grouped(rounded: Callable[[int], int], divisor: int, group_width: int | None) -> int:
    """A width that groups of `group_width` channels divide, or of one group where it is no larger.

    As pycls `blocks.py`, `adjust_block_compatibility`, has it: a width below the group width is one group, any
    other is rounded to a multiple of both. Ours rounds to the divisor before it compares.

    Args:
        rounded: the width as a multiple of what it is given.
        divisor: what widths are multiples of.
        group_width: in channels; None: there are no groups.
    """
    width = rounded(divisor)
    if group_width is None or width <= group_width:
        return width
    return rounded(lcm(divisor, group_width))


def round_repeats(depths: Sequence[int], multiplier: Decimal) -> tuple[int, ...]:
    """A ceiling for every stage."""
    return tuple(ceiling(product(multiplier, depth)) for depth in depths)


def nearest_repeats(depths: Sequence[int], multiplier: Decimal) -> tuple[int, ...]:
    """The nearest integer for every stage, at least one."""
    return tuple(max(1, nearest(product(multiplier, depth))) for depth in depths)


@lru_cache(maxsize=4096)
def handed_out(depths: tuple[int, ...], total: int) -> tuple[int, ...]:
    """`total` layers in proportion to `depths` by Webster's method, one a stage at least."""
    seats = [1] * len(depths)
    for _ in range(total - len(depths)):
        # L/(2s+1) is largest: compared as fractions, in integers; the later stage wins a tie.
        best = 0
        for stage in range(1, len(depths)):
            if depths[stage] * (2 * seats[best] + 1) >= depths[best] * (2 * seats[stage] + 1):
                best = stage
        seats[best] += 1
    return tuple(seats)


def balanced_repeats(depths: Sequence[int], multiplier: Decimal) -> tuple[int, ...]:
    """nearest(d·ΣL) layers, handed out by Webster's method from one layer a stage."""
    total = nearest(product(multiplier, sum(depths)))
    return handed_out(tuple(depths), max(total, len(depths)))


@dataclass(frozen=True, slots=True)
class _Rule:
    width: Callable[[int, Decimal, int], int]
    depths: Callable[[Sequence[int], Decimal], tuple[int, ...]]
    head_follows: bool = False
    """The head keeps its ratio to the last stage, instead of being rounded by itself."""


_RULES: dict[str, _Rule] = {
    "balanced": _Rule(round_filters, balanced_repeats),
    "paper": _Rule(round_filters, round_repeats),
    "v2": _Rule(nearest_filters, round_repeats),
    "torchvision": _Rule(round_filters, round_repeats, head_follows=True),
    "nearest": _Rule(nearest_filters, nearest_repeats),
}

ROUNDING_RULES = get_args(choices.Rounding)
"""The names that `--rounding` and a baseline file's `rounding` take."""


@dataclass(frozen=True, slots=True)
class Rounding:
    """A named rule and the number that widths are multiples of."""

    rule: str
    divisor: int = 8

    def __post_init__(self) -> None:
        if self.rule not in _RULES:
            raise SpaceError(f"rounding is {self.rule!r}, but it must be one of {', '.join(_RULES)}")
        if not 1 <= self.divisor <= _LARGEST_DIVISOR:
            raise SpaceError(f"divisor is {self.divisor}, but widths are multiples of 1 … {_LARGEST_DIVISOR}")

    def width(self, width: int, multiplier: Decimal, unit: int = 1, group_width: int | None = None) -> int:
        """A scaled number of channels; a multiplier of 1 changes nothing.

        Args:
            width: in channels, a multiple of `unit`.
            multiplier: what it is multiplied by.
            unit: the rule sees width/unit, so the result is a multiple of unit·divisor.
            group_width: channels of each group of width/unit, which they divide; None: there are no groups.
        """
        if multiplier == 1:
            return width
        rule = _RULES[self.rule].width
        return unit * round_grouped(partial(rule, width // unit, multiplier), self.divisor, group_width)

    def widths(
        self,
        widths: Sequence[int],
        multiplier: Decimal,
        units: Sequence[int],
        group_widths: Sequence[int | None],
        head: bool,
    ) -> tuple[int, ...]:
        """The scaled widths of stem, stages and, where `head` says that it is there, the head."""
        sizes = zip(widths, units, group_widths, strict=True)
        found = [self.width(width, multiplier, unit, group_width) for width, unit, group_width in sizes]
        if head and multiplier != 1 and _RULES[self.rule].head_follows:
            found[-1] = max(1, nearest(Decimal(widths[-1] * found[-2]) / widths[-2]))
        return tuple(found)

    def depths(self, depths: Sequence[int], multiplier: Decimal) -> tuple[int, ...]:
        """The scaled number of layers of every stage."""
        return _RULES[self.rule].depths(depths, multiplier)

    def resolution(self, px: int, multiplier: Decimal) -> int:
        """The scaled image side: the nearest pixel, halves up, at least 1."""
        return max(1, nearest(product(multiplier, px)))
