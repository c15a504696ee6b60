"""What a user's own code raised, and where."""

from __future__ import annotations

import os
import sysconfig
import traceback
from pathlib import Path

DEBUG = "SCALESEARCH_DEBUG"
"""The variable of the environment that `--debug` sets."""
_OTHERS = (
    str(Path(__file__).resolve().parent),
    *(str(Path(sysconfig.get_path(name)).resolve()) for name in ("stdlib", "platstdlib", "purelib", "platlib")),
)
"""Where frames are not the user's."""


def words_of(error: BaseException, most: int = 500) -> str:
    """`Type: message at FILE:LINE` on one line of `most` characters; a message that itself fails is left out."""
    text = " ".join(message_of(error).split())
    place = place_in_user_code(error)
    name = type(error).__name__
    return (f"{name}: {text}" if text else name)[: most - len(place)] + place


def print_if_debugging(error: BaseException) -> None:
    """Print the traceback where the program was started with `--debug`, which processes of trials inherit."""
    if os.environ.get(DEBUG):
        traceback.print_exception(error)


def message_of(error: BaseException) -> str:
    """`str(error)`; empty where that raises, as the `__str__` of a user's own exception may."""
    try:
        return str(error)
    except Exception:
        return ""


def place_in_user_code(error: BaseException) -> str:
    """` at FILE:LINE` of the innermost frame that is neither of Python, nor installed, nor ours; else nothing."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        path = Path(frame.filename)
        if path.is_file() and not str(path.resolve()).startswith(_OTHERS):
            return f" at {path.name}:{frame.lineno}"
    return ""
