"""Handlers for Ctrl-C and a job's signals: they exit at once before any work has begun, and raise later.

The import of a large library may swallow an exception that a handler raises, or end the process from within C++
(`terminate called after …`). While there is nothing to tidy up, exiting in the handler is reliable. Later a handler
raises KeyboardInterrupt, and raises it again every second until it is being handled or `mark_handled` is called.
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
"""From Ctrl-C; from Kubernetes and SLURM at a job's end; from a closed terminal; from SLURM's `--signal`."""
STOPPING = tuple(getattr(signal, name) for name in _NAMES if hasattr(signal, name))
EXIT_CODES = frozenset(128 + number for number in STOPPING)

_DUPLICATE_SECONDS = 2.0
"""A signal to the process group arrives twice: directly, and from the parent, which forwards it."""

Handler = Callable[[int, FrameType | None], None]

_REMIND_SECONDS = 1.0

_handled = True
_is_reminder = False
_received: signal.Signals | None = None
_received_at = 0.0


def leave_at_once() -> None:
    """Make the signals end the program with one line; a signal that is ignored (nohup) stays ignored."""
    for number in STOPPING:
        if signal.getsignal(number) in (signal.default_int_handler, signal.SIG_DFL):
            signal.signal(number, _exit_at_once)


def raise_exceptions() -> None:
    """Make the signals raise KeyboardInterrupt."""
    for number in STOPPING:
        if signal.getsignal(number) is _exit_at_once:
            signal.signal(number, _raise)


def enable_ctrl_c() -> None:
    """Make Ctrl-C raise KeyboardInterrupt, even if the program was started with it ignored.

    A shell starts background jobs with Ctrl-C ignored; a command that says that Ctrl-C ends it must still heed it.
    """
    signal.signal(signal.SIGINT, _raise)


def exit_code() -> int:
    """Return the exit code after the last signal, as in a shell: 130 for Ctrl-C, 143 for SIGTERM."""
    return 128 + (_received or signal.SIGINT)


def cause() -> str:
    """Return `interrupted`, or which signal stopped the program."""
    return "interrupted" if _received in (None, signal.SIGINT) else f"stopped by {_received.name}"


def was_stopped() -> bool:
    """Return whether one of the signals arrived."""
    return _received is not None


def record_signal(number: int) -> bool:
    """Record that a signal arrived; return False if it is a duplicate."""
    global _received, _received_at
    now = time.monotonic()
    is_new = _received != number or now - _received_at > _DUPLICATE_SECONDS
    _received, _received_at = signal.Signals(number), now
    return is_new


def mark_handled() -> None:
    """Mark the exception as caught by code that ends the command."""
    global _handled
    _handled = True


def _raise(number: int, _: FrameType | None) -> None:
    global _handled, _is_reminder
    if _is_reminder:
        _is_reminder = False
        if not (_handled or _is_being_handled()):
            raise KeyboardInterrupt
    elif record_signal(number):
        _handled = False
        threading.excepthook = lambda _: None  # Ray's threads would print tracebacks while the program ends
        threading.Thread(target=_remind, args=(number,), daemon=True).start()
        raise KeyboardInterrupt


def _is_being_handled() -> bool:
    """Return whether a KeyboardInterrupt is being handled: by a `finally`, an `except`, or the end of a `with`."""
    error = sys.exc_info()[1]
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__context__
    return error is not None


def _remind(number: int) -> None:
    """Call the handler again in the main thread, every second, until the exception is marked as handled."""
    global _is_reminder
    main = threading.main_thread().ident
    while True:
        time.sleep(_REMIND_SECONDS)
        if _handled or main is None:
            return
        _is_reminder = True
        signal.pthread_kill(main, number)


def _exit_at_once(number: int, _: FrameType | None) -> None:
    if not record_signal(number):
        return
    # The signal may have interrupted a write to this stream.
    with contextlib.suppress(RuntimeError, OSError, ValueError):
        sys.stdout.flush()
    with contextlib.suppress(OSError):  # a terminal that is gone
        os.write(2, f"scalesearch: {cause()}; nothing was begun\n".encode())
    os._exit(exit_code())
