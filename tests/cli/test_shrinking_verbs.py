"""`grid --phi -1` and `compare --times 0.5`, whole, on the tiny baseline."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command import scalesearch
from least import LEAST

from scalesearch.design.baselines import load_baseline
from scalesearch.design.cost import cost
from scalesearch.design.networks import load_network
from scalesearch.study.study import open_study


@pytest.fixture
def small(tmp_path: Path) -> Path:
    (tmp_path / "least.yaml").write_text(LEAST)
    return tmp_path


def test_a_search_down_has_an_answer_a_family_and_a_report(small: Path) -> None:
    words = ("grid", "--baseline", "tiny", "--budget", "least.yaml", "--runner", "inline", "--phi", "-1")
    done = scalesearch(*words, cwd=small)
    assert done.returncode == 0, done.stderr
    assert "not above" not in done.stdout
    (folder,) = (small / "results").iterdir()
    assert folder.name.startswith("tiny-phi-1-")
    half = cost(load_baseline("tiny").architecture).macs / 2
    for one in open_study(folder).plan.trained:
        assert abs(one.cost.macs / half - 1) <= 0.05
    assert f"Family: phi-1 … phi-4 in results/{folder.name}/family" in done.stdout
    sizes = [cost(load_network(str(folder / "family" / f"phi-{i}.yaml")).architecture).macs for i in range(1, 5)]
    assert sizes == sorted(sizes, reverse=True)
    assert "How should tiny shrink to 0.5x of its compute?" in (folder / "report.md").read_text(encoding="utf-8")
    facts = json.loads(scalesearch("verify", f"results/{folder.name}", "--json", cwd=small).stdout)
    assert facts["agrees"]
    assert json.loads(scalesearch("show", f"results/{folder.name}", "--json", cwd=small).stdout)["phi"] == -1
    again = scalesearch(*words, cwd=small)
    assert "trials are done" in again.stdout


def test_rules_are_compared_above_and_below_the_baseline(small: Path) -> None:
    words = ("compare", "--baseline", "tiny", "--times", "2", "--times", "0.5", "--seeds", "1")
    done = scalesearch(*words, "--budget", "least.yaml", "--runner", "inline", cwd=small)
    assert done.returncode == 0, done.stderr
    names = sorted(path.name.split("-")[2] for path in (small / "results").iterdir())
    assert names == ["0.5x", "2x"]
    (curves,) = small.glob("results/*/curves.csv")
    rows = [line.split(",")[:2] for line in curves.read_text(encoding="utf-8").splitlines()[1:]]
    assert ["compound", "0.5"] in rows
    assert ["compound", "2"] in rows


def test_a_python_function_is_not_shrunk(small: Path) -> None:
    (small / "own.py").write_text(
        "import torch\n\n\ndef network(depth: float, width: float, resolution: int = 8):\n"
        "    return torch.nn.Sequential(torch.nn.Conv2d(3, max(1, round(8 * width)), 3), torch.nn.Flatten())\n"
    )
    done = scalesearch("grid", "--baseline", "own:network", "--phi", "-1", "--plan", cwd=small)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "scalesearch: --phi -1: a Python function is scaled at φ above 0 only; write it as a baseline file\n"
    )
