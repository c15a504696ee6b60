"""Read the arguments KEY=VALUE of a script, and end it with a line where a value cannot be used."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from scalesearch.errors import ScalesearchError


def read_options(arguments: Sequence[str], defaults: Mapping[str, str]) -> dict[str, str]:
    """Return the defaults with the values that are given.

    Raises:
        SystemExit: an argument has no value, or its key is not among the defaults.
    """
    given = read_pairs(arguments)
    for key, value in given.items():
        if key not in defaults:
            raise SystemExit(f"{key}={value}: must be KEY=VALUE, with one of {', '.join(defaults)}")
    return {**defaults, **given}


def read_pairs(arguments: Sequence[str]) -> dict[str, str]:
    """Return the values by their keys.

    Raises:
        SystemExit: an argument has no key or no value.
    """
    pairs = {}
    for argument in arguments:
        key, _, value = argument.partition("=")
        if not key or not value:
            raise SystemExit(f"{argument}: must be KEY=VALUE; see the head of this file")
        pairs[key] = value
    return pairs


def read_count(options: Mapping[str, str], key: str, least: int) -> int:
    """Return a whole number.

    Raises:
        SystemExit: the value is none, or is smaller than `least`.
    """
    text = options[key]
    if not text.isdecimal() or int(text) < least:
        raise SystemExit(f"{key}={text}: must be a whole number, at least {least}")
    return int(text)


@contextmanager
def errors_in_one_line() -> Iterator[None]:
    """End the script with the error's text where scalesearch refuses what was given."""
    try:
        yield
    except ScalesearchError as error:
        raise SystemExit(str(error)) from error
