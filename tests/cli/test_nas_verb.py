"""`scalesearch nas`, whole: the search, its front, its baseline, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
import yaml
from command import scalesearch
from least import LEAST

SMALL = """name: small
source: a test
baseline: tiny
every: {kernel: [3, 5], expansion: [1, 2], layers: [-1, 0]}
"""
NAS = ["nas", "--space", "small.yaml", "--budget", "least.yaml", "--trials", "5", "--data", "digits"]
STUDY = "results/tiny-nas-small-least"


@pytest.fixture(scope="module")
def inline(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one finished search; what it printed is in `printed`."""
    folder = tmp_path_factory.mktemp("nas")
    files(folder)
    done = scalesearch(*NAS, "--runner", "inline", cwd=folder)
    assert done.returncode == 0, done.stderr
    (folder / "printed").write_text(done.stdout)
    return folder


def files(folder: Path) -> None:
    (folder / "small.yaml").write_text(SMALL)
    (folder / "least.yaml").write_text(LEAST)


def test_it_ends_with_a_front_and_a_baseline(inline: Path) -> None:
    own = yaml.safe_load((inline / STUDY / "winner.yaml").read_text())
    printed = (inline / "printed").read_text()
    assert "small over tiny, ACC·(FLOPS/T)^-0.07, budget least, digits" in printed
    assert f"Winner: {own['network']} (" in printed
    assert "Searched: space small over tiny (512 points) by regularised evolution" in printed
    assert f"scale it: scalesearch grid --baseline {STUDY}/baseline.yaml" in printed
    assert own["sampled"]["points"] == 8**3
    front = pd.read_csv(inline / STUDY / "front.csv")
    assert list(front["label"]) == own["front"]
    assert list(front["accuracy"]) == sorted(front["accuracy"], reverse=True)
    counted = scalesearch("cost", f"{STUDY}/baseline.yaml", cwd=inline)
    assert counted.returncode == 0, counted.stderr


def test_show_and_verify_read_it_and_trust_is_for_grids(inline: Path) -> None:
    shown = scalesearch("show", STUDY, cwd=inline)
    assert shown.returncode == 0, shown.stderr
    *tail, report = (inline / "printed").read_text().splitlines()[-6:]
    assert [line for line in tail if line not in shown.stdout] == []
    assert report == f"Report: {STUDY}/report.html"
    verified = scalesearch("verify", STUDY, cwd=inline)
    assert "all as written" in verified.stdout
    refused = scalesearch("validate-proxy", STUDY, cwd=inline)
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert "was searched by a sampler; validate-proxy is for a search by grid" in refused.stderr


@pytest.mark.slow
def test_ray_suggests_the_same_networks_and_measures_the_same_numbers(inline: Path, tmp_path: Path) -> None:
    files(tmp_path)
    done = scalesearch(*NAS, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    for name in ("winner.yaml", "front.csv", "baseline.yaml"):
        assert (tmp_path / STUDY / name).read_text() == (inline / STUDY / name).read_text()


@pytest.mark.slow
@pytest.mark.parametrize("reward", [["latency", "--hard"], ["step"]], ids=["latency", "step"])
def test_measured_rewards(reward: list[str], tmp_path: Path) -> None:
    files(tmp_path)
    words = [*NAS, "--reward", *reward, "--sampler", "nsga2", "--runner", "inline"]
    done = scalesearch(*words, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    front = pd.read_csv(tmp_path / STUDY / "front.csv")
    what = {"latency": "latency_seconds", "step": "step_seconds"}[reward[0]]
    assert (front[what] > 0).all()
    shown = scalesearch("show", STUDY, cwd=tmp_path)
    assert f"Front of accuracy, {reward[0]}" in shown.stdout


@pytest.mark.slow
def test_nas_then_grid_then_family(tmp_path: Path) -> None:
    """The three commands of docs/nas.md, with next to no training."""
    files(tmp_path)
    assert scalesearch(*NAS, "--runner", "inline", cwd=tmp_path).returncode == 0
    baseline = f"{STUDY}/baseline.yaml"
    here = ["--data", "digits", "--runner", "inline"]
    done = scalesearch("grid", "--baseline", baseline, "--budget", "least.yaml", *here, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    found = yaml.safe_load((tmp_path / "results/tiny-nas-small-least-phi1-least/winner.yaml").read_text())
    words = [str(found[name]) for name in ("alpha", "beta", "gamma")]
    done = scalesearch("family", baseline, "--coefficients", *words, "--out", "family", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "family" / "phi7.yaml").is_file()


@pytest.mark.slow
def test_the_plan_trains_nothing(tmp_path: Path) -> None:
    files(tmp_path)
    done = scalesearch(*NAS, "--plan", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "it may train networks such as these" in done.stdout
    assert "nothing was trained" in done.stdout
    assert not (tmp_path / STUDY).exists()


REFUSED = {
    "space": (["--space", "b0"], "--space 'b0': is none of efficientnet_v2, mnasnet"),
    "no file": (["--space", "none.yaml"], "none.yaml: does not exist"),
    "bad file": (["--space", "bad.yaml"], "bad.yaml:4: every.kernel: kernel has 4, but each must be odd"),
    "sampler": (["--sampler", "luck"], "--sampler 'luck': must be one of random, tpe, evolution, nsga2"),
    "reward": (["--reward", "beauty"], "--reward 'beauty': must be one of flops, latency, step"),
    "step": (["--reward", "step", "--target", "5ms"], "--reward step: weighs a step against the baseline's"),
    "target": (["--target", "5ms"], "--target '5ms': is a time, but the reward is of FLOPs; add --reward"),
    "unit": (["--target", "5q"], "--target '5q': must be a number with one of k"),
    "time": (["--reward", "latency", "--target", "5M"], "--target '5M': must be a number with one of us"),
    "scheduler": (["--scheduler", "curves"], "--scheduler 'curves': must be one of halving, full"),
    "limit": (["--max-flops", "1k"], "gives a network within the limits; take larger limits or another --space"),
    "factory": (["--baseline", "mine:net"], "--baseline: is for baseline files here, whose stages are searched"),
    "kinds": (["--baseline", "resnet50", "--space", "small.yaml"], "stage: kind is bottleneck, which cannot be"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_bad_input_is_one_line(name: str, tmp_path: Path) -> None:
    files(tmp_path)
    (tmp_path / "bad.yaml").write_text(SMALL.replace("[3, 5]", "[3, 4]"))
    words, expected = REFUSED[name]
    done = scalesearch("nas", "--budget", "smoke", *words, cwd=tmp_path)
    assert done.returncode == 2
    assert expected in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "results").exists()
