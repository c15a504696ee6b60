"""`scalesearch transfer` as a user meets it."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import torch
from command import scalesearch

from scalesearch.design.baselines import load_baseline
from scalesearch.design.coefficients import Multipliers
from scalesearch.design.cost import cost
from scalesearch.nets.convnet import ConvNet
from scalesearch.nets.weights import read_weights, weights_file, weights_of

SMALL = ["--data", "fractal", "--budget", "smoke", "--px", "16", "--epochs", "1", "--threads", "1"]


def untrained(path: Path, width: str = "1") -> Path:
    """`tiny`, so many times as wide, for ten classes."""
    definition = load_baseline("tiny").scale(Multipliers(width=Decimal(width)))
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


def _params(folder: Path, name: str) -> int:
    weights = read_weights(folder / "results" / f"{name}-on-fractal" / "weights.safetensors")
    return cost(weights.definition.architecture).params
