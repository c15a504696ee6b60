"""`compare` as a person runs it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command import scalesearch

SMOKE = ("compare", "--baseline", "tiny", "--times", "4", "--budget", "smoke", "--seeds", "1", "--data", "digits")


@pytest.mark.slow
def test_rules_are_compared_resumed_and_shown(tmp_path: Path) -> None:
    done = scalesearch(*SMOKE, "--runner", "inline", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    study = tmp_path / "results" / "tiny-compare-4x-smoke"
    assert len(list((study / "trials").iterdir())) == 6
    for name in ("depth", "width", "resolution", "compound", "fast"):
        assert f" {name} " in done.stdout
    assert "Best: " in done.stdout
    assert "Over the baseline's " in done.stdout
    assert "Family" not in done.stdout
    assert not any((study / "family").glob("*"))
    asked = json.loads((study / "study.json").read_text())["question"]
    assert [one["name"] for one in asked["rivals"]] == ["depth", "width", "resolution", "compound", "fast"]
    again = scalesearch(*SMOKE, "--runner", "inline", cwd=tmp_path)
    assert "6/6 trials are done" in again.stdout
    shown = scalesearch("show", str(study), cwd=tmp_path)
    assert shown.stdout.splitlines()[-1] == done.stdout.splitlines()[-1]
    assert scalesearch("verify", str(study), cwd=tmp_path).returncode == 0
    winner = scalesearch(*SMOKE, "--winner", str(study / "winner.yaml"), "--name", "more", "--plan", cwd=tmp_path)
    assert winner.returncode == 0, winner.stderr
    assert "  found " in winner.stdout


def test_what_cannot_be_compared_is_said_in_a_line(tmp_path: Path) -> None:
    (tmp_path / "empty.yaml").write_text("alpha: 1.2\n")
    for words, reason in (
        (("--times", "1"), "--times 1: must be above 1 and at most 1024"),
        (("--baseline", "a.b:c"), "is a Python function, but rules are compared on baseline files only"),
        (("--winner", "empty.yaml"), "--winner empty.yaml: has no alpha, beta and gamma"),
        (("--winner", "absent.yaml"), "absent.yaml"),
    ):
        done = scalesearch("compare", *words, cwd=tmp_path)
        assert done.returncode == 2
        assert reason in done.stderr
        assert done.stderr.count("\n") == 1
