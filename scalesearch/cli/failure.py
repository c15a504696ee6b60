"""The end of a command that fails: one line on standard error, and the exit code."""

from __future__ import annotations

import contextlib
import sys
from typing import NoReturn

from scalesearch.errors import printable


def fail(message: str, code: int) -> NoReturn:
    """Print the message, one line or one per file that it lists, and exit with the code."""
    with contextlib.suppress(OSError):  # a terminal that is gone
        print("scalesearch:", "\n".join(map(printable, message.split("\n"))), file=sys.stderr)
    sys.exit(code)
