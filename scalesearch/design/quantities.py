"""Parse amounts with units as a person types them, such as `600M`, `2GiB` and `5ms`, exactly."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal

from scalesearch.errors import InputError

_AMOUNT = re.compile(r"([0-9]{1,18}(?:\.[0-9]{1,18})?)\s?([A-Za-zµ]{0,3})")

_COUNTS = {"": 1, "k": 10**3, "K": 10**3, "M": 10**6, "G": 10**9, "B": 10**9, "T": 10**12}
"""The suffixes of counts; B stands for billion, as where the paper prints FLOPS."""

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


def parse_multiple(text: str, name: str) -> Decimal | None:
    """Return a multiple of the baseline's amount, such as `0.25x`; None: the text is an absolute amount.

    Raises:
        InputError: the multiple is 0; the message begins with `name`.
    """
    match = _MULTIPLE.fullmatch(text.strip())
    if match is None:
        return None
    if not Decimal(match[1]):
        raise InputError(f"{name} {text!r}: must be above 0, such as 0.25x")
    return Decimal(match[1])


def parse_count(text: str, name: str) -> int:
    """Return a count, such as `600M` or `385814752`, rounded down to an integer.

    Raises:
        InputError: the text is not a count; the message begins with `name`.
    """
    return int(_parse_amount(text, name, _COUNTS, "600M, 1.5G"))


def parse_size(text: str, name: str) -> int:
    """Return a number of bytes, such as `2GiB` or `500MB`, rounded down to an integer.

    Raises:
        InputError: the text is not a size, or has no unit.
    """
    return int(_parse_amount(text, name, _BYTES, "2GiB, 500MB"))


def parse_seconds(text: str, name: str) -> float:
    """Return a number of seconds, from a text such as `5ms`, `1.5s` or `800us`.

    Raises:
        InputError: the text is not a time, or has no unit.
    """
    return float(_parse_amount(text, name, _SECONDS, "5ms, 1.5s"))


def _parse_amount(text: str, name: str, units: Mapping[str, Decimal | int], example: str) -> Decimal:
    match = _AMOUNT.fullmatch(text.strip())
    if match is None or match[2] not in units:
        known = ", ".join(unit for unit in units if unit)
        raise InputError(f"{name} {text!r}: must be a number with one of {known}, such as {example}, or 0.25x")
    amount = Decimal(match[1]) * units[match[2]]
    if amount <= 0:
        raise InputError(f"{name} {text!r}: must be above 0, such as {example}")
    return amount
