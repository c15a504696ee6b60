"""A user's own Python function as a baseline: searched, resumed, shown without the function."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from command import scalesearch

HERE = Path(__file__).parents[1] / "helpers"
FACTORY = "factories:build"


def search(folder: Path, *more: str) -> str:
    done = scalesearch(
        *("grid", "--baseline", FACTORY, "--budget", "smoke", "--data", "digits", "--runner", "inline", *more),
        cwd=folder,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_a_function_is_searched_and_the_study_stands_without_it(tmp_path: Path) -> None:
    shutil.copy(HERE / "factories.py", tmp_path)
    out = search(tmp_path)
    assert "Recommended: α = " in out
    study = tmp_path / "results" / "factories-build-phi1-smoke"
    assert len(list((study / "trials").glob("*.json"))) == 14
    names = {f"phi{phi}.yaml" for phi in range(1, 8)}
    assert {path.name for path in (study / "family").iterdir()} == names | {"costs.csv"}
    costs = pd.read_csv(study / "family" / "costs.csv")
    own = yaml.safe_load((study / "winner.yaml").read_text())
    assert list(costs["member"]) == [f"phi{phi}" for phi in range(1, 8)]
    assert costs["flops_ratio"][0] == pytest.approx(own["flops_ratio"], rel=0.05)
    assert (costs["flops_ratio"] / 2.0 ** np.arange(1, 8)).between(0.5, 2).all()
    first = json.loads(next((study / "trials").glob("*.json")).read_text())
    assert first["spec"]["network"]["factory"] == FACTORY
    assert "14/14 trials are done" in search(tmp_path)
    (tmp_path / "factories.py").write_text((HERE / "factories.py").read_text() + "\n# changed\n")
    again = scalesearch(
        *("grid", "--baseline", FACTORY, "--budget", "smoke", "--data", "digits", "--runner", "inline"),
        cwd=tmp_path,
    )
    assert again.returncode == 2
    assert "holds a study with another configuration (baseline.fingerprint" in again.stderr
    (tmp_path / "factories.py").unlink()
    shown = scalesearch("show", str(study), cwd=tmp_path)
    assert shown.returncode == 0, shown.stderr
    assert "factories-build" in shown.stdout
    assert scalesearch("verify", str(study), cwd=tmp_path).returncode == 0


@pytest.mark.slow
def test_rules_of_a_function_are_compared_and_the_study_stands_without_it(tmp_path: Path) -> None:
    """Width alone, 16 channels in steps of 2, has no network of twice the cost: 22 give 1.87, 24 give 2.22."""
    shutil.copy(HERE / "factories.py", tmp_path)
    words = (
        *("compare", "--baseline", FACTORY, "--times", "2", "--budget", "smoke", "--seeds", "1"),
        *("--runner", "inline", "--data", "digits"),
    )
    done = scalesearch(*words, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Not compared: width costs 1.872x at 40 px, more than 5 % from the target" in done.stdout
    study = tmp_path / "results" / "factories-build-compare-2x-smoke"
    baseline = json.loads((study / "study.json").read_text())["question"]["baseline"]
    base = baseline["base"]["network"]["macs"]
    assert base == counts(5, 16, 40)[0]
    networks = {
        rule: entry["network"]
        for rule, entry in zip(
            ("depth", "width", "resolution", "compound", "fast", "lacs-gpu", "lacs-tpu"),
            baseline["entries"],
            strict=True,
        )
    }
    for rule, network in networks.items():
        blocks, channels = round(5 * float(network["depth"])), 2 * round(8 * float(network["width"]))
        assert network["macs"] == counts(blocks, channels, network["resolution"])[0]
        assert (abs(network["macs"] / base / 2 - 1) <= 0.05) == (rule != "width"), rule
    compound = networks["compound"]
    assert (compound["depth"], compound["width"], compound["resolution"]) == ("1.2", "1.1", 46)
    # The baseline and six rules, of which lacs-tpu makes the network of compound.
    assert len(list((study / "trials").glob("*.json"))) == 6
    again = scalesearch(*words, cwd=tmp_path)
    assert "6/6 trials are done" in again.stdout
    (tmp_path / "factories.py").unlink()
    for command in ("show", "verify", "report"):
        without = scalesearch(command, str(study), cwd=tmp_path)
        assert without.returncode == 0, without.stderr
    assert "compound = lacs-tpu" in scalesearch("show", str(study), cwd=tmp_path).stdout


@pytest.mark.slow
def test_the_proxy_of_a_function_is_validated(tmp_path: Path) -> None:
    """The candidates' networks stay, and the proxies of the larger budget have 1.4 times the side."""
    shutil.copy(HERE / "factories.py", tmp_path)
    search(tmp_path, "--step", "0.2", "--tolerance", "0.2")
    study = tmp_path / "results" / "factories-build-phi1-smoke"
    words = ("validate-proxy", str(study), "--seeds", "1", "--runner", "inline")
    done = scalesearch(*words, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "larger (6 networks, 1 seed): Kendall τ" in done.stdout
    paths = (study, study / "trust" / "longer", study / "trust" / "larger")
    own, longer, larger = (json.loads((path / "study.json").read_text())["question"]["baseline"] for path in paths)
    assert own == longer
    for entry, other in zip(own["entries"], larger["entries"], strict=True):
        assert other["network"] == entry["network"]
        assert other["proxy"]["resolution"] == pytest.approx(1.4 * entry["proxy"]["resolution"], abs=1)
    (tmp_path / "factories.py").write_text((HERE / "factories.py").read_text() + "\n# changed\n")
    changed = scalesearch(*words, cwd=tmp_path)
    assert (changed.returncode, changed.stderr.count("\n")) == (2, 1)
    assert "factories:build: its source has changed since the search; restore it" in changed.stderr


@pytest.mark.slow
def test_the_recommendation_for_a_function_is_tested_at_another_phi(tmp_path: Path) -> None:
    shutil.copy(HERE / "factories.py", tmp_path)
    out = search(tmp_path, "--transfer-phi", "2", "--step", "0.2", "--tolerance", "0.2")
    assert "At φ = 2: " in out
    (study,) = (tmp_path / "results").glob("*-check-phi2")
    assert len(list((study / "trials").glob("*.json"))) >= 4
    done = scalesearch("verify", str(study), cwd=tmp_path)
    assert done.returncode == 0, done.stderr


def test_too_few_logits_are_refused_before_training(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        (HERE / "factories.py").read_text().replace("nn.Linear(channels, 11)", "nn.Linear(channels, 9)")
    )
    words = ("grid", "--baseline", "mine:build", "--budget", "smoke", "--data", "digits", "--runner", "inline")
    done = scalesearch(*words, "--step", "0.5", "--tolerance", "0.3", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("scalesearch: baseline mine-build: gives 9 logits, but the data have 10 classes")
    assert not (tmp_path / "results" / "mine-build-phi1-smoke").exists()


@pytest.mark.slow
def test_ray_trains_a_function_alike(tmp_path: Path) -> None:
    shutil.copy(HERE / "factories.py", tmp_path)
    search(tmp_path, "--name", "here")
    done = scalesearch(
        *("grid", "--baseline", FACTORY, "--budget", "smoke", "--data", "digits", "--name", "ray"), cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    folders = [tmp_path / "results" / name / "trials" for name in ("here", "ray")]
    one, other = (
        {path.name: json.loads(path.read_text())["outcome"]["epochs"][-1]["val_accuracy"] for path in at.iterdir()}
        for at in folders
    )
    assert one == other


def test_a_function_is_counted(tmp_path: Path) -> None:
    shutil.copy(HERE / "factories.py", tmp_path)
    words = ("cost", FACTORY, "--depth", "1.4", "--width", "1.5", "--resolution", "51")
    facts = json.loads(scalesearch(*words, "--json", cwd=tmp_path).stdout)
    assert (facts["name"], facts["resolution"], facts["depth"], facts["width"]) == (FACTORY, 51, 1.4, 1.5)
    assert facts["macs"] == 26**2 * (27 * 24 + 7 * 9 * 24**2) + 11 * 24
    base = 20**2 * (27 * 16 + 5 * 9 * 16**2) + 11 * 16
    assert facts["flops_ratio"] == pytest.approx(facts["macs"] / base, abs=1e-6)
    assert facts["nominal_flops_ratio"] == pytest.approx(1.4 * 1.5**2 * (51 / 40) ** 2, abs=1e-6)
    assert "at 51 px" in scalesearch(*words, cwd=tmp_path).stdout
    done = scalesearch("cost", FACTORY, "--breakdown", cwd=tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)


def counts(depth: int, channels: int, px: int) -> tuple[int, int]:
    """Multiply-adds and parameters of `factories.build`, in closed form: stem, blocks with norms, classifier."""
    side = (px + 1) // 2
    macs = side**2 * (27 * channels + depth * 9 * channels**2) + 11 * channels
    params = 28 * channels + depth * (9 * channels**2 + channels + 2 * channels) + 11 * (channels + 1)
    return macs, params


def test_files_of_a_functions_family_are_read_back(tmp_path: Path) -> None:
    """Depth, width and side of the members differ from one another: 6 blocks, 18 channels, 46 px at φ = 1."""
    shutil.copy(HERE / "factories.py", tmp_path)
    words = (
        "family",
        FACTORY,
        "--coefficients",
        "1.2",
        "1.1",
        "1.15",
        "--phi",
        "1",
        "--phi",
        "2",
        "--out",
        "family",
    )
    done = scalesearch(*words, "--match", "none", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    assert facts["files"] == [f"family/{name}.yaml" for name in ("factories-build", "phi1", "phi2")]
    for member, (blocks, channels, px) in zip(
        facts["members"], ((5, 16, 40), (6, 18, 46), (7, 20, 53)), strict=True
    ):
        assert (member["px"], member["macs"], member["params"]) == (px, *counts(blocks, channels, px))
        cost = json.loads(scalesearch("cost", f"family/{member['name']}.yaml", "--json", cwd=tmp_path).stdout)
        assert (cost["resolution"], cost["macs"], cost["params"]) == (px, *counts(blocks, channels, px))
    scaled = scalesearch("cost", "family/phi1.yaml", "--width", "2", "--json", cwd=tmp_path)
    assert json.loads(scaled.stdout)["macs"] == counts(6, 36, 46)[0]


def test_members_of_a_function_cost_what_their_phi_says(tmp_path: Path) -> None:
    shutil.copy(HERE / "factories.py", tmp_path)
    words = ("family", FACTORY, "--coefficients", "1.2", "1.1", "1.15", "--phi", "1", "--times", "3")
    assert "give one of them" in scalesearch(*words, cwd=tmp_path).stderr
    done = scalesearch(*words[:-4], "--times", "2", "--times", "3", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "factories-build-2x" in done.stdout
    assert "!" not in done.stdout.split("px/base")[1].splitlines()[3]


def test_smaller_members_of_a_function_cost_what_their_phi_says(tmp_path: Path) -> None:
    shutil.copy(HERE / "factories.py", tmp_path)
    words = ("family", FACTORY, "--coefficients", "1.1", "1.1", "1.3", "--phi", "-1", "--phi", "-2", "--json")
    done = scalesearch(*words, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    members = json.loads(done.stdout)["members"]
    assert [member["phi"] for member in members] == [0, -2, -1]
    for member in members:
        blocks, channels = max(1, round(5 * member["depth"])), max(2, 2 * round(8 * member["width"]))
        assert member["macs"] == counts(blocks, channels, member["px"])[0]
        every = [counts(blocks, channels, px)[0] / counts(5, 16, 40)[0] for px in range(1, 41)]
        target = 2 ** member["phi"]
        assert abs(member["flops_ratio"] - target) == pytest.approx(
            min(abs(one - target) for one in every), abs=1e-5
        )


def test_sides_of_a_function_are_multiples(tmp_path: Path) -> None:
    shutil.copy(HERE / "factories.py", tmp_path)
    multiple = ("--resolution-multiple", "8", "--json")
    words = ("family", FACTORY, "--coefficients", "1.2", "1.1", "1.15", "--phi", "-1", "--phi", "2", *multiple)
    done = scalesearch(*words, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    for member in json.loads(done.stdout)["members"][1:]:
        sides = range(8, 41, 8) if member["phi"] < 0 else range(40, 121, 8)
        blocks, channels = max(1, round(5 * member["depth"])), max(2, 2 * round(8 * member["width"]))
        target = counts(5, 16, 40)[0] * 2 ** member["phi"]
        assert member["px"] == min(sides, key=lambda px: abs(counts(blocks, channels, px)[0] - target))
    done = scalesearch("solve", FACTORY, "--max-flops", "2x", *multiple, cwd=tmp_path)
    assert json.loads(done.stdout)["px"] % 8 == 0


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("--published",), "are for networks of stages"),
        (("--coefficients", "1.2", "1.1", "1.15", "--rounding", "nearest"), "are for networks of stages"),
    ],
)
def test_a_family_that_a_function_cannot_have(words: tuple[str, ...], reason: str, tmp_path: Path) -> None:
    shutil.copy(HERE / "factories.py", tmp_path)
    done = scalesearch("family", FACTORY, *words, cwd=tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert reason in done.stderr


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("--rounding", "nearest"), "--rounding nearest: factories:build is a function, which rounds by itself"),
        (("--cost", "latency"), "--cost latency: is for baseline files, not for a Python function"),
        (("--sampler", "tpe"), "take --sampler grid, with a smaller --step"),
    ],
)
def test_a_search_that_a_function_cannot_have(words: tuple[str, ...], reason: str, tmp_path: Path) -> None:
    shutil.copy(HERE / "factories.py", tmp_path)
    done = scalesearch("grid", "--baseline", FACTORY, *words, "--budget", "smoke", "--plan", cwd=tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert reason in done.stderr


BROKEN = """from torch import nn


class Late(nn.Module):
    def __init__(self):
        super().__init__()
        self.out = nn.Linear(3, 10)

    def forward(self, images):
        features = images.mean((2, 3))
        return self.out(features[:, :2])


def build(depth=1.0, width=1.0, resolution=8):
    return helper() if depth > 1 else Late()


def helper():
    raise ValueError("no depth above 1")
"""


def test_an_error_of_the_function_names_its_line(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text(BROKEN)
    done = scalesearch("cost", "broken:build", cwd=tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "fails on an image of 8 px (RuntimeError: mat1 and mat2 shapes cannot be multiplied" in done.stderr
    assert done.stderr.endswith(" at broken.py:11)\n")
    again = scalesearch("--debug", "cost", "broken:build", cwd=tmp_path)
    assert again.returncode == 2
    assert "Traceback" in again.stderr
    assert 'broken.py", line 11, in forward' in again.stderr
    assert again.stderr.endswith(done.stderr)


def test_an_error_in_a_helper_names_the_helper(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text(BROKEN.replace("depth > 1", "True"))
    done = scalesearch("cost", "broken:build", cwd=tmp_path)
    assert done.stderr.endswith("fails (ValueError: no depth above 1 at broken.py:19)\n")
