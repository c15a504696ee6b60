"""Round scaled widths, depths and image sides to integers by named rules, in exact arithmetic.

`paper`
    Follows tensorflow/tpu `efficientnet_builder.py`, `round_filters` and `round_repeats`. A width becomes the
    nearest multiple of the divisor, or the next multiple where that is more than 10 % too small. Every stage's
    depth is rounded up. These ceilings add up: α = 1.1 costs B0 1.48x, and α = 1.05 … 1.25 give one network.
`balanced`
    Rounds widths as `paper` does, and depths without bias. The total depth is the nearest integer to d·ΣL. The
    Sainte-Laguë/Webster method apportions it to the stages, with at least one layer a stage; ties go to the later
    stage. Layers are assigned one at a time, so that every depth is monotone in d.
`v2`
    Follows google/automl `effnetv2_model.py`: as `paper`, but a width is the nearest multiple even where that is
    more than 10 % too small.
`torchvision`
    Follows torchvision `efficientnet.py`: as `paper`, but the head keeps its ratio to the last stage's rounded
    width (B0: four times), which differs from a rounded head at most widths.
`nearest`
    Rounds widths to the nearest multiple, and every stage's depth to the nearest integer, at least one. Halves are
    rounded up. pycls' `regnet.py` does the same, but rounds halves to even.

The width of a group is not scaled, so a grouped width is also rounded to a multiple of it: `round_grouped`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache, partial
from math import lcm
from typing import get_args

from scalesearch import choices
from scalesearch.design.decimals import ceiling, floor, nearest, product
from scalesearch.errors import SpaceError

_LARGEST_DIVISOR = 4096
_KEPT_SHARE = Decimal("0.9")


def round_filters(width: int, multiplier: Decimal, divisor: int) -> int:
    """Return the multiple of `divisor` nearest to width·multiplier (halves up), at most 10 % below it."""
    rounded = nearest_filters(width, multiplier, divisor)
    return rounded + divisor if rounded < product(_KEPT_SHARE, product(multiplier, width)) else rounded


def nearest_filters(width: int, multiplier: Decimal, divisor: int) -> int:
    """Return the multiple of `divisor` nearest to width·multiplier (halves up), at least `divisor`."""
    return max(divisor, floor(product(multiplier, width) + Decimal(divisor) / 2) // divisor * divisor)


def round_grouped(rounded: Callable[[int], int], divisor: int, group_width: int | None) -> int:
    """Return a width that is one group, or that groups of `group_width` channels divide.

    As in pycls `blocks.py`, `adjust_block_compatibility`, a width up to the group width is one group, and any other
    is rounded to a multiple of both. This function rounds to the divisor before it compares; pycls does not.

    Args:
        rounded: a function that returns the width rounded to a multiple of its argument.
        divisor: the number that widths are multiples of.
        group_width: the channels of a group; None: there are no groups.
    """
    width = rounded(divisor)
    if group_width is None or width <= group_width:
        return width
    return rounded(lcm(divisor, group_width))


def round_repeats(depths: Sequence[int], multiplier: Decimal) -> tuple[int, ...]:
    """Return depth·multiplier of every stage, rounded up."""
    return tuple(ceiling(product(multiplier, depth)) for depth in depths)


def nearest_repeats(depths: Sequence[int], multiplier: Decimal) -> tuple[int, ...]:
    """Return depth·multiplier of every stage, rounded to the nearest integer, at least one."""
    return tuple(max(1, nearest(product(multiplier, depth))) for depth in depths)


@lru_cache(maxsize=4096)
def apportion_layers(depths: tuple[int, ...], total: int) -> tuple[int, ...]:
    """Apportion `total` layers to the stages in proportion to `depths`, by Webster's method.

    Every stage gets at least one layer.
    """
    layers = [1] * len(depths)
    for _ in range(total - len(depths)):
        # The next layer goes where L/(2s+1) is largest, compared in integers; ties go to the later stage.
        largest = 0
        for stage in range(1, len(depths)):
            if depths[stage] * (2 * layers[largest] + 1) >= depths[largest] * (2 * layers[stage] + 1):
                largest = stage
        layers[largest] += 1
    return tuple(layers)


def balanced_repeats(depths: Sequence[int], multiplier: Decimal) -> tuple[int, ...]:
    """Return nearest(d·ΣL) layers, apportioned to the stages by Webster's method."""
    total = nearest(product(multiplier, sum(depths)))
    return apportion_layers(tuple(depths), max(total, len(depths)))


@dataclass(frozen=True, slots=True)
class _Rule:
    width: Callable[[int, Decimal, int], int]
    depths: Callable[[Sequence[int], Decimal], tuple[int, ...]]
    head_follows: bool = False
    """Whether the head keeps its ratio to the last stage; otherwise it is rounded by itself."""


_RULES: dict[str, _Rule] = {
    "balanced": _Rule(round_filters, balanced_repeats),
    "paper": _Rule(round_filters, round_repeats),
    "v2": _Rule(nearest_filters, round_repeats),
    "torchvision": _Rule(round_filters, round_repeats, head_follows=True),
    "nearest": _Rule(nearest_filters, nearest_repeats),
}

ROUNDING_RULES = get_args(choices.Rounding)
"""The names of the rules, for `--rounding` and for the key `rounding` of baseline files."""


@dataclass(frozen=True, slots=True)
class Rounding:
    """A rounding is a named rule with the divisor of widths."""

    rule: str
    divisor: int = 8

    def __post_init__(self) -> None:
        if self.rule not in _RULES:
            raise SpaceError(f"rounding is {self.rule!r}, but it must be one of {', '.join(_RULES)}")
        if not 1 <= self.divisor <= _LARGEST_DIVISOR:
            raise SpaceError(f"divisor is {self.divisor}, but widths are multiples of 1 … {_LARGEST_DIVISOR}")

    def width(self, width: int, multiplier: Decimal, unit: int = 1, group_width: int | None = None) -> int:
        """Return a scaled width, in channels; a multiplier of 1 changes nothing.

        Args:
            width: the width, in channels, a multiple of `unit`.
            multiplier: the width multiplier.
            unit: the rule sees width/unit, so the result is a multiple of unit·divisor.
            group_width: the channels of a group, by which width/unit is divided into groups; None: there are none.
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
        """Return the scaled widths of stem and stages, and of the head where `head` says that it has one."""
        sizes = zip(widths, units, group_widths, strict=True)
        rounded = [self.width(width, multiplier, unit, group_width) for width, unit, group_width in sizes]
        if head and multiplier != 1 and _RULES[self.rule].head_follows:
            rounded[-1] = max(1, nearest(Decimal(widths[-1] * rounded[-2]) / widths[-2]))
        return tuple(rounded)

    def depths(self, depths: Sequence[int], multiplier: Decimal) -> tuple[int, ...]:
        """Return the scaled depth of every stage."""
        return _RULES[self.rule].depths(depths, multiplier)

    def resolution(self, px: int, multiplier: Decimal) -> int:
        """Return the scaled image side in px: the nearest integer (halves up), at least 1."""
        return max(1, nearest(product(multiplier, px)))
