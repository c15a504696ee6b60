"""`scalesearch transfer` as a user meets it."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import torch
from command import scalesearch
from schooled import bright_sides

from scalesearch.cli.search_command import study_folder
from scalesearch.cli.train import train
from scalesearch.cli.transfer import transfer
from scalesearch.design.baseline_file import baseline_text
from scalesearch.design.baselines import load_baseline
from scalesearch.design.coefficients import Multipliers
from scalesearch.design.cost import cost
from scalesearch.nets.convnet import ConvNet
from scalesearch.nets.weights import read_weights, weights_file, weights_of
from scalesearch.training.events import EpochMetrics
from scalesearch.training.job import Job

SMALL = ["--data", "fractal", "--budget", "smoke", "--resolution", "16", "--epochs", "1", "--threads", "1"]
ASKED: dict[str, Any] = {"data": "fractal", "recipe": "fine-tuning", "budget": "smoke", "resolution": 16}


def untrained(path: Path, width: str = "1", name: str = "tiny") -> Path:
    """`tiny`, so many times as wide, for ten classes."""
    definition = load_baseline("tiny").scale(Multipliers(width=Decimal(width)))
    definition = replace(definition, name=name)
    torch.manual_seed(0)
    weights = weights_of(definition, ConvNet(definition.architecture), tuple(map(str, range(10))))
    path.write_bytes(weights_file(weights))
    return path


def test_two_networks_are_fine_tuned_and_compared(tmp_path: Path) -> None:
    for name, width in (("wide", "1"), ("narrow", "0.5")):
        untrained(tmp_path / f"{name}.safetensors", width)
    done = scalesearch("transfer", "a=wide.safetensors", "b=narrow.safetensors", *SMALL, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    rows = {line.split()[1]: line for line in done.stdout.splitlines() if line.startswith("│")}
    assert "1.00x" in rows["a"]
    assert rows["b"].split("│")[-2].strip() == f"{_params(tmp_path, 'a') / _params(tmp_path, 'b'):.2f}x"
    found = read_weights(tmp_path / "results" / "b-on-fractal" / "weights.safetensors")
    assert found.classes == ("fractal 0", "fractal 1", "fractal 2")
    assert found.definition.architecture.resolution == 16


def test_long_names_make_folders_that_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = schooled_nowhere(monkeypatch)
    file = untrained(tmp_path / "a.safetensors", name="long" * 16)
    transfer([str(file)], **{**ASKED, "data": "data" * 20, "scratch": True})
    longest = replace(load_baseline("tiny"), name="long" * 16)
    (tmp_path / "longest.yaml").write_text(baseline_text(longest))
    train(str(tmp_path / "longest.yaml"), **{**ASKED, "fixed": True})
    assert len(seen) == 3
    assert all(study_folder(one.parent, one.name, "") == one for one in seen)
    assert str(seen[1]) == f"{seen[0]}-scratch"


def test_trainings_of_one_network_are_told_apart_by_their_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = schooled_nowhere(monkeypatch)
    files = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        files.append(str(untrained(tmp_path / name / "weights.safetensors")))
    transfer(files, **ASKED)
    assert [one.name for one in seen] == ["one-on-fractal", "two-on-fractal"]


def schooled_nowhere(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The folders of trainings that are asked for, none of which is run."""
    seen: list[Path] = []

    def run_training(asked: Job, where: Path, address: str | None) -> EpochMetrics:
        seen.append(where)
        return EpochMetrics(1, 16, 0, 0, 0, 0.1, 1, 1, 0.5, 1)

    monkeypatch.setattr("scalesearch.training.job.load_data", lambda *_, **__: bright_sides())
    monkeypatch.setattr("scalesearch.cli.training_run.run_training", run_training)
    return seen


def _params(folder: Path, name: str) -> int:
    weights = read_weights(folder / "results" / f"{name}-on-fractal" / "weights.safetensors")
    return cost(weights.definition.architecture).params
