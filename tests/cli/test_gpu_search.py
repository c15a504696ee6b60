"""The command line where a GPU is: it is found, used, timed and written down."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import torch

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.slow,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here"),
]


def scalesearch(*words: str, cwd: Path) -> str:
    """Not `command.scalesearch`: CUDA does not survive a fork."""
    done = subprocess.run(
        [sys.executable, "-m", "scalesearch", *words], cwd=cwd, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("share", [("--runner", "inline"), ("--gpus-per-trial", "0.25")])
def test_a_search_on_a_gpu(share: tuple[str, str], tmp_path: Path) -> None:
    printed = scalesearch("grid", "--baseline", "tiny", "--budget", "smoke", *share, cwd=tmp_path)
    assert "Recommended: α = " in printed
    study = tmp_path / "results" / "tiny-phi1-smoke"
    assert json.loads((study / "study.json").read_text())["environment"]["gpu"] != "none"
    table = pd.read_csv(study / "trials.csv")
    assert set(table["state"]) == {"complete"}
    assert table["accuracy"].max() > 0.4


def test_latency_has_a_row_for_the_gpu(tmp_path: Path) -> None:
    facts = json.loads(scalesearch("latency", "b0", "resnet18", "--json", cwd=tmp_path))
    times = {one["device"]: [network["seconds"] for network in one["networks"]] for one in facts["measured"]}
    assert set(times) == {"cpu", "cuda"}
    assert all(0 < seconds < 1 for seconds in times["cuda"])


def test_solve_measures_latency_on_the_gpu(tmp_path: Path) -> None:
    assert torch.cuda.get_device_name() in scalesearch("solve", "b0", "--max-latency", "50ms", cwd=tmp_path)
