"""How a command ends that cannot go on: one line on standard error, and its exit code."""

from __future__ import annotations

import contextlib
import sys
from typing import NoReturn

from scalesearch.errors import printable


def fail(message: str, code: int) -> NoReturn:
    """Print one line, or where an error lists files a line for each, and leave."""
    with contextlib.suppress(OSError):  # a terminal that is gone
        print("scalesearch:", "\n".join(map(printable, message.split("\n"))), file=sys.stderr)
    sys.exit(code)
