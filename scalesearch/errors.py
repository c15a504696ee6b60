"""The errors that a user can cause, each with the exit code of the program.

A message is one line: what is wrong, where, and what to do. Any other exception is a bug and may show its
traceback.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import ClassVar


def printable(text: str) -> str:
    """Return `text` on one line: line breaks, control characters and unpaired surrogates are escaped."""
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape", "surrogatepass").decode() for char in text
    )


def with_article(kind: str) -> str:
    """Return the name of a block kind with its indefinite article: `a conv`, `an inverted_residual`."""
    return f"{'an' if kind.startswith(('a', 'e', 'i', 'o', 'mb')) else 'a'} {kind}"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return `; did you mean b0?` for the known name closest to a misspelt one, or '' if none is close."""
    candidates, lowered = list(known), name.lower()
    # A name that ends with a known one means that one: EfficientNet-B0 is b0, even if another name is closer.
    suffixes = [candidate for candidate in candidates if lowered.endswith((f"-{candidate}", f"_{candidate}"))]
    matches = suffixes or get_close_matches(lowered, candidates, n=1)
    return f"; did you mean {matches[0]}?" if matches else ""


class ScalesearchError(Exception):
    """The base of all errors: `cli` prints the message on one line and exits with `exit_code`."""

    exit_code: ClassVar[int] = 1


class CountError(ScalesearchError):
    """Two sources of one number disagree, such as the closed form and fvcore, or a record and its checksum."""

    exit_code = 1


class InputError(ScalesearchError):
    """A file, an option or a data set cannot be used as it is."""

    exit_code = 2


class SpaceError(InputError):
    """A value breaks a rule of the search space: a coefficient, a multiplier or an architecture."""


class TrialsFailedError(ScalesearchError):
    """The study is complete, but some of its trials failed."""

    exit_code = 3


class StorageError(ScalesearchError):
    """The results folder cannot be read or written."""

    exit_code = 4


class RayLostError(ScalesearchError):
    """Ray, or the head of a cluster, ended while trials were running; rerun the command to resume."""

    exit_code = 6


class LockedError(ScalesearchError):
    """Another process is running the same study."""

    exit_code = 5
