"""The real command line in a folder, left alone or stopped at a chosen moment."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

LONGEST = 600


def _heed_signals() -> None:
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM, signal.SIGUSR1):
        signal.signal(number, signal.SIG_DFL)


class Place:
    """A folder to run in; what is cached, the drawn images, is shared."""

    def __init__(self, folder: Path, cache: Path) -> None:
        self.folder, self.cache = folder, cache
        self.printed = ""
        """The standard output of what was stopped last."""

    def start(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "scalesearch", *words],
            cwd=self.folder,
            env={**os.environ, "XDG_CACHE_HOME": str(self.cache)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            # A shell starts what it runs in the background with Ctrl-C ignored, and `nohup` SIGHUP; both are
            # inherited.
            preexec_fn=_heed_signals,
        )

    def run(self, *words: str) -> str:
        """To the end; what was printed."""
        process = self.start(*words)
        out, said = process.communicate(timeout=LONGEST)
        assert process.returncode == 0, said
        return out

    def stop(self, number: int, ready: Callable[[], bool], *words: str) -> tuple[int, str]:
        """Run until it is `ready`, signal the whole group as a terminal does; exit code and standard error."""
        process = self.start(*words)
        deadline = time.monotonic() + LONGEST
        while not ready():
            assert process.poll() is None, process.communicate()[1]
            assert time.monotonic() < deadline
            time.sleep(0.01)
        os.killpg(process.pid, number)
        self.printed, said = process.communicate(timeout=60)
        return process.returncode, said
