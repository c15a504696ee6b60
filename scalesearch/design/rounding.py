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
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
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

    def width(self, width: int, multiplier: Decimal, unit: int = 1) -> int:
        """A scaled number of channels; a multiplier of 1 changes nothing.

        Args:
            width: in channels, a multiple of `unit`.
            multiplier: what it is multiplied by.
            unit: the rule sees width/unit, so the result is a multiple of unit·divisor.
        """
        return width if multiplier == 1 else unit * _RULES[self.rule].width(width // unit, multiplier, self.divisor)

    def widths(
        self, widths: Sequence[int], multiplier: Decimal, units: Sequence[int], head: bool
    ) -> tuple[int, ...]:
        """The scaled widths of stem, stages and, where `head` says that it is there, the head."""
        found = [self.width(width, multiplier, unit) for width, unit in zip(widths, units, strict=True)]
        if head and multiplier != 1 and _RULES[self.rule].head_follows:
            found[-1] = max(1, nearest(Decimal(widths[-1] * found[-2]) / widths[-2]))
        return tuple(found)

    def depths(self, depths: Sequence[int], multiplier: Decimal) -> tuple[int, ...]:
        """The scaled number of layers of every stage."""
        return _RULES[self.rule].depths(depths, multiplier)

    def resolution(self, px: int, multiplier: Decimal) -> int:
        """The scaled image side: the nearest pixel, halves up, at least 1."""
        return max(1, nearest(product(multiplier, px)))
