"""What Ctrl-C and a job's signals do: before anything is begun the program ends at once, later they raise.

An exception that falls into the import of a large library may be swallowed by it, or end the process from within
C++ (`terminate called after …`). While there is nothing to tidy up, leaving from the handler is certain. Later an
exception that is neither under way nor heeded is raised once more, every second.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1")
"""Ctrl-C; Kubernetes and SLURM at a job's end; a terminal that is closed; SLURM ahead of the end (`--signal`)."""
STOPPING = tuple(getattr(signal, name) for name in _NAMES if hasattr(signal, name))
EXIT_CODES = frozenset(128 + number for number in STOPPING)

_AGAIN_SECONDS = 2.0
"""A signal to the whole group comes twice, by itself and from the parent that hands it on."""

Handler = Callable[[int, FrameType | None], None]

_REMIND_SECONDS = 1.0

_heeded = True
_reminds = False
_received: signal.Signals | None = None
_received_at = 0.0


def leave_at_once() -> None:
    """From now on the signals end the program with one line; where one is ignored (nohup) it stays so."""
    for number in STOPPING:
        if signal.getsignal(number) in (signal.default_int_handler, signal.SIG_DFL):
            signal.signal(number, _leave)


def raise_exceptions() -> None:
    """From now on the signals raise KeyboardInterrupt."""
    for number in STOPPING:
        if signal.getsignal(number) is _leave:
            signal.signal(number, _raise)


def heed_ctrl_c() -> None:
    """From now on Ctrl-C raises KeyboardInterrupt, also where the program was started with it ignored.

    A shell starts what it runs in the background so; a command that says that Ctrl-C ends it must keep its word.
    """
    signal.signal(signal.SIGINT, _raise)


def exit_code() -> int:
    """The code to end with after the last signal: 130 for Ctrl-C, 143 for SIGTERM, as a shell has them."""
    return 128 + (_received or signal.SIGINT)


def cause() -> str:
    """`interrupted`, or which signal stopped the program."""
    return "interrupted" if _received in (None, signal.SIGINT) else f"stopped by {_received.name}"


def was_stopped() -> bool:
    """Whether one of the signals came."""
    return _received is not None


def note(number: int) -> bool:
    """Remember that a signal came; whether it is news."""
    global _received, _received_at
    now = time.monotonic()
    news = _received != number or now - _received_at > _AGAIN_SECONDS
    _received, _received_at = signal.Signals(number), now
    return news


def heeded() -> None:
    """Say that the exception has been caught by whoever ends the command for it."""
    global _heeded
    _heeded = True


def _raise(number: int, _: FrameType | None) -> None:
    global _heeded, _reminds
    if _reminds:
        _reminds = False
        if not (_heeded or _is_under_way()):
            raise KeyboardInterrupt
    elif note(number):
        _heeded = False
        threading.excepthook = lambda _: None  # Ray's threads miss what ends around them, and print tracebacks
        threading.Thread(target=_remind, args=(number,), daemon=True).start()
        raise KeyboardInterrupt


def _is_under_way() -> bool:
    """Whether a KeyboardInterrupt is being handled: by a `finally`, an `except`, or the end of a `with`."""
    error = sys.exc_info()[1]
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__context__
    return error is not None


def _remind(number: int) -> None:
    """Have the handler look again, in the main thread, until the exception is heeded."""
    global _reminds
    main = threading.main_thread().ident
    while True:
        time.sleep(_REMIND_SECONDS)
        if _heeded or main is None:
            return
        _reminds = True
        signal.pthread_kill(main, number)


def _leave(number: int, _: FrameType | None) -> None:
    if not note(number):
        return
    # The stream may be in the middle of a write of its own.
    with contextlib.suppress(RuntimeError, OSError, ValueError):
        sys.stdout.flush()
    with contextlib.suppress(OSError):  # a terminal that is gone
        os.write(2, f"scalesearch: {cause()}; nothing was begun\n".encode())
    os._exit(exit_code())
