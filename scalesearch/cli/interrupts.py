"""What Ctrl-C does: before anything is begun it ends the program at once, later it is an exception.

An exception that falls into the import of a large library may be swallowed by it, or end the process from within
C++ (`terminate called after …`). While there is nothing to tidy up, leaving from the handler is certain.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from types import FrameType

CODE = 130


def leave_at_once() -> None:
    """From now on Ctrl-C ends the program with one line; where it is ignored (nohup) it stays so."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _leave)


def raise_exceptions() -> None:
    """From now on Ctrl-C raises KeyboardInterrupt."""
    if signal.getsignal(signal.SIGINT) is _leave:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _leave(_: int, __: FrameType | None) -> None:
    # The stream may be in the middle of a write of its own.
    with contextlib.suppress(RuntimeError, OSError, ValueError):
        sys.stdout.flush()
    os.write(2, b"scalesearch: interrupted; nothing was begun\n")
    os._exit(CODE)
