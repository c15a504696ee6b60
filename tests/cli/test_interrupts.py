"""A stop that is swallowed comes again; one that is being tidied up after does not."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import pytest
import typer

from scalesearch.cli import main

BEGIN = """
import os, signal, sys, time
from scalesearch.cli import interrupts
for number in interrupts.STOPPING:
    signal.signal(number, signal.SIG_DFL)
interrupts.leave_at_once()
interrupts.raise_exceptions()
NUMBER = signal.{name}
"""
SWALLOWED = """
try:
    try:
        os.kill(os.getpid(), NUMBER)
        time.sleep(5)
    except BaseException:
        pass  # as the import of a compiled module may do it
    try:
        time.sleep(20)
        print("never")
    finally:
        time.sleep(2.5)  # what is tidied up is not disturbed
        try:
            raise OSError
        except OSError:
            time.sleep(1.5)
        print("tidied")
except KeyboardInterrupt:
    interrupts.mark_handled()
    time.sleep(2.5)  # nor what is said in the end
    print(interrupts.cause(), interrupts.exit_code())
"""


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1"])
def test_a_swallowed_stop_comes_again(name: str) -> None:
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", BEGIN.format(name=name) + SWALLOWED],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    cause = "interrupted" if name == "SIGINT" else f"stopped by {name}"
    assert done.stdout.splitlines() == ["tidied", f"{cause} {128 + getattr(signal, name)}"], done.stderr
    assert time.monotonic() - began < 15


def test_a_second_stop_ends_what_takes_too_long() -> None:
    """By the user's own hand, some seconds after the first."""
    late = """
import threading
threading.Timer(2.5, lambda: os.kill(os.getpid(), NUMBER)).start()
try:
    try:
        os.kill(os.getpid(), NUMBER)
        time.sleep(5)
    finally:
        time.sleep(20)
except KeyboardInterrupt:
    print("ended")
"""
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", BEGIN.format(name="SIGINT") + late],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.stdout == "ended\n", done.stderr
    assert time.monotonic() - began < 10


def test_ctrl_c_while_the_program_is_imported_is_one_line() -> None:
    """Sent from within the first import of the command line."""
    script = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
import scalesearch.__main__ as program
class Importer:
    def find_spec(self, name, path=None, target=None):
        if name == "scalesearch.cli.main":
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Importer())
program.start()
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 130
    assert done.stderr == "scalesearch: interrupted; nothing was begun\n"


def test_a_signal_after_the_last_word_is_an_exit_code_of_a_shell() -> None:
    script = """
import os, signal, sys
from scalesearch.cli import supervisor
sys.argv = ["scalesearch", "train"]
supervisor.supervise()
supervisor.report_ended()
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.kill(os.getpid(), signal.SIGINT)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (130, "")


@pytest.mark.parametrize(
    ("verb", "said"),
    [("grid", "interrupted; what is recorded is kept. Resume: scalesearch grid"), ("show", "interrupted")],
)
def test_a_signal_before_the_first_trial_says_how_to_go_on(
    verb: str, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stopped(**_: object) -> None:
        raise typer.Abort

    monkeypatch.setattr(sys, "argv", ["scalesearch", verb])
    monkeypatch.setattr(main, "app", stopped)
    with pytest.raises(SystemExit) as end:
        main.run()
    assert end.value.code == 130
    assert capsys.readouterr().err == f"scalesearch: {said}\n"


def test_a_signal_that_comes_when_the_work_has_just_ended_is_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole group gets a Ctrl-C, so the child may be gone before its parent hands it on."""
    from scalesearch.cli import interrupts, supervisor

    monkeypatch.setattr(interrupts, "_received", None)
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    supervisor._forward_to(gone.pid)(signal.SIGINT, None)
    assert interrupts.exit_code() == 130
