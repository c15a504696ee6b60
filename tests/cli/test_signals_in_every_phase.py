"""A real search that is stopped in one phase after the other, from start to report, and taken up each time."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from stopping import Place

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
SMOKE = ["grid", "--baseline", "tiny", "--budget", "smoke"]
STUDY = Path("results") / "tiny-phi1-smoke"
CODES = {"SIGTERM": 143, "SIGHUP": 129, "SIGINT": 130}
LONGEST = 10


def records(place: Place) -> int:
    return len(list((place.folder / STUDY / "trials").glob("*.json")))


PHASES: dict[str, Callable[[Place], bool]] = {
    "imports": lambda place: True,
    "the command line is read": lambda place: True,
    "images are drawn": lambda place: any(place.cache.rglob("*")),
    "the study is begun": lambda place: (place.folder / STUDY / "study.json").exists(),
    "the first rung": lambda place: records(place) >= 2,
    "between two rungs": lambda place: records(place) >= 7,
    "the answer is written": lambda place: (place.folder / STUDY / "winner.yaml").exists(),
}
"""What must be there before the signal comes, a second after the start or later."""


@pytest.mark.parametrize(("name", "runner"), [("SIGTERM", "ray"), ("SIGHUP", "inline"), ("SIGINT", "inline")])
def test_stopped_in_every_phase(name: str, runner: str, tmp_path: Path) -> None:
    words = [*SMOKE, "--runner", runner]
    stopped = 0
    for phase, reached in PHASES.items():
        place = Place(tmp_path, tmp_path / "caches" / phase)  # so that images are drawn again
        before = records(place)
        process = place.start(*words)
        deadline = time.monotonic() + 200
        time.sleep(0.1 if phase == "imports" else 1.0)
        while not reached(place) and process.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.005)
        began = time.monotonic()
        if process.poll() is None:
            os.kill(process.pid, getattr(signal, name))
        _, said = process.communicate(timeout=60)
        assert time.monotonic() - began < LONGEST, phase
        assert "Traceback" not in said, phase
        assert records(place) >= before, phase
        if process.returncode == 0:  # it was over first
            continue
        stopped += 1
        if phase == "imports" and process.returncode == -getattr(signal, name):
            continue  # Python itself was still starting
        assert process.returncode == CODES[name], (phase, said)
        cause = "interrupted" if name == "SIGINT" else f"stopped by {name}"
        assert re.match(rf"scalesearch: {cause}(;|$)", said.splitlines()[-1]), (phase, said)
    assert stopped >= 4
    place.run(*words)
    place.run("verify", str(STUDY))
    assert (place.folder / STUDY / "report.html").exists()
