"""Images to look at: which ones, in which order, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scalesearch.errors import InputError
from scalesearch.proxy.datasets import load_data
from scalesearch.proxy.sample_images import sample_images
from scalesearch.search.budget import BUDGETS

SCENES = replace(BUDGETS["smoke"].scenes, train=3, val=7)


def picture(path: Path, width: int, height: int, level: int) -> Path:
    path.parent.mkdir(exist_ok=True)
    Image.new("RGB", (width, height), (level, 0, 200)).save(path)
    return path


def test_fractal_scenes_are_those_of_the_data_set(tmp_path: Path) -> None:
    data = load_data("fractal", 24, SCENES, tmp_path)
    shown = sample_images("fractal", 24, 2, SCENES, tmp_path)
    assert shown.labels == (0, 1)
    assert shown.classes == data.classes
    assert np.array_equal(shown.images_NHWC, data.val_images_NCHW[:2].permute(0, 2, 3, 1).numpy())
    assert len(sample_images("fractal", 24, 64, SCENES, tmp_path).names) == SCENES.classes == 3


def test_a_data_set_shows_its_first_validation_image_of_each_class(tmp_path: Path) -> None:
    data = load_data("digits", 8, SCENES, tmp_path)
    shown = sample_images("digits", 8, 3, SCENES, tmp_path)
    assert shown.names == ("0", "1", "2")
    assert shown.labels is not None
    for image, label in zip(shown.images_NHWC, shown.labels, strict=True):
        own = data.val_images_NCHW[data.val_labels_N == label].permute(0, 2, 3, 1).numpy()
        assert np.array_equal(image, own[0])


@pytest.mark.parametrize("spec", ["fractal", "digits", "some"])
def test_images_have_the_channels_that_a_network_takes(spec: str, tmp_path: Path) -> None:
    picture(tmp_path / "some" / "a.png", 40, 24, 10)
    where = str(tmp_path / "some") if spec == "some" else spec
    colour, grey, clear = (sample_images(where, 12, 2, SCENES, tmp_path, channels) for channels in (3, 1, 4))
    wanted = [np.asarray(Image.fromarray(one).convert("L"))[:, :, None] for one in colour.images_NHWC]
    assert np.array_equal(grey.images_NHWC, np.stack(wanted))
    assert np.array_equal(clear.images_NHWC[..., :3], colour.images_NHWC)
    assert (grey.names, grey.labels, clear.names) == (colour.names, colour.labels, colour.names)
    assert clear.images_NHWC[..., 3].min() == 255


def test_pictures_are_shown_by_name_and_cut_to_squares(tmp_path: Path) -> None:
    folder = tmp_path / "some"
    for name, level in (("b.png", 20), ("a.png", 10), ("c.PNG", 30)):
        picture(folder / name, 40, 24, level)
    (folder / "notes.txt").write_text("no picture")
    shown = sample_images(str(folder), 16, 2, SCENES, tmp_path)
    assert (shown.names, shown.labels, shown.classes) == (("a.png", "b.png"), None, None)
    assert shown.images_NHWC.shape == (2, 16, 16, 3)
    assert shown.images_NHWC[:, 3, 5, 0].tolist() == [10, 20]
    one = sample_images(str(folder / "c.PNG"), 9, 4, SCENES, tmp_path)
    assert one.names == ("c.PNG",)
    assert one.images_NHWC.shape == (1, 9, 9, 3)


@pytest.mark.parametrize("spec", ["missing.png", "missing", "", "broken.png"])
def test_what_is_not_there_is_refused(spec: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "broken.png").write_bytes(b"\x89PNG nothing")
    with pytest.raises(InputError):
        sample_images(spec, 16, 2, SCENES, tmp_path)


def test_deep_greys_are_taken_as_a_data_set_only(tmp_path: Path) -> None:
    """The range of the shown pictures is not that of the set that a network was trained on."""
    for index in range(6):
        levels = np.random.default_rng(index).integers(0, 4096, (8, 8)).astype(np.uint16)
        levels[0, :2] = (0, 4095)
        path = tmp_path / "set" / "ab"[index % 2] / f"{index}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(levels).save(path)
    with pytest.raises(InputError, match=r"2 of 2 are 16-bit greys, .* give that data set") as caught:
        sample_images(str(tmp_path / "set" / "a"), 8, 2, SCENES, tmp_path)
    assert "\n" not in str(caught.value)
    shown = sample_images(str(tmp_path / "set"), 8, 2, SCENES, tmp_path / "cache")
    assert shown.notes == ("16-bit greys are scaled from 0 … 4095, the range of all images, to 0 … 255",)
