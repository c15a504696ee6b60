"""A search that is stopped, or that loses Ray, keeps what it has and says so, with an exit code of its own."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from stopping import Place

ROOT = Path(__file__).parents[2]
SMOKE = ["grid", "--baseline", "tiny", "--budget", "smoke", "--data", "digits"]
STUDY = Path("results") / "tiny-phi1-smoke"
CODES = {"SIGTERM": 143, "SIGUSR1": 138, "SIGHUP": 129, "SIGINT": 130}


def records(folder: Path) -> int:
    return len(list((folder / STUDY / "trials").glob("*.json")))


def stopped(place: Place, name: str, whole_group: bool, *words: str) -> tuple[int, str, float]:
    """Once two records are there; exit code, standard error and seconds from the signal to the end."""
    process = place.start(*words)
    while records(place.folder) < 2:
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.01)
    began = time.monotonic()
    (os.killpg if whole_group else os.kill)(process.pid, getattr(signal, name))
    _, said = process.communicate(timeout=60)
    return process.returncode, said, time.monotonic() - began


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "whole_group", "runner"),
    [
        *((name, whole_group, "inline") for name in CODES for whole_group in (False, True)),
        *((name, False, "ray") for name in CODES),
        ("SIGTERM", True, "ray"),
        ("SIGUSR1", True, "ray"),
    ],
)
def test_every_stopping_signal_ends_in_order(
    name: str, whole_group: bool, runner: str, cache: Path, tmp_path: Path
) -> None:
    """To the process, as Kubernetes does it, or to all of the job, as SLURM may."""
    place = Place(tmp_path, cache)
    code, said, seconds = stopped(place, name, whole_group, *SMOKE, "--runner", runner)
    assert code == CODES[name], said
    assert seconds < 10
    line = said.splitlines()[-1]
    cause = "interrupted" if name == "SIGINT" else f"stopped by {name}"
    kept = r"(\d+/14 trials are|what is recorded in results/tiny-phi1-smoke is) kept"
    found = re.fullmatch(rf"scalesearch: {cause}; {kept}\. Resume: scalesearch (.*)", line)
    assert found is not None, said
    before = records(tmp_path)
    assert before < 14
    if (name, whole_group) == ("SIGTERM", False):
        out = place.run(*shlex.split(found[2]))
        assert f"{before}/14 done, resuming" in out
        assert records(tmp_path) == 14


@pytest.mark.slow
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGUSR1", "SIGINT"])
def test_a_signal_while_ray_starts_is_heard(name: str, cache: Path, tmp_path: Path) -> None:
    process = Place(tmp_path, cache).start(*SMOKE)
    assert process.stdout is not None
    assert any("fvcore counts each first" in line for line in process.stdout)  # Ray is started after that
    time.sleep(1)
    began = time.monotonic()
    os.kill(process.pid, getattr(signal, name))
    _, said = process.communicate(timeout=60)
    assert time.monotonic() - began < 10
    assert process.returncode == CODES[name], said
    assert said.splitlines()[-1].endswith(f"trials are kept. Resume: scalesearch {shlex.join(SMOKE)}")


@pytest.mark.slow
@pytest.mark.parametrize("lost", ["raylet/raylet", "gcs_server"])
def test_a_lost_ray_has_its_line_and_its_code(lost: str, cache: Path, tmp_path: Path) -> None:
    place = Place(tmp_path, cache)
    process = place.start(*SMOKE)
    while records(tmp_path) < 2:
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.01)
    subprocess.run(["pkill", "-9", "-s", str(process.pid), "-f", lost], check=True)
    _, said = process.communicate(timeout=60)
    assert "Traceback" not in said
    if process.returncode == 0:  # the workers finished before they missed what was killed
        assert records(tmp_path) == 14
        return
    assert process.returncode == 6, said
    assert said.splitlines()[-1] == (
        "scalesearch: Ray was lost (one of its processes or the cluster's head has ended); what is recorded in "
        f"{STUDY} is kept. Resume: scalesearch {shlex.join(SMOKE)}"
    )
    place.run(*SMOKE)
    assert records(tmp_path) == 14


@pytest.mark.slow
def test_a_kill_takes_the_work_along(cache: Path, tmp_path: Path) -> None:
    place = Place(tmp_path, cache)
    code, _, _ = stopped(place, "SIGKILL", False, *SMOKE, "--runner", "inline")
    assert code == -signal.SIGKILL
    time.sleep(1)
    before = records(tmp_path)
    time.sleep(3)
    assert records(tmp_path) == before < 14


@pytest.mark.slow
def test_work_that_is_killed_is_told_of(cache: Path, tmp_path: Path) -> None:
    """As the kernel does it where memory runs out: to the process that holds most of it."""
    place = Place(tmp_path, cache)
    process = place.start(*SMOKE, "--runner", "inline")
    while records(tmp_path) < 2:
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.01)
    subprocess.run(["pkill", "-9", "-P", str(process.pid)], check=True)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 137
    (line,) = said.splitlines()
    assert line.startswith(
        "scalesearch: the process was ended by SIGKILL; the machine may have run out of memory; what"
    )
    assert "is kept. Resume: scalesearch grid" in line


@pytest.mark.slow
def test_the_documented_slurm_script_requeues(cache: Path, tmp_path: Path) -> None:
    """Its own text, with a search that fits here and a `scontrol` that notes what it is asked."""
    text = (ROOT / "docs" / "clusters.md").read_text(encoding="utf-8")
    (script,) = re.findall(r"```bash\n(#!/bin/bash\n#SBATCH.*?)```", text, re.DOTALL)
    asked = "scalesearch grid --baseline b0 --phi 1 --budget standard --data /shared/images"
    assert asked in script
    (tmp_path / "job.sh").write_text(script.replace(asked, f"{sys.executable} -m scalesearch {shlex.join(SMOKE)}"))
    scontrol = tmp_path / "bin" / "scontrol"
    scontrol.parent.mkdir()
    scontrol.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/requeued\n')
    scontrol.chmod(0o755)
    environment = {
        **os.environ,
        "XDG_CACHE_HOME": str(cache),
        "PATH": f"{scontrol.parent}:{os.environ['PATH']}",
        "SLURM_JOB_ID": "4711",
    }

    def job() -> subprocess.Popen[str]:
        return subprocess.Popen(
            ["bash", "job.sh"],
            cwd=tmp_path,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    process = job()
    while records(tmp_path) < 2:
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.01)
    process.send_signal(signal.SIGUSR1)  # to the batch shell alone, as `B:` says
    _, said = process.communicate(timeout=60)
    assert process.returncode == 138, said
    assert (tmp_path / "requeued").read_text() == "requeue 4711\n"
    again = job()
    _, said = again.communicate(timeout=300)
    assert again.returncode == 0, said
    assert records(tmp_path) == 14
