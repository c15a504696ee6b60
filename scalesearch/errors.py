"""Every error that a user can cause, and the exit code that it ends the program with.

A message is one line: what is wrong, where, and what to do. Anything else that is raised is a bug
and may show its traceback.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import ClassVar


def printable(text: str) -> str:
    """`text` with line breaks, control characters and unpaired surrogates escaped: names in one line."""
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape", "surrogatepass").decode() for char in text
    )


def nearest(name: str, known: Iterable[str]) -> str:
    """`; did you mean b0?` for the known name that is nearest to a misspelt one, or nothing where none is near."""
    words, low = list(known), name.lower()
    # EfficientNet-B0 is b0, whatever else it resembles.
    ending = [word for word in words if low.endswith((f"-{word}", f"_{word}"))]
    found = ending or get_close_matches(low, words, n=1)
    return f"; did you mean {found[0]}?" if found else ""


class ScalesearchError(Exception):
    """The root: `cli` prints the message on one line and exits with `exit_code`."""

    exit_code: ClassVar[int] = 1


class CountError(ScalesearchError):
    """Two witnesses of one figure disagree (closed form and fvcore, record and checksum)."""

    exit_code = 1


class InputError(ScalesearchError):
    """A file, flag or data set that cannot be used as it is."""

    exit_code = 2


class SpaceError(InputError):
    """A value breaks a rule of the search space: a coefficient, a multiplier, an architecture."""


class TrialsFailedError(ScalesearchError):
    """The study is over, but some of its trials failed."""

    exit_code = 3


class StorageError(ScalesearchError):
    """The results folder cannot be read or written."""

    exit_code = 4


class RayLostError(ScalesearchError):
    """Ray, or the head of a cluster, ended while trials were under way; a rerun resumes."""

    exit_code = 6


class LockedError(ScalesearchError):
    """Another run is working on the same study."""

    exit_code = 5
