"""Decimal arithmetic that never rounds behind our back.

`ceil(2.2 * 25)` is 56 in floats and 55 exactly; every multiplier is therefore a `Decimal`, and every
operation on one runs in `EXACT`, which raises rather than drop a digit.
"""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal, DivisionByZero, Inexact, InvalidOperation

EXACT = Context(prec=2000, traps=[Inexact, InvalidOperation, DivisionByZero])
_ROUNDED = Context(prec=28)
_HALF = Decimal("0.5")


def product(first: Decimal | int, second: Decimal | int) -> Decimal:
    """The exact product."""
    return EXACT.multiply(Decimal(first), Decimal(second))


def power(base: Decimal, exponent: Decimal) -> Decimal:
    """`base ** exponent`: exact for whole exponents from 0, else to 12 significant digits."""
    if exponent == exponent.to_integral_value() and exponent >= 0:
        return EXACT.power(base, int(exponent))
    return Context(prec=12).plus(_ROUNDED.power(base, exponent))


def divisible(width: int, by: Decimal, divisor: int) -> int:
    """The multiple of `divisor` nearest to width·by (halves up), the next one where that is over 10 % below it.

    As `make_divisible` of timm and torchvision, in integers where they have floats; `width` (channels) may be an
    array, and `rounding.round_filters` is the same for a single width and any number of decimal places.
    """
    numerator, denominator = by.as_integer_ratio()
    steps = (2 * width * numerator + divisor * denominator) // (2 * divisor * denominator)
    steps = steps + (steps < 1)
    is_short = 10 * steps * divisor * denominator < 9 * width * numerator
    return (steps + is_short) * divisor


def floor(value: Decimal) -> int:
    """The largest integer that is not above `value`."""
    return int(value.to_integral_value(ROUND_FLOOR))


def ceiling(value: Decimal) -> int:
    """The smallest integer that is not below `value`."""
    return int(value.to_integral_value(ROUND_CEILING))


def nearest(value: Decimal) -> int:
    """The nearest integer, halves up."""
    return floor(EXACT.add(value, _HALF))


def whole_or_fraction(value: Decimal) -> int | Decimal:
    """A whole number as an integer, any other as it is, so that one value has one form in what ids are made of."""
    return int(value) if value == value.to_integral_value() else value


def plain(value: Decimal) -> str:
    """The shortest way to write the value, never with an exponent: `1.10` is `1.1`."""
    text = format(value, "f") if value else "0"  # one text for 0, 0.00 and -0
    return text.rstrip("0").rstrip(".") if "." in text else text
