"""Where in a user's own code an error was raised."""

from __future__ import annotations

import sysconfig
import traceback
from pathlib import Path

_OTHERS = (
    str(Path(__file__).resolve().parent),
    *(str(Path(sysconfig.get_path(name)).resolve()) for name in ("stdlib", "platstdlib", "purelib", "platlib")),
)
"""Where frames are not the user's."""


def place_in_user_code(error: BaseException) -> str:
    """` at FILE:LINE` of the innermost frame that is neither of Python, nor installed, nor ours; else nothing."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        path = Path(frame.filename)
        if path.is_file() and not str(path.resolve()).startswith(_OTHERS):
            return f" at {path.name}:{frame.lineno}"
    return ""
