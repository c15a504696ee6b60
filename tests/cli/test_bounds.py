"""Numbers without end are refused at once, with the bound and its reason: nothing grows until memory is gone."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from command import scalesearch
from least import LEAST

HUGE = "99999999999"
BUDGET = LEAST.replace("recipe:", "rungs: 2\nrecipe:")
OPTIONS = [
    ("grid", "--baseline", "tiny", "--seeds", HUGE, "--plan"),
    ("grid", "--baseline", "tiny", "--phi", HUGE, "--plan"),
    ("grid", "--baseline", "tiny", "--step", "0.0000000001", "--plan"),
    ("grid", "--baseline", "tiny", "--max-megapixels", HUGE, "--plan"),
    ("compare", "--baseline", "tiny", "--times", HUGE, "--plan"),
    ("compare", "--baseline", "tiny", "--times", "2", "--seeds", HUGE, "--plan"),
    ("nas", "--space", "mnasnet", "--baseline", "tiny", "--seeds", HUGE, "--plan"),
    ("nas", "--space", "mnasnet", "--baseline", "tiny", "--candidates", HUGE, "--plan"),
    ("train", "tiny", "--epochs", HUGE),
    ("train", "tiny", "--batch", HUGE),
    ("cost", "tiny", "--batch", HUGE),
    ("cost", "tiny", "--depth", HUGE),
    ("latency", "tiny", "--runs", HUGE),
    ("latency", "tiny", "--batch", HUGE),
    ("verify", ".", "--rerun", f"-{HUGE}"),
]


@pytest.mark.parametrize("words", OPTIONS, ids=lambda words: " ".join(words[:1] + words[-3:]))
def test_options_have_bounds(words: tuple[str, ...], tmp_path: Path) -> None:
    began = time.monotonic()
    done = scalesearch(*words, cwd=tmp_path, timeout=60)
    assert done.returncode == 2, done.stdout
    assert len(done.stderr.splitlines()) == 1
    assert time.monotonic() - began < 20
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("train b0 --batch 0", "--batch 0: must be at least 1; see scalesearch train --help"),
        ("dashboard --port 70000", "--port 70000: must be at most 65535; see scalesearch dashboard --help"),
        ("grid --seeds 1.5", "--seeds 1.5: must be a whole number; see scalesearch grid --help"),
    ],
)
def test_a_value_that_is_refused_is_said_with_its_bound(words: str, said: str, tmp_path: Path) -> None:
    done = scalesearch(*words.split(), cwd=tmp_path)
    assert (done.returncode, done.stderr) == (2, f"scalesearch: {said}\n")


@pytest.mark.parametrize(
    ("line", "value"),
    [(line, HUGE) for line in BUDGET.splitlines()[3:9]] + [("recipe", "epochs"), ("recipe", "batch")],
)
def test_budget_files_have_bounds(line: str, value: str, tmp_path: Path) -> None:
    text = BUDGET.replace(f"{value}: ", f"{value}: {HUGE}") if line == "recipe" else None
    key = line.split(":")[0]
    text = text or BUDGET.replace(line, f"{key}: {HUGE}")
    (tmp_path / "mine.yaml").write_text(text)
    done = scalesearch("grid", "--baseline", "tiny", "--budget", "mine.yaml", "--plan", cwd=tmp_path, timeout=60)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("scalesearch: mine.yaml:")
    assert "…" in done.stderr
