"""A search that is killed at any moment, any number of times, ends as one that was left alone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from random import Random

import pytest
from planted import log_lines, plan_by, planted_by, study

from scalesearch.runners.inline import InlineRunner
from scalesearch.study.records import problems
from scalesearch.study.result import analyze
from scalesearch.study.result_files import write_result_files
from scalesearch.study.search import search
from scalesearch.study.study import open_or_create, open_study

ROOT = Path(__file__).parents[2]
HELPERS = ROOT / "tests" / "helpers"
KILLS = int(os.environ.get("KILLS", "3"))
LONGEST = 120


class Driver:
    """`kill_driver.py` on one folder, run and killed; what must hold is checked each time."""

    def __init__(self, root: Path, kind: str, seconds: float, scheduler: str = "grid") -> None:
        self.scheduler = scheduler
        self.folder, self.log = root / "study", root / "log"
        self.kind, self.seconds = kind, seconds
        self.kept: dict[str, bytes] = {}

    def start(self) -> subprocess.Popen[bytes]:
        script = str(HELPERS / "kill_driver.py")
        arguments = [str(self.folder), str(self.log), str(self.seconds), self.kind, self.scheduler]
        environment = {**os.environ, "PYTHONPATH": f"{HELPERS}{os.pathsep}{ROOT}"}
        return subprocess.Popen(
            [sys.executable, script, *arguments],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )

    def kill_after(self, seconds: float) -> bool:
        """Start, wait for the first sign of life and then so long, kill; False where it was over before."""
        lines = len(log_lines(self.log))
        process = self.start()
        deadline = time.monotonic() + LONGEST
        while len(log_lines(self.log)) == lines and process.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.005)
        time.sleep(seconds)
        alive = process.poll() is None
        process.send_signal(signal.SIGKILL)
        process.communicate()
        self.check()
        return alive

    def finish(self) -> None:
        """Run to the end."""
        process = self.start()
        _, said = process.communicate(timeout=LONGEST)
        assert process.returncode == 0, said.decode()
        self.check()

    def check(self) -> None:
        """No record has changed or gone since the last look, and all are whole."""
        trials = self.folder / "trials"
        found = {path.stem: path.read_bytes() for path in trials.glob("*.json")}
        for key, data in self.kept.items():
            assert found[key] == data, f"the record of {key} changed"
        assert list(problems(trials)) == []
        self.kept = found

    def starts(self, first: int = 0) -> list[str]:
        return [trial for what, trial, *_ in log_lines(self.log)[first:] if what == "start"]


def killed_until_done(driver: Driver, kills: int, longest: float, random: Random) -> None:
    """Kill `kills` times at random moments, and see that no recorded trial is begun again."""
    for _ in range(kills):
        recorded, seen = set(driver.kept), len(log_lines(driver.log))
        alive = driver.kill_after(random.uniform(0, longest))
        assert not recorded & set(driver.starts(seen)), "a trial that has a record was run again"
        if not alive:
            break
    recorded, seen = set(driver.kept), len(log_lines(driver.log))
    driver.finish()
    again = driver.starts(seen)
    assert not recorded & set(again)
    assert driver.kind == "ray" or len(again) == len(set(again))  # a dying Ray worker may still log a start
    whole = study(driver.folder, plan_by(driver.scheduler))
    assert recorded | set(again) == {spec.id for spec in whole.plan.planned(whole.outcomes())}


def left_alone(root: Path, scheduler: str = "grid") -> Path:
    """The same search without a kill, in this process."""
    begun = open_or_create(study(root / "calm", plan_by(scheduler)))
    search(begun, InlineRunner(), planted_by(scheduler), lambda event: None)
    found = analyze(begun.plan, begun.outcomes())
    assert found is not None
    write_result_files(begun.folder, found)
    return begun.folder


def assert_equal_answers(folder: Path, calm: Path) -> None:
    names = sorted(path.name for path in (calm / "family").iterdir())
    assert len(names) == 8
    for name in ["winner.yaml", *(f"family/{one}" for one in names)]:
        assert (folder / name).read_bytes() == (calm / name).read_bytes()


@pytest.mark.slow  # by default within a rung, which has more to go wrong
def test_inline_kills(tmp_path: Path) -> None:
    driver = Driver(tmp_path, "inline", 0.05)
    killed_until_done(driver, min(KILLS, 3), 0.4, Random(1))
    assert_equal_answers(driver.folder, left_alone(tmp_path))


@pytest.mark.parametrize("scheduler", ["adaptive", "sequential", "halving", "halving-blind"])
def test_inline_kills_within_a_wave(scheduler: str, tmp_path: Path) -> None:
    """Some of a wave's trials are recorded, others not: the rest of the wave runs, and the same go on.

    So do all of a rung at chance, which is told from what was recorded, not from when it was.
    """
    driver = Driver(tmp_path, "inline", 0.05, scheduler)
    killed_until_done(driver, min(KILLS, 3), 0.9, Random(3))
    calm = left_alone(tmp_path, scheduler)
    assert_equal_answers(driver.folder, calm)
    prolonged = open_study(calm)
    assert bool(prolonged.plan.state(prolonged.outcomes()).rungs_without_elimination) == scheduler.endswith(
        "-blind"
    )


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_kills_within_a_rung_with_ray(seed: int, tmp_path: Path) -> None:
    driver = Driver(tmp_path, "ray", 0.2, "halving")
    killed_until_done(driver, 3, 2.0, Random(seed))
    assert_equal_answers(driver.folder, left_alone(tmp_path, "halving"))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_many_inline_kills_within_a_rung(seed: int, tmp_path: Path) -> None:
    driver = Driver(tmp_path, "inline", 0.1, "halving")
    killed_until_done(driver, max(KILLS, 24) // 8, 1.2, Random(seed))
    assert_equal_answers(driver.folder, left_alone(tmp_path, "halving"))


@pytest.mark.slow
def test_a_kill_with_ray(tmp_path: Path) -> None:
    """Its workers go down with the driver; none may live on and write."""
    driver = Driver(tmp_path, "ray", 0.2)
    killed_until_done(driver, 1, 1.0, Random(2))
    assert_equal_answers(driver.folder, left_alone(tmp_path))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(8))
def test_many_inline_kills(seed: int, tmp_path: Path) -> None:
    driver = Driver(tmp_path, "inline", 0.1)
    killed_until_done(driver, max(KILLS, 24) // 8, 0.5, Random(seed))
    assert_equal_answers(driver.folder, left_alone(tmp_path))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_many_kills_with_ray(seed: int, tmp_path: Path) -> None:
    driver = Driver(tmp_path, "ray", 0.2)
    killed_until_done(driver, max(KILLS, 10) // 5, 1.0, Random(seed))
    assert_equal_answers(driver.folder, left_alone(tmp_path))
