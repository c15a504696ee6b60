"""Of several processes that begin one study at the same moment one runs, and the others say so."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from planted import log_lines, study

ROOT = Path(__file__).parents[2]
HELPERS = ROOT / "tests" / "helpers"
RACES, RACERS = 20, 3
RACER = """
import sys, time
from pathlib import Path
import kill_driver
from scalesearch.errors import LockedError

for race in range(int(sys.argv[2])):
    folder = Path(sys.argv[1]) / str(race)
    print("ready", flush=True)
    while not (folder / "gate").exists():
        time.sleep(0.0005)
    try:
        kill_driver.main(folder / "study", str(folder / "log"), 0.05, "inline", "grid")
    except LockedError as error:
        print(error, flush=True)
    else:
        print("ran", flush=True)
"""


@pytest.mark.slow  # twenty searches
def test_of_many_one_runs(tmp_path: Path) -> None:
    for race in range(RACES):
        (tmp_path / str(race)).mkdir()
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", RACER, str(tmp_path), str(RACES)],
            env={**os.environ, "PYTHONPATH": f"{HELPERS}{os.pathsep}{ROOT}"},
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(RACERS)
    ]
    for race in range(RACES):
        assert [said(racer) for racer in racers] == ["ready"] * RACERS
        (tmp_path / str(race) / "gate").touch()
        ends = sorted((said(racer) for racer in racers), key=lambda words: words == "ran")
        assert ends[-1] == "ran"
        assert all("another run is working on this study" in words for words in ends[:-1])
        starts = Counter(trial for what, trial, *_ in log_lines(tmp_path / str(race) / "log") if what == "start")
        begun = study(tmp_path / str(race) / "study")
        assert starts == Counter({spec.id: 1 for spec in begun.plan.planned(begun.outcomes())})
    assert [racer.wait(60) for racer in racers] == [0] * RACERS


def said(racer: subprocess.Popen[str]) -> str:
    assert racer.stdout is not None
    return racer.stdout.readline().rstrip("\n")
