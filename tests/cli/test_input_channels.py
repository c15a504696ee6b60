"""Networks of other than 3 input channels through the commands: counted, exported, searched, trained, mapped."""

from __future__ import annotations

import json
from pathlib import Path
from shutil import copy

import pytest
from command import scalesearch
from safetensors.torch import load_file

from scalesearch.design.baseline_file import baseline_text, parse_baseline
from scalesearch.design.baselines import load_baseline

TINY = baseline_text(load_baseline("tiny"))
PARAMS = {1: 63_450, 3: 63_738, 4: 63_882, 13: 65_178}
"""`tiny` has a stem of 16 channels: 144 weights for each channel of the image."""
SLOW = pytest.mark.slow
COEFFICIENTS = ["--coefficients", "1.2", "1.1", "1.15"]
FAST = ["--budget", "smoke", "--resolution", "16", "--epochs", "1", "--threads", "1"]


def written(folder: Path, channels: int) -> None:
    text = TINY.replace("stem:", f"in_channels: {channels}\nstem:").replace('"tiny"', '"mine"', 1)
    (folder / "mine.yaml").write_text(text)


@pytest.mark.parametrize(
    "channels", [1, pytest.param(3, marks=SLOW), pytest.param(4, marks=SLOW), pytest.param(13, marks=SLOW)]
)
def test_a_network_is_counted_and_leaves_with_its_channels(channels: int, tmp_path: Path) -> None:
    written(tmp_path, channels)
    counted = scalesearch("cost", "mine.yaml", "--json", cwd=tmp_path)
    assert json.loads(counted.stdout)["params"] == PARAMS[channels]
    made = scalesearch("export", "mine.yaml", "--to", "torch", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    assert f"{PARAMS[channels]:,} parameters" in made.stdout
    assert load_file(tmp_path / "exports" / "mine.safetensors")["stem.0.weight"].shape == (16, channels, 3, 3)
    scalesearch("export", "mine.yaml", "--to", "timm", cwd=tmp_path)
    scalesearch("import", "exports/mine_timm.py", "--out", "again.yaml", cwd=tmp_path)
    again = parse_baseline((tmp_path / "again.yaml").read_text(), "again.yaml")
    assert again.architecture.in_channels == channels
    refused = scalesearch("export", "mine.yaml", "--to", "torchvision", cwd=tmp_path)
    assert (refused.returncode == 2) == (channels != 3 or "torchvision" in refused.stderr)


@pytest.mark.parametrize(
    ("channels", "reason"),
    [(0, "in_channels: input should be greater than or equal to 1"), (1025, "in_channels is 1025, but it must be")],
)
def test_a_number_of_channels_that_no_image_has_is_refused(channels: int, reason: str, tmp_path: Path) -> None:
    written(tmp_path, channels)
    done = scalesearch("cost", "mine.yaml", cwd=tmp_path)
    assert done.returncode == 2
    assert reason in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "command",
    [
        ["explain", "mine.yaml", "--depth", "2"],
        ["family", "mine.yaml", *COEFFICIENTS, "--phi", "1"],
        ["solve", "mine.yaml", *COEFFICIENTS, "--max-flops", "3x"],
        ["latency", "mine.yaml", "--runs", "3"],
        pytest.param(["export", "mine.yaml", "--to", "onnx"], marks=SLOW),
        pytest.param(["export", "mine.yaml", "--to", "torch-export"], marks=SLOW),
    ],
    ids=lambda command: command[0],
)
def test_networks_of_other_channels_are_used(command: list[str], tmp_path: Path) -> None:
    written(tmp_path, 6)
    done = scalesearch(*command, cwd=tmp_path)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "command",
    [
        ["train", "mine.yaml", *FAST],
        ["grid", "--baseline", "mine.yaml", "--budget", "smoke", "--plan"],
        ["compare", "--baseline", "mine.yaml", "--budget", "smoke", "--plan"],
        ["nas", "--space", "mnasnet", "--baseline", "mine.yaml", "--budget", "smoke", "--plan"],
        ["train", "factories:thermal", *FAST],
        ["grid", "--baseline", "factories:thermal", "--budget", "smoke", "--plan"],
    ],
    ids=lambda command: " ".join(command[:3]),
)
def test_networks_of_other_channels_are_not_trained(command: list[str], tmp_path: Path) -> None:
    written(tmp_path, 2)
    copy(Path(__file__).parents[1] / "helpers" / "factories.py", tmp_path)
    done = scalesearch(*command, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr == (
        "scalesearch: images are read with 1 (grey), 3 (RGB) or 4 (RGBA) channels, but the network takes 2: it "
        "cannot be trained here, but cost, explain, solve, family, latency and export take it\n"
    )
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize("channels", [pytest.param(1, marks=SLOW), 4])
def test_training_maps_and_transfer(channels: int, tmp_path: Path) -> None:
    written(tmp_path, channels)
    done = scalesearch("train", "mine.yaml", *FAST, "--name", "run", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    weights = "results/run/weights.safetensors"
    assert load_file(tmp_path / weights)["stem.conv.0.weight"].shape == (16, channels, 3, 3)
    mapped = scalesearch("cam", weights, "--budget", "smoke", cwd=tmp_path)
    assert mapped.returncode == 0, mapped.stderr
    moved = scalesearch(
        "transfer",
        weights,
        "--data",
        "digits",
        "--resolution",
        "16",
        "--epochs",
        "1",
        "--threads",
        "1",
        cwd=tmp_path,
    )
    assert moved.returncode == 0, moved.stderr


@pytest.mark.parametrize(
    "command",
    [
        ["grid", "--baseline", "mine.yaml"],
        pytest.param(["nas", "--space", "mnasnet", "--reward", "step", "--baseline", "mine.yaml"], marks=SLOW),
    ],
    ids=lambda command: command[0],
)
def test_a_search_of_grey_images_is_estimated(command: list[str], tmp_path: Path) -> None:
    """The steps that are timed have the network's channels."""
    written(tmp_path, 1)
    done = scalesearch(*command, "--budget", "smoke", "--plan", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "from a few timed steps" in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("channels", [1, 4])
def test_a_search(channels: int, tmp_path: Path) -> None:
    written(tmp_path, channels)
    command = ["grid", "--baseline", "mine.yaml", "--budget", "smoke", "--runner", "inline"]
    done = scalesearch(*command, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    member = (tmp_path / "results" / "mine-phi1-smoke" / "family" / "phi1.yaml").read_text()
    assert f"\nin_channels: {channels}\n" in member
    assert scalesearch("verify", "results/mine-phi1-smoke", cwd=tmp_path).returncode == 0
    assert scalesearch("report", "results/mine-phi1-smoke", cwd=tmp_path).returncode == 0
