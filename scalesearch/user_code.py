"""Descriptions of the errors that a user's own code raised, with file and line."""

from __future__ import annotations

import os
import sysconfig
import traceback
from pathlib import Path

DEBUG = "SCALESEARCH_DEBUG"
"""The environment variable that `--debug` sets."""
_NOT_USER_CODE = (
    str(Path(__file__).resolve().parent),
    *(str(Path(sysconfig.get_path(name)).resolve()) for name in ("stdlib", "platstdlib", "purelib", "platlib")),
)
"""Folders of this package, of Python and of installed packages: their frames are not the user's."""


def describe_error(error: BaseException, most: int = 500) -> str:
    """Return `Type: message at FILE:LINE` on one line of at most `most` characters.

    A message that itself fails is left out.
    """
    text = " ".join(message_of(error).split())
    location = place_in_user_code(error)
    name = type(error).__name__
    return (f"{name}: {text}" if text else name)[: most - len(location)] + location


def print_if_debugging(error: BaseException) -> None:
    """Print the traceback if the program was started with `--debug`; trial processes inherit the setting."""
    if os.environ.get(DEBUG):
        traceback.print_exception(error)


def message_of(error: BaseException) -> str:
    """Return `str(error)`, or '' if that raises, as the `__str__` of a user's own exception may."""
    try:
        return str(error)
    except Exception:
        return ""


def place_in_user_code(error: BaseException) -> str:
    """Return ` at FILE:LINE` of the innermost frame of the user's own code, or '' if there is none.

    The frames of Python, of installed packages and of this package are skipped.
    """
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        path = Path(frame.filename)
        if path.is_file() and not str(path.resolve()).startswith(_NOT_USER_CODE):
            return f" at {path.name}:{frame.lineno}"
    return ""
