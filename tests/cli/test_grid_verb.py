"""`scalesearch grid`, whole, on the tiny baseline."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from command import scalesearch, scalesearch_timed
from least import LEAST
from PIL import Image
from sklearn.datasets import load_digits

from scalesearch.design.baseline_file import parse_baseline
from scalesearch.study.study import open_study

SMOKE = ["grid", "--baseline", "tiny", "--budget", "smoke"]


@pytest.fixture(scope="module")
def inline(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one finished inline search; what it printed is in `printed`."""
    folder = tmp_path_factory.mktemp("inline")
    done = scalesearch(*SMOKE, "--runner", "inline", cwd=folder)
    assert done.returncode == 0, done.stderr
    (folder / "printed").write_text(done.stdout)
    return folder


def trials_of(study: Path) -> int:
    """How many a finished study has: more where a rung did not differ from chance, which its processor decides."""
    begun = open_study(study)
    outcomes = begun.outcomes()
    assert begun.plan.is_complete(outcomes)
    return begun.plan.total_trials(outcomes)


def accuracies(study: Path) -> dict[str, float]:
    table = pd.read_csv(study / "trials.csv")
    return dict(zip(table["trial"], table["accuracy"], strict=True))


def test_the_last_lines_say_what_a_person_wants_to_know(inline: Path) -> None:
    *_, winner, accuracy, rests_on, family, _ = (inline / "printed").read_text().splitlines()
    own = yaml.safe_load((inline / "results" / "tiny-phi1-smoke" / "winner.yaml").read_text())
    assert f"α = {own['alpha']:g}, β = {own['beta']:g}, γ = {own['gamma']:g}" in winner
    assert f"{own['product']:.3f}" in winner
    assert f"measured {own['flops_ratio']:.3f}x" in winner
    assert f"{own['accuracy']:.4f} ± {own['standard_error']:.4f}" in accuracy
    assert accuracy.endswith(own["in_words"])
    assert "fractal scenes" in rests_on
    assert "budget smoke" in rests_on
    assert "phi1 … phi7" in family
    assert "results/tiny-phi1-smoke/family" in family


def test_every_trial_was_trained_and_recorded(inline: Path) -> None:
    study = inline / "results" / "tiny-phi1-smoke"
    records = [json.loads(path.read_text()) for path in (study / "trials").iterdir()]
    printed = (inline / "printed").read_text()
    second = 7 if "Nobody eliminated after 192 images" in printed else 4
    third = second if "Nobody eliminated after 384 images" in printed else 3
    assert len(records) == 7 + second + third == trials_of(study)
    assert all(record["outcome"]["state"] == "complete" for record in records)
    # 48 steps of 16 images; 12, 24 and 48 are the rungs, and the last 3.6, 7.2 and 14.4 of them are decays.
    rungs = Counter((record["spec"]["samples"], record["spec"].get("since", 0)) for record in records)
    assert rungs == {(192, 0): 7, (384, 128): second, (768, 272): third}
    assert all(record["outcome"]["epochs"][-1]["samples"] == record["spec"]["samples"] for record in records)
    assert all(record["cost"]["fvcore_total"] > record["cost"]["macs"] for record in records)
    assert len({record["outcome"]["epochs"][-1]["train_loss"] for record in records}) == len(records)
    for path in (study / "family").iterdir():
        parse_baseline(path.read_text(), path.name)


def test_ray_gives_the_same_trials_and_the_same_numbers(tmp_path: Path) -> None:
    """With next to no training; `test_baselines_at_smoke_on_both_runners` has whole budgets."""
    (tmp_path / "six.yaml").write_text(LEAST + "candidates: 6\n")
    words, study = ("grid", "--baseline", "tiny", "--budget", "six.yaml"), tmp_path / "results" / "tiny-phi1-least"
    found = []
    for more in (("--runner", "inline"), ()):
        done = scalesearch(*words, *more, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        found.append((accuracies(study), (study / "winner.yaml").read_text()))
        study.rename(tmp_path / f"kept{len(found)}")
    assert found[0] == found[1]
    assert len(found[0][0]) == trials_of(tmp_path / "kept1") >= 10


def test_a_second_run_says_that_it_is_done(inline: Path) -> None:
    done = scalesearch(*SMOKE, cwd=inline)
    assert done.returncode == 0
    count = trials_of(inline / "results" / "tiny-phi1-smoke")
    assert f"{count}/{count} trials are done; to start anew" in done.stdout


def test_a_run_that_lacks_trials_resumes(inline: Path, tmp_path: Path) -> None:
    study = Path("results") / "tiny-phi1-smoke"
    (tmp_path / study / "trials").mkdir(parents=True)
    (tmp_path / study / "study.json").write_bytes((inline / study / "study.json").read_bytes())
    kept = sorted((inline / study / "trials").iterdir())[:11]
    for path in kept:
        (tmp_path / study / "trials" / path.name).write_bytes(path.read_bytes())
    done = scalesearch(*SMOKE, "--runner", "inline", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert re.search(r"11/1\d done, resuming", done.stdout)
    assert accuracies(tmp_path / study) == accuracies(inline / study)
    assert all((tmp_path / study / "trials" / one.name).read_bytes() == one.read_bytes() for one in kept)


@pytest.mark.slow
def test_activations_are_matched_in_their_place(tmp_path: Path) -> None:
    words = (*SMOKE, "--runner", "inline", "--scheduler", "grid", "--cost", "activations")
    done = scalesearch(*words, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    study = tmp_path / "results" / "tiny-phi1-smoke-activations"
    table = pd.read_csv(study / "trials.csv")
    base, rest = table[table["role"] == "baseline"], table[table["role"] == "candidate"]
    ratios = rest["activations"] / base["activations"].iloc[0]
    assert ratios.between(1.9, 2.1).all()
    assert np.allclose(rest["activations_ratio"], ratios, atol=1e-5)
    assert not rest["flops_ratio"].between(1.9, 2.1).all()
    own = yaml.safe_load((study / "winner.yaml").read_text())
    assert own["rests_on"]["cost"] == json.loads((study / "study.json").read_text())["question"]["cost"]
    assert f", activations {own['activations_ratio']:.3f}x)" in done.stdout
    assert "activ. ratio" in done.stdout
    assert "Matched: activations, within 5 %, not multiply-adds" in done.stdout
    assert "; activations ratio " in (study / "family" / "phi2.yaml").read_text()


@pytest.mark.slow
def test_latency_is_measured_once_and_kept(tmp_path: Path) -> None:
    words = (*SMOKE, "--runner", "inline", "--scheduler", "grid", "--cost", "latency")
    done = scalesearch_timed(*words, cwd=tmp_path)
    assert "Timing 17 networks" in done.stdout
    assert "Matched: latency, within 10 %, not multiply-adds; batch 1, " in done.stdout
    study = tmp_path / "results" / "tiny-phi1-smoke-latency"
    before = (study / "study.json").read_bytes()
    times = json.loads(before)["question"]["timings"]
    assert len(times["entries"]) == 17
    table = pd.read_csv(study / "trials.csv")
    assert table[table["role"] == "candidate"]["latency_ratio"].between(1.8, 2.2).all()
    again = scalesearch(*words, cwd=tmp_path)
    assert again.returncode == 0, again.stderr
    assert "trials are done" in again.stdout
    assert "Timing" not in again.stdout
    assert (study / "study.json").read_bytes() == before
    other = scalesearch(*words, "--step", "0.2", "--name", study.name, cwd=tmp_path)
    assert (other.returncode, other.stderr.count("\n")) == (2, 1)
    assert "budget.step: 0.1 there, 0.2 asked" in other.stderr


def test_the_checkpoints_have_gone_when_it_is_over(inline: Path) -> None:
    names = {path.name for path in (inline / "results" / "tiny-phi1-smoke").iterdir()}
    assert "checkpoints" not in names
    assert {"study.json", "trials", "winner.yaml"} <= names


@pytest.mark.slow  # `test_ends` and `compare` train to the end in the default suite
def test_the_whole_grid_is_one_option_away(inline: Path) -> None:
    done = scalesearch(*SMOKE, "--scheduler", "grid", "--runner", "inline", "--name", "whole", cwd=inline)
    assert done.returncode == 0, done.stderr
    records = [json.loads(path.read_text()) for path in (inline / "results" / "whole" / "trials").iterdir()]
    assert len(records) == 7
    assert all(len(record["outcome"]["epochs"]) == 3 for record in records)
    assert all("samples" not in record["spec"] for record in records)


def test_another_question_under_the_same_name_is_refused(inline: Path) -> None:
    done = scalesearch(*SMOKE, "--name", "tiny-phi1-smoke", "--step", "0.2", cwd=inline)
    assert done.returncode == 2
    assert "budget.step: 0.1 there, 0.2 asked" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_show_and_verify_read_the_study(inline: Path) -> None:
    study = "results/tiny-phi1-smoke"
    shown = scalesearch("show", study, cwd=inline)
    assert shown.returncode == 0
    *_, last, report = (inline / "printed").read_text().splitlines()
    assert shown.stdout.splitlines()[-1] == last
    assert report == f"Report: {study}/report.html"
    for name in ("report.html", "report.md", "report.csv"):
        assert (inline / study / name).stat().st_size > 0
    count = trials_of(inline / study)
    assert f"{count} of {count} records, all as written" in scalesearch("verify", study, cwd=inline).stdout


def test_plan_trains_nothing_and_writes_no_results(tmp_path: Path) -> None:
    done = scalesearch(*SMOKE, "--plan", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    for words in (
        "21 triples are 17 networks",
        "14 trials",
        "multiply-adds",
        "on this machine",
        "nothing was trained",
    ):
        assert words in done.stdout
    assert not (tmp_path / "results").exists()
    assert not list(tmp_path.rglob("*.safetensors")), "no scene is drawn for it"


def test_an_image_folder_of_scans(tmp_path: Path) -> None:
    """Real images through `--data PATH`: scikit-learn's digits, written as files."""
    digits = load_digits()
    for index in range(240):
        folder = tmp_path / "scans" / f"digit{digits.target[index] % 4}"
        folder.mkdir(parents=True, exist_ok=True)
        pixels = (digits.images[index] * 15.9).astype(np.uint8)
        Image.fromarray(pixels).resize((32, 32)).save(folder / f"{index}.png")
    (tmp_path / "six.yaml").write_text(LEAST + "candidates: 6\n")
    words = ("grid", "--baseline", "tiny", "--budget", "six.yaml", "--runner", "inline")
    done = scalesearch(*words, "--data", "scans", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Based on: scans (" in done.stdout
    assert "synthetic" not in done.stdout.splitlines()[-3]


@pytest.mark.slow
@pytest.mark.parametrize("runner", ["inline", "ray"])
@pytest.mark.parametrize("name", ["b0", "mobilenet_v2", "resnet18"])
def test_baselines_at_smoke_on_both_runners(name: str, runner: str, tmp_path: Path) -> None:
    done = scalesearch(
        "grid", "--baseline", name, "--phi", "1", "--budget", "smoke", "--runner", runner, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    found = accuracies(tmp_path / "results" / f"{name}-phi1-smoke")
    assert len(found) == trials_of(tmp_path / "results" / f"{name}-phi1-smoke") >= 14
    kept = tmp_path.parent / f"{name}-smoke.json"
    if kept.exists():
        assert json.loads(kept.read_text()) == found
    kept.write_text(json.dumps(found))


@pytest.mark.slow
def test_the_answer_is_checked_at_another_phi(tmp_path: Path) -> None:
    words = ("grid", "--baseline", "tiny", "--budget", "smoke", "--data", "digits", "--runner", "inline")
    done = scalesearch(*words, "--transfer-phi", "2", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].startswith("At φ = 2: ")
    first, second = (tmp_path / "results" / f"tiny-phi1-smoke{end}" for end in ("", "-check-phi2"))
    asked = json.loads((second / "study.json").read_text())["question"]
    assert asked["phi"] == "2"
    names = [one["name"] for one in asked["rivals"]]
    assert names[-3:] == ["depth", "width", "resolution"]
    assert len(names) == len(set(names)) > 3
    said = done.stdout.splitlines()[-1]
    assert said in scalesearch("show", str(first), cwd=tmp_path).stdout
    assert f"- {said}." in (first / "report.md").read_text().replace("\\", "")
    again = scalesearch(*words, "--transfer-phi", "2", cwd=tmp_path)
    assert again.stdout.splitlines()[-1] == done.stdout.splitlines()[-1]
    assert again.stdout.count("trials are done") == 2


@pytest.mark.parametrize("phi", ["1", "0", "11", "x", "7"])
def test_a_phi_that_checks_nothing_is_refused(phi: str, tmp_path: Path) -> None:
    done = scalesearch("grid", "--baseline", "tiny", "--budget", "smoke", "--transfer-phi", phi, cwd=tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "--transfer-phi" in done.stderr
