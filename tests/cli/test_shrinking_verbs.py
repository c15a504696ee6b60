"""`grid --phi -1` and `compare --times 0.5`, whole, on the tiny baseline."""

from __future__ import annotations

import json
import shutil
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


@pytest.mark.slow
def test_a_python_function_is_shrunk(small: Path) -> None:
    """Neither depth, width nor side is above the function's own, and the family falls from half the cost."""
    shutil.copy(Path(__file__).parents[1] / "helpers" / "factories.py", small)
    words = ("--baseline", "factories:build", "--budget", "smoke", "--data", "digits", "--runner", "inline")
    done = scalesearch("grid", *words, "--phi", "-1", cwd=small)
    assert done.returncode == 0, done.stderr
    study = small / "results" / "factories-build-phi-1-smoke"
    entries = json.loads((study / "study.json").read_text())["question"]["baseline"]["entries"]
    networks = [entry["network"] for entry in entries]
    assert all(float(network["depth"]) <= 1 >= float(network["width"]) for network in networks)
    assert all(network["resolution"] <= 40 for network in networks)
    assert {path.stem for path in (study / "family").iterdir()} == {"phi-1", "phi-2", "phi-3", "phi-4", "costs"}
    ratios = [float(row.split(",")[5]) for row in (study / "family" / "costs.csv").read_text().splitlines()[1:]]
    assert ratios == sorted(ratios, reverse=True)
    assert ratios[0] == pytest.approx(0.5, rel=0.15)
    assert scalesearch("verify", str(study), cwd=small).returncode == 0
    done = scalesearch("compare", *words, "--times", "0.5", "--seeds", "1", cwd=small)
    assert done.returncode == 0, done.stderr
