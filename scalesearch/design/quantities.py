"""Amounts with units as a person types them: `600M`, `2GiB`, `5ms`; strict, exact."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal

from scalesearch.errors import InputError

_AMOUNT = re.compile(r"([0-9]{1,18}(?:\.[0-9]{1,18})?)\s?([A-Za-zµ]{0,3})")

_COUNTS = {"": 1, "k": 10**3, "K": 10**3, "M": 10**6, "G": 10**9, "B": 10**9, "T": 10**12}
"""B for billion, as the paper prints FLOPS."""

_BYTES = {
    "B": 1,
    "kB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "KiB": 2**10,
    "MiB": 2**20,
    "GiB": 2**30,
}
_SECONDS = {"us": Decimal("1e-6"), "µs": Decimal("1e-6"), "ms": Decimal("1e-3"), "s": Decimal(1)}


_MULTIPLE = re.compile(r"([0-9]{1,18}(?:\.[0-9]{1,18})?)\s?[x×]")


def multiple(text: str, name: str) -> Decimal | None:
    """How many times the baseline's, such as `0.25x`; None: it is an amount of its own.

    Raises:
        InputError: it is 0; `name` begins the line.
    """
    found = _MULTIPLE.fullmatch(text.strip())
    if found is None:
        return None
    if not Decimal(found[1]):
        raise InputError(f"{name} {text!r}: must be above 0, such as 0.25x")
    return Decimal(found[1])


def count(text: str, name: str) -> int:
    """A number of things, such as `600M` or `385814752`, rounded down to a whole one.

    Raises:
        InputError: it is not one; `name` begins the line.
    """
    return int(_amount(text, name, _COUNTS, "600M, 1.5G"))


def size(text: str, name: str) -> int:
    """Bytes, such as `2GiB` or `500MB`, rounded down.

    Raises:
        InputError: it is not such a size, or has no unit.
    """
    return int(_amount(text, name, _BYTES, "2GiB, 500MB"))


def seconds(text: str, name: str) -> float:
    """Seconds, from `5ms`, `1.5s` or `800us`.

    Raises:
        InputError: it is not such a time, or has no unit.
    """
    return float(_amount(text, name, _SECONDS, "5ms, 1.5s"))


def _amount(text: str, name: str, units: Mapping[str, Decimal | int], example: str) -> Decimal:
    found = _AMOUNT.fullmatch(text.strip())
    if found is None or found[2] not in units:
        known = ", ".join(unit for unit in units if unit)
        raise InputError(f"{name} {text!r}: must be a number with one of {known}, such as {example}, or 0.25x")
    amount = Decimal(found[1]) * units[found[2]]
    if amount <= 0:
        raise InputError(f"{name} {text!r}: must be above 0, such as {example}")
    return amount
