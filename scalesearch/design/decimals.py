"""Compute with decimals exactly, without silent rounding.

`ceil(2.2 * 25)` is 56 in floats and 55 exactly. Every multiplier is therefore a `Decimal`, and every operation on
one runs in `EXACT`, which raises an error in place of rounding.
"""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal, DivisionByZero, Inexact, InvalidOperation

EXACT = Context(prec=2000, traps=[Inexact, InvalidOperation, DivisionByZero])
_ROUNDED = Context(prec=28)
_HALF = Decimal("0.5")


def product(first: Decimal | int, second: Decimal | int) -> Decimal:
    """Return the exact product."""
    return EXACT.multiply(Decimal(first), Decimal(second))


def power(base: Decimal, exponent: Decimal) -> Decimal:
    """Return `base ** exponent`: exact for whole exponents ≥ 0, else to 12 significant digits."""
    if exponent == exponent.to_integral_value() and exponent >= 0:
        return EXACT.power(base, int(exponent))
    return Context(prec=12).plus(_ROUNDED.power(base, exponent))


def divisible(width: int, multiplier: Decimal, divisor: int, kept_percent: int = 90) -> int:
    """Return the multiple of `divisor` nearest to width·multiplier (halves up).

    Where that keeps less than `kept_percent` of width·multiplier, return the next multiple. The function does what
    `make_divisible` of timm and torchvision does, with integers in place of floats. `width` (channels) may be an
    array. `rounding.round_filters` does the same for a single width and any number of decimal places.
    """
    numerator, denominator = multiplier.as_integer_ratio()
    steps = (2 * width * numerator + divisor * denominator) // (2 * divisor * denominator)
    steps = steps + (steps < 1)
    is_short = 100 * steps * divisor * denominator < kept_percent * width * numerator
    return (steps + is_short) * divisor


def nearest_multiple(width: int, multiplier: Decimal, divisor: int) -> int:
    """Return the multiple of `divisor` nearest to width·multiplier (halves up), and the divisor at least.

    `width` (channels) may be an array. timm's `make_divisible` with a `round_limit` of 0 does the same.
    """
    numerator, denominator = multiplier.as_integer_ratio()
    steps = (2 * width * numerator + divisor * denominator) // (2 * divisor * denominator)
    return (steps + (steps < 1)) * divisor


def odd_kernel(channels: int) -> int:
    """Return the odd number from 3 on for ⌊(log₂ channels + 1) / 2⌋: the next one where that is even.

    `channels` may be an array. The logarithm is at least n where there are 2^n channels or more.
    """
    return 3 + 2 * (channels >= 2**7) + 2 * (channels >= 2**11) + 2 * (channels >= 2**15)


def floor(value: Decimal) -> int:
    """Return the largest integer that is not above `value`."""
    return int(value.to_integral_value(ROUND_FLOOR))


def ceiling(value: Decimal) -> int:
    """Return the smallest integer that is not below `value`."""
    return int(value.to_integral_value(ROUND_CEILING))


def nearest(value: Decimal) -> int:
    """Return the nearest integer, with halves rounded up."""
    return floor(EXACT.add(value, _HALF))


def whole_or_fraction(value: Decimal) -> int | Decimal:
    """Return a whole number as an integer, and any other number as it is.

    Ids are hashes of serialised values, so equal values must have one form.
    """
    return int(value) if value == value.to_integral_value() else value


def format_decimal(value: Decimal) -> str:
    """Return the shortest notation of the value, without an exponent: `1.10` is `1.1`."""
    text = format(value, "f") if value else "0"  # one text for 0, 0.00 and -0
    return text.rstrip("0").rstrip(".") if "." in text else text
