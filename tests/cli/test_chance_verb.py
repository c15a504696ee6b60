"""A real search that learns nothing on its first rungs eliminates nobody there, and says so everywhere."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command import scalesearch

HOPELESS = "name: hopeless\nextends: smoke\nrecipe: {learning_rate: 1e-6}\n"
WORDS = "Nobody eliminated after 192 images: the best of 6 networks, 0."


@pytest.mark.slow  # trains
def test_nobody_is_eliminated_by_chance(tmp_path: Path) -> None:
    (tmp_path / "hopeless.yaml").write_text(HOPELESS)
    words = ("grid", "--baseline", "tiny", "--budget", "hopeless.yaml", "--name", "s", "--runner", "inline")
    done = scalesearch(*words, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    study = tmp_path / "results" / "s"
    assert WORDS in done.stdout
    assert "Eliminated after 192 images" not in done.stdout
    assert WORDS in scalesearch("show", "results/s", cwd=tmp_path).stdout
    for file in ("report.html", "report.md"):
        assert WORDS in (study / file).read_text("utf-8")
    assert json.loads((study / "study.json").read_text())["question"]["prolongs"] is True
    assert scalesearch("verify", "results/s", cwd=tmp_path).returncode == 0
    assert "trials are done" in scalesearch(*words, cwd=tmp_path).stdout
