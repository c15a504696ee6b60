"""`cam`: the picture's columns and rows, the class that is mapped, and what is refused."""

from __future__ import annotations

import pickle
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
import torch
from command import scalesearch
from PIL import Image

from scalesearch.cli.cam import _scenes_of_classes, cam
from scalesearch.cli.network_label import network_label
from scalesearch.design.baselines import load_baseline
from scalesearch.design.coefficients import Multipliers
from scalesearch.errors import InputError
from scalesearch.nets.convnet import ConvNet
from scalesearch.nets.weights import weights_file, weights_of, with_classes
from scalesearch.proxy.image_grid import TILE
from scalesearch.search.budget import BUDGETS

ROOT = Path(__file__).parents[2]
SMOKE = tuple(f"fractal {label}" for label in range(3))
BASE = with_classes(load_baseline("tiny"), 3)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Untrained networks of two sizes, one with other classes, and two pictures."""
    folder = tmp_path_factory.mktemp("cam")
    torch.manual_seed(4)
    wide = BASE.scale(Multipliers(width=Decimal("1.5"), resolution=Decimal("0.75")))
    for name, definition, classes in (
        ("base", BASE, SMOKE),
        ("wide", wide, SMOKE),
        ("other", BASE, ("a", "b", "c")),
    ):
        weights = weights_of(definition, ConvNet(definition.architecture), classes)
        (folder / f"{name}.safetensors").write_bytes(weights_file(weights))
    diverged = ConvNet(BASE.architecture)
    torch.nn.init.constant_(diverged.get_parameter("stem.conv.0.weight"), float("nan"))
    (folder / "diverged.safetensors").write_bytes(weights_file(weights_of(BASE, diverged, SMOKE)))
    (folder / "pickled.safetensors").write_bytes(pickle.dumps({"a": 1}))
    (folder / "pictures").mkdir()
    for name in ("one.png", "two.png"):
        Image.new("RGB", (50, 70), (90, 90, 90)).save(folder / "pictures" / name)
    return folder


def shape(path: Path) -> tuple[int, int]:
    """Columns and rows of tiles."""
    with Image.open(path) as picture:
        return picture.width // TILE, picture.height // TILE


@pytest.mark.slow
def test_a_column_a_network_and_a_row_an_image(folder: Path) -> None:
    done = scalesearch("cam", "base.safetensors", "big=wide.safetensors", "--budget", "smoke", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("cam.png: 3 images, 2 networks\n")
    assert shape(folder / "cam.png") == (3, 3)


def test_scenes_have_the_networks_classes() -> None:
    scenes = BUDGETS["quick"].scenes
    names = tuple(f"fractal {label}" for label in range(23))
    assert _scenes_of_classes(scenes, "fractal", names) == replace(scenes, classes=23)
    assert _scenes_of_classes(scenes, "shapes", names) == scenes
    assert _scenes_of_classes(scenes, "fractal", ("cat", "dog")) == scenes
    assert _scenes_of_classes(scenes, "fractal", ("fractal 0",)) == scenes
    assert _scenes_of_classes(scenes, "photos", names) == scenes


def drawn(folder: Path, name: str, *networks: str, **options: object) -> np.ndarray:
    out = folder / name
    words = {"images": str(folder / "pictures"), "of": None, "count": 4, "budget": "smoke", "out": out, **options}
    cam([str(folder / one) for one in networks], **words)  # type: ignore[arg-type]
    return np.asarray(Image.open(out).convert("RGB")).astype(int)


def test_pictures_without_classes_get_the_first_networks_choice(folder: Path) -> None:
    """Both networks map one class, so which of three is asked for decides the second column's map as well."""
    chosen = drawn(folder, "free.png", "base.safetensors", "wide.safetensors")
    assert shape(folder / "free.png") == (3, 2)
    asked = [drawn(folder, f"{i}.png", "base.safetensors", "wide.safetensors", of=SMOKE[i]) for i in range(3)]
    rows = slice(24, 24 + TILE)
    assert sum(np.array_equal(chosen[rows], one[rows]) for one in asked) == 1
    assert not np.array_equal(asked[0][rows], asked[1][rows])


def test_trainings_are_told_apart_by_their_folders(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("base", "wide"):
        (folder / name).mkdir()
        (folder / name / "weights.safetensors").symlink_to(folder / f"{name}.safetensors")
    drawn(folder, "two.png", "base/weights.safetensors", "wide/weights.safetensors")
    assert shape(folder / "two.png")[0] == 3
    monkeypatch.chdir(folder / "base")
    assert network_label(Path("weights.safetensors"), "") == "base"


@pytest.mark.parametrize(
    ("networks", "options", "reason"),
    [
        (["missing.safetensors"], {}, "does not exist"),
        (["pickled.safetensors"], {}, "is a pickle"),
        (["diverged.safetensors"], {}, "diverged.safetensors: stem.conv.0.weight holds NaN or infinity"),
        (["base.safetensors", "other.safetensors"], {}, "other: has 3 classes (a, b, c), but base has"),
        (["other.safetensors"], {"images": "fractal"}, "--images fractal: has 3 classes"),
        (["base.safetensors", "base.safetensors"], {}, "give NAME=FILE"),
        (["base.safetensors"], {"of": "cat"}, "--class 'cat': is none of"),
        (["base.safetensors"], {"out": Path("x.jpg")}, "must end in .png"),
        (["base.safetensors"], {"images": "nowhere.png"}, "no such file"),
        (["base.safetensors"], {"budget": "x"}, "--budget"),
    ],
)
def test_what_cannot_be_drawn_is_refused(
    folder: Path, networks: list[str], options: dict[str, object], reason: str
) -> None:
    with pytest.raises(InputError) as error:
        drawn(folder, "no.png", *networks, **options)
    assert reason in str(error.value)
    assert "\n" not in str(error.value)
    assert not (folder / "no.png").exists()


def test_a_network_of_its_own_side_sees_the_image_at_it(folder: Path) -> None:
    """At another side the same weights put out another map, so the file's own must have been taken."""
    small = replace(BASE, architecture=replace(BASE.architecture, resolution=40))
    torch.manual_seed(4)
    network = ConvNet(BASE.architecture)
    for name, definition in (("large", BASE), ("small", small)):
        (folder / f"{name}.safetensors").write_bytes(weights_file(weights_of(definition, network, SMOKE)))
    left, right = (
        drawn(folder, f"{name}.png", f"{name}.safetensors", images="fractal") for name in ("large", "small")
    )
    assert left.shape == right.shape
    assert not np.array_equal(left[:, 2 * TILE :], right[:, 2 * TILE :])


def test_the_picture_in_the_docs_is_drawn_by_its_command(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "cam.md").read_text(encoding="utf-8")
    line = next(line for line in page.splitlines() if line.startswith("    scalesearch cam "))
    cam([str(ROOT / word) for word in line.split()[2:]], None, None, 4, "quick", tmp_path / "cam.png")
    kept, now = (
        np.asarray(Image.open(path).convert("RGB")).astype(int)
        for path in (ROOT / "docs" / "figures" / "cam.png", tmp_path / "cam.png")
    )
    assert kept.shape == now.shape
    assert np.abs(kept - now).mean() < 3  # of 255: the palette and the last bits differ between machines
