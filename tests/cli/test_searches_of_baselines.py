"""Smoke searches of networks of other blocks: RegNetY, MobileNetV3 and ConvNeXt are searched as B0 is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command import scalesearch


@pytest.mark.slow
@pytest.mark.parametrize("baseline", ["regnety_400mf", "mobilenet_v3_small", "convnext_atto"])
def test_a_baseline_is_searched_and_its_study_verified(baseline: str, tmp_path: Path) -> None:
    words = ("grid", "--baseline", baseline, "--budget", "smoke", "--data", "digits", "--runner", "inline")
    done = scalesearch(*words, cwd=tmp_path, timeout=1800)
    assert done.returncode == 0, done.stderr
    assert "Recommended: α = " in done.stdout
    study = tmp_path / "results" / f"{baseline}-phi1-smoke"
    trials = [json.loads(path.read_text()) for path in (study / "trials").glob("*.json")]
    assert {trial["outcome"]["state"] for trial in trials} == {"complete"}
    assert max(trial["outcome"]["epochs"][-1]["val_accuracy"] for trial in trials) > 0.5, "chance is 0.1"
    members = {path.stem for path in (study / "family").glob("phi*.yaml")}
    assert members >= {f"phi{phi}" for phi in range(1, 7)}, "φ = 7 of depth alone would be too deep"
    assert scalesearch("verify", str(study), cwd=tmp_path).returncode == 0
