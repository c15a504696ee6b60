"""`scalesearch grid --sampler`, whole, on the tiny baseline; and what it refuses."""

from __future__ import annotations

from pathlib import Path

import optuna
import pandas as pd
import pytest
import yaml
from command import scalesearch
from least import LEAST

SMOKE = ["grid", "--baseline", "tiny", "--budget", "smoke", "--sampler"]
SIX = ["grid", "--baseline", "tiny", "--budget", "six.yaml", "--sampler"]
"""Six networks, hardly trained."""
SIX_BUDGET = LEAST.replace("least", "six") + "candidates: 6\n"


@pytest.fixture(scope="module")
def inline(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one finished search; what it printed is in `printed`."""
    folder = tmp_path_factory.mktemp("sampler")
    (folder / "six.yaml").write_text(SIX_BUDGET)
    done = scalesearch(*SIX, "tpe", "--runner", "inline", "--storage", "sqlite:///s.db", cwd=folder)
    assert done.returncode == 0, done.stderr
    (folder / "printed").write_text(done.stdout)
    return folder


def accuracies(study: Path) -> dict[str, float]:
    table = pd.read_csv(study / "trials.csv")
    return dict(zip(table["trial"], table["accuracy"], strict=True))


def test_the_answer_is_a_grids_and_says_how_it_was_searched(inline: Path) -> None:
    study = inline / "results" / "tiny-phi1-six-tpe"
    own = yaml.safe_load((study / "winner.yaml").read_text())
    printed = (inline / "printed").read_text()
    points = own["sampled"]["suggestions"]
    assert own["sampled"]["sampler"] == "tpe"
    assert "front" not in own
    assert f"Searched: (α, β) by TPE; {points} proposals give {own['rests_on']['candidates']} networks" in printed
    assert (study / "family" / "phi7.yaml").is_file()
    trials = optuna.load_study(study_name=study.name, storage=f"sqlite:///{inline}/s.db").trials
    assert len(trials) == points


def test_show_and_verify_need_no_sampler(inline: Path) -> None:
    study = "results/tiny-phi1-six-tpe"
    shown = scalesearch("show", study, cwd=inline)
    assert shown.returncode == 0, shown.stderr
    printed = (inline / "printed").read_text().splitlines()
    tail = [line for line in printed if line.startswith(("Recommended", "Searched"))]
    assert len(tail) == 2
    assert all(line in shown.stdout for line in tail)
    verified = scalesearch("verify", study, cwd=inline)
    assert verified.returncode == 0, verified.stderr
    assert "all as written" in verified.stdout


@pytest.mark.slow
def test_ray_makes_the_same_suggestions_and_the_same_numbers(inline: Path, tmp_path: Path) -> None:
    (tmp_path / "six.yaml").write_text(SIX_BUDGET)
    done = scalesearch(*SIX, "optuna", "--runner", "ray", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    study = Path("results") / "tiny-phi1-six-tpe"
    assert accuracies(tmp_path / study) == accuracies(inline / study)
    assert (tmp_path / study / "winner.yaml").read_text() == (inline / study / "winner.yaml").read_text()


@pytest.mark.slow
def test_a_second_run_says_that_it_is_done(inline: Path) -> None:
    done = scalesearch(*SIX, "tpe", cwd=inline)
    assert done.returncode == 0, done.stderr
    assert "trials are done; to start anew" in done.stdout


def test_the_plan_names_networks_such_as_it_may_come_to(tmp_path: Path) -> None:
    done = scalesearch(*SMOKE, "gp", "--plan", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "The sampler proposes points during the search" in done.stdout
    assert "nothing was trained" in done.stdout


REFUSED = {
    "annealing": (["annealing"], "--sampler 'annealing': must be one of grid, optuna, tpe, gp, nsga2"),
    "limits of a grid": (["grid", "--max-params", "8M"], "need a sampler; give --sampler tpe"),
    "storage of a grid": (["grid", "--storage", "sqlite:///s.db"], "--storage: needs a sampler"),
    "step": (["tpe", "--step", "0.1"], "--step: needs a grid"),
    "curves": (["tpe", "--scheduler", "curves"], "--scheduler curves: needs a grid"),
    "halving": (["gp", "--scheduler", "halving"], "--scheduler halving: needs a grid"),
    "sequential": (["nsga2", "--scheduler", "sequential"], "--scheduler sequential: needs a grid"),
    "objective": (["tpe", "--objectives", "accuracy,beauty"], "must be different ones of accuracy, flops, latency"),
    "no accuracy": (["nsga2", "--objectives", "macs,latency"], "accuracy among them"),
    "twice": (["nsga2", "--objectives", "accuracy,accuracy"], "must be different ones"),
    "params": (["tpe", "--max-params", "many"], "--max-params 'many': must be a number"),
    "memory": (["tpe", "--max-memory", "8"], "--max-memory '8': must be a number with one of"),
    "too small": (["tpe", "--max-params", "1k"], "gives a network within the limits; take larger limits"),
    "storage": (["tpe", "--storage", "nonsense"], "--storage nonsense: must be a URL"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_bad_input_is_one_line(name: str, tmp_path: Path) -> None:
    words, expected = REFUSED[name]
    done = scalesearch(*SMOKE, *words, cwd=tmp_path)
    assert done.returncode == 2
    assert expected in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "results").exists()
