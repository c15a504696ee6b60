"""A parent process that reports how a command ended if the command itself cannot.

When Ray's own processes are lost, Ray ends the process that uses it from within C++, with exit code 1 and a line of
its log. The kernel's out-of-memory killer and a crash in native code end it without a message. So a child process
does the work. The parent has imported nothing heavy; it waits, forwards signals, and prints the last line.
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
from scalesearch.cli.commands import RENAMED_COMMANDS
from scalesearch.errors import RayLostError, printable

COMMANDS = ("grid", "nas", "compare", "validate-proxy", "train", "transfer")
_ENDED, _STARTED = b"\0", b"\1"
_PR_SET_PDEATHSIG = 1

_to_parent: int | None = None


def supervise() -> None:
    """Continue in a child process if the command may use Ray; in the parent this function never returns.

    On Linux the child dies with its parent, so that killing the parent ends the work.
    """
    global _to_parent
    if command() not in COMMANDS or not hasattr(os, "fork"):
        return
    read_end, write_end = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    parent = os.getpid()
    child = os.fork()
    if child == 0:
        os.close(read_end)
        _die_with_parent(parent)
        _to_parent = write_end
        return
    os.close(write_end)
    for number in interrupts.STOPPING:
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _forward_to(child))
    _, status = os.waitpid(child, 0)
    report = os.read(read_end, 2**16)
    code = os.waitstatus_to_exitcode(status)
    # A signal handler in the child exits with one of EXIT_CODES, after its own message.
    if not report.endswith(_ENDED) and code not in interrupts.EXIT_CODES:
        code = _report_end(code, report.decode("utf-8", "replace").strip("\1"))
    # A signal after the last message ends the child silently; a shell reports that as 128 + its number.
    os._exit(128 - code if code < 0 else code)


def command() -> str:
    """Return the command that was given, by its present name; an empty text if there is none."""
    given = next((argument for argument in sys.argv[1:] if not argument.startswith("-")), "")
    return RENAMED_COMMANDS.get(given, given)


def report_started(folder: Path) -> None:
    """Send the parent the folder of the results, for its last message."""
    if _to_parent is not None:
        os.write(_to_parent, _STARTED + str(folder).encode("utf-8", "surrogateescape"))


def report_ended() -> None:
    """Tell the parent that the command has printed how it ended."""
    if _to_parent is not None:
        os.write(_to_parent, _ENDED)


def _report_end(code: int, folder: str) -> int:
    """Print how the child ended, which it could not print itself; return the exit code."""
    outcome = "nothing was begun"
    if folder:
        outcome = f"what is recorded in {printable(folder)} is kept. Resume: {typed_command()}"
    if interrupts.was_stopped():
        cause, code = interrupts.cause(), interrupts.exit_code()
    elif code < 0:
        name = signal.Signals(-code).name
        hint = "; the machine may have run out of memory" if -code == signal.SIGKILL else ""
        cause, code = f"the process was ended by {name}{hint}", 128 - code
    else:
        cause, code = "Ray was lost (one of its processes or the cluster's head has ended)", RayLostError.exit_code
    os.write(2, f"scalesearch: {cause}; {outcome}\n".encode("utf-8", "replace"))
    return code


def _forward_to(child: int) -> interrupts.Handler:
    def forward(number: int, _: FrameType | None) -> None:
        interrupts.record_signal(number)
        with suppress(ProcessLookupError):  # it may have ended already, by the same signal to the process group
            os.kill(child, number)

    return forward


def _die_with_parent(parent: int) -> None:
    """Have the kernel end this process when its parent ends; only Linux can do that."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # the parent was killed meanwhile
            os._exit(128 + signal.SIGKILL)
