"""A parent that outlives the command's work and says how it ended, where the work cannot.

Ray ends the process that uses it from within C++ when its own processes are lost, with exit code 1 and a line of
its log, and so do the kernel's out-of-memory killer and a crash in native code, without a word. So the work is done
in a child; the parent, which has imported nothing, waits for it, hands signals on, and has the last word.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from types import FrameType

from scalesearch.cli import interrupts
from scalesearch.cli.command_line import typed_command
from scalesearch.errors import RayLostError, printable

COMMANDS = ("grid", "nas", "compare", "validate-proxy", "train", "transfer")
_ENDED, _BEGAN = b"\0", b"\1"
_PR_SET_PDEATHSIG = 1

_to_parent: int | None = None


def supervise() -> None:
    """Go on in a child where the command may use Ray; in the parent this never returns.

    A process that is killed takes its child along (on Linux), so a kill stays a kill.
    """
    global _to_parent
    if command() not in COMMANDS or not hasattr(os, "fork"):
        return
    read, write = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    parent = os.getpid()
    child = os.fork()
    if child == 0:
        os.close(read)
        _die_with(parent)
        _to_parent = write
        return
    os.close(write)
    for number in interrupts.STOPPING:
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _hand_on_to(child))
    _, status = os.waitpid(child, 0)
    told = os.read(read, 2**16)
    code = os.waitstatus_to_exitcode(status)
    if not told.endswith(_ENDED) and code not in interrupts.EXIT_CODES:  # with these it has left from a handler
        code = _last_word(code, told.decode("utf-8", "replace").strip("\1"))
    # A signal that came when all had been said ends the child without a word; a shell calls that 128 + its number.
    os._exit(128 - code if code < 0 else code)


def command() -> str:
    """The command that was given; empty where there is none."""
    return next((word for word in sys.argv[1:] if not word.startswith("-")), "")


def began(folder: Path) -> None:
    """Tell the parent where the results are, for its last word."""
    if _to_parent is not None:
        os.write(_to_parent, _BEGAN + str(folder).encode("utf-8", "surrogateescape"))


def ended() -> None:
    """Tell the parent that the command has said how it ended."""
    if _to_parent is not None:
        os.write(_to_parent, _ENDED)


def _last_word(code: int, folder: str) -> int:
    """Print what the child could not say; the exit code."""
    kept = "nothing was begun"
    if folder:
        kept = f"what is recorded in {printable(folder)} is kept. Resume: {typed_command()}"
    if interrupts.was_stopped():
        cause, code = interrupts.cause(), interrupts.exit_code()
    elif code < 0:
        name = signal.Signals(-code).name
        hint = "; the machine may have run out of memory" if -code == signal.SIGKILL else ""
        cause, code = f"the process was ended by {name}{hint}", 128 - code
    else:
        cause, code = "Ray was lost (one of its processes or the cluster's head has ended)", RayLostError.exit_code
    os.write(2, f"scalesearch: {cause}; {kept}\n".encode("utf-8", "replace"))
    return code


def _hand_on_to(child: int) -> interrupts.Handler:
    def hand_on(number: int, _: FrameType | None) -> None:
        interrupts.note(number)
        with suppress(ProcessLookupError):  # it may have ended just before, by the same signal to the whole group
            os.kill(child, number)

    return hand_on


def _die_with(parent: int) -> None:
    """Have the kernel end this process when its parent ends; elsewhere than on Linux it would go on."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it was killed meanwhile
            os._exit(128 + signal.SIGKILL)
