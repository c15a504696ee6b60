"""The script that measures searches on a GPU, run without one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "benchmarks" / "gpu_search.py"


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, SCRIPT, *words], cwd=folder, capture_output=True, text=True, timeout=900, check=False
    )


def test_it_says_what_is_missing(tmp_path: Path) -> None:
    done = run(tmp_path, "limit=10")
    assert (done.returncode, done.stderr) == (1, "out=FILE.json is needed\n")
    done = run(tmp_path, "out=x.json", "nonsense=1")
    assert done.stderr.startswith("nonsense=1: must be KEY=VALUE, with one of out, limit")


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_its_parts_are_kept_and_a_second_call_goes_on(tmp_path: Path) -> None:
    words = ["cpu=1", "baseline=tiny", "budget=smoke", "long_budget=smoke", "plain_trials=2", "out=gpu.json"]
    done = run(tmp_path, *words, "limit=800")
    assert done.returncode == 0, done.stderr[-2000:]
    facts = json.loads((tmp_path / "gpu.json").read_text())
    assert [*facts] == ["environment", "first steps", "stream", "search", "plain", "long"]
    assert len(facts["first steps"]["first_step_s"]) == 7
    assert facts["search"]["finished"]
    assert 0 < facts["search"]["share_of_slots"] < 1
    assert facts["plain"]["all_seconds"] > facts["plain"]["seconds"]
    (tmp_path / "gpu.json").write_text(json.dumps({key: facts[key] for key in facts if key != "long"}))
    again = run(tmp_path, *words, "limit=800")
    assert again.stdout.count("\nlong: ") + again.stdout.startswith("long: ") == 1, again.stdout[-500:]
    assert "first steps: " not in again.stdout
