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


def floor(value: Decimal) -> int:
    """The largest integer that is not above `value`."""
    return int(value.to_integral_value(ROUND_FLOOR))


def ceiling(value: Decimal) -> int:
    """The smallest integer that is not below `value`."""
    return int(value.to_integral_value(ROUND_CEILING))


def nearest(value: Decimal) -> int:
    """The nearest integer, halves up."""
    return floor(EXACT.add(value, _HALF))


def plain(value: Decimal) -> str:
    """The shortest way to write the value, never with an exponent: `1.10` is `1.1`."""
    text = format(value, "f") if value else "0"  # one text for 0, 0.00 and -0
    return text.rstrip("0").rstrip(".") if "." in text else text
