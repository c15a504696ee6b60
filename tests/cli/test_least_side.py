"""A function that takes no images below some px is scaled down as far as that, and errors say what to do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command import scalesearch

FUNCTION = """
from torch import nn

def build(depth=1.0, width=1.0, resolution=40):
    channels, layers = max(2, round(8 * width)), max(1, round(2 * depth))
    smaller = [nn.Conv2d(3 if i == 0 else channels, channels, 3, stride=2) for i in range(3)]
    deeper = [nn.Conv2d(channels, channels, 3, padding=1) for _ in range(layers)]
    return nn.Sequential(*smaller, *deeper, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 10))
"""
LEAST_PX = 15
"""Three convolutions of 3 x 3 and stride 2 without padding leave one place of 15 px, and none of 14."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "narrow.py").write_text(FUNCTION)
    return tmp_path


def test_a_family_ends_at_the_least_side(folder: Path) -> None:
    words = ["family", "narrow:build", "--coefficients", "1", "1", "1.45", "--phi", "-4", "--json"]
    done = scalesearch(*words, cwd=folder)
    assert done.returncode == 0, done.stderr
    members = {member["name"]: member["px"] for member in json.loads(done.stdout)["members"]}
    assert members["phi-4"] == LEAST_PX


def test_the_largest_member_within_a_limit_is_found_above_the_least_side(folder: Path) -> None:
    words = ["solve", "narrow:build", "--coefficients", "1", "1", "1.45", "--json"]
    done = scalesearch(*words, "--max-flops", "0.2x", cwd=folder)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert LEAST_PX <= found["px"] < 40
    assert found["macs"] <= found["limits"][0]["at_most"]
    none = scalesearch(*words, "--max-flops", "0.001x", cwd=folder)
    assert none.returncode == 2
    assert "nothing in the family fits" in none.stderr
    assert len(none.stderr.splitlines()) == 1


@pytest.mark.parametrize("command", [["grid", "--phi", "-2"], ["compare", "--times", "0.25"]])
def test_searches_leave_out_what_is_too_small(command: list[str], folder: Path) -> None:
    (folder / "at40.yaml").write_text("name: at40\nextends: smoke\nresolution: 40\nwidth_divisor: 1\n")
    words = ["--baseline", "narrow:build", "--budget", "at40.yaml", "--data", "digits", "--plan"]
    done = scalesearch(*command, *words, cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "0.25x the multiply-adds" in done.stdout


def test_a_proxy_that_is_too_small_says_what_to_do(folder: Path) -> None:
    (folder / "at16.yaml").write_text("name: at16\nextends: smoke\nresolution: 16\nwidth_divisor: 1\n")
    words = ["--baseline", "narrow:build", "--budget", "at16.yaml", "--data", "digits", "--plan"]
    done = scalesearch("grid", "--phi", "-2", *words, cwd=folder)
    assert (done.returncode, done.stdout) == (2, "")
    assert "fails on an image of" in done.stderr
    assert done.stderr.endswith(
        "; it is the proxy of a smaller network: give the budget a larger resolution than 16\n"
    )
    assert len(done.stderr.splitlines()) == 1


def test_a_member_of_the_family_is_no_baseline(folder: Path) -> None:
    made = scalesearch(
        *["family", "narrow:build", "--coefficients", "1.2", "1.1", "1.15", "--phi", "1", "--out", "family"],
        cwd=folder,
    )
    assert made.returncode == 0, made.stderr
    for command in ("grid", "compare"):
        done = scalesearch(command, "--baseline", "family/phi1.yaml", "--plan", cwd=folder)
        assert done.returncode == 2
        assert done.stderr == (
            "scalesearch: family/phi1.yaml: is a scaled call of narrow:build, and a search scales the function "
            "itself; give --baseline narrow:build\n"
        )


def test_times_is_another_way_to_say_phi() -> None:
    words = ["grid", "--baseline", "tiny", "--budget", "smoke", "--data", "digits", "--plan"]
    by_phi = scalesearch(*words, "--phi", "-2").stdout.splitlines()
    by_times = scalesearch(*words, "--times", "0.25").stdout.splitlines()
    assert by_phi[:-1] == by_times[:-1]  # the last line is the time, which is measured
    assert "0.25x the multiply-adds" in by_phi[0]
    both = scalesearch(*words, "--phi", "1", "--times", "2")
    assert (both.returncode, both.stderr) == (
        2, "scalesearch: --times 2: --phi 1 gives the target cost too; leave one out\n",
    )  # fmt: skip
    wrong = scalesearch(*words, "--times", "1")
    assert wrong.stderr.startswith("scalesearch: --times 1: must be in 0.0625 … 1024")
