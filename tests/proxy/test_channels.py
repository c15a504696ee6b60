"""Images of 1, 3 and 4 channels: the pixels, the split, the keys."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from scalesearch.errors import InputError
from scalesearch.proxy.channels import convert_channels, key_with_channels
from scalesearch.proxy.datasets import ImageData, load_data
from scalesearch.search.scenes import SceneRecipe

SCENES = SceneRecipe(classes=3, train=7, val=5, distractors=1)


def _colours(seed: int, *shape: int) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Of each class four opaque pictures and one whose left third is clear."""
    for label in ("ant", "bee"):
        (tmp_path / "set" / label).mkdir(parents=True)
        for index in range(5):
            pixels = _colours(10 * ord(label[0]) + index, 9, 9, 3 if index else 4)
            if not index:
                pixels[:, :3, 3], pixels[:, 3:, 3] = 0, 255
            Image.fromarray(pixels).save(tmp_path / "set" / label / f"{index}.png")
    return tmp_path / "set"


def _images(data: ImageData) -> NDArray[np.uint8]:
    return torch.cat([data.train_images_NCHW, data.val_images_NCHW]).permute(0, 2, 3, 1).numpy()


def test_luminance_is_pillows_and_alpha_is_opaque() -> None:
    rgb = _colours(1, 5, 6, 7, 3)
    grey = convert_channels(rgb, 1)
    assert grey.shape == (5, 6, 7, 1)
    for image, level in zip(rgb, grey[..., 0], strict=True):
        assert (np.asarray(Image.fromarray(image).convert("L")) == level).all()
    assert (convert_channels(rgb, 4)[..., :3] == rgb).all()
    assert (convert_channels(rgb, 4)[..., 3] == 255).all()


@pytest.mark.parametrize("spec", ["fractal", "digits"])
def test_embedded_sets_have_the_same_images_at_every_number(spec: str, tmp_path: Path) -> None:
    rgb, grey, clear = (load_data(spec, 8, SCENES, tmp_path, channels=one) for one in (3, 1, 4))
    assert len({one.fingerprint for one in (rgb, grey, clear)}) == 3
    assert load_data(spec, 8, SCENES, tmp_path).fingerprint == rgb.fingerprint
    assert (convert_channels(_images(rgb), 1) == _images(grey)).all()
    assert (convert_channels(_images(rgb), 4) == _images(clear)).all()
    assert torch.equal(rgb.val_labels_N, grey.val_labels_N)


def test_a_folder_has_the_same_split_at_every_number(folder: Path, tmp_path: Path) -> None:
    data = {one: load_data(str(folder), 9, SCENES, tmp_path / "cache", channels=one) for one in (3, 1, 4)}
    assert [data[one].resized_to(9).train_images_NCHW.shape for one in (1, 3, 4)] == [
        (8, one, 9, 9) for one in (1, 3, 4)
    ]
    assert (convert_channels(_images(data[3]), 1) == _images(data[1])).all()
    clear = _images(data[4])
    assert (clear[..., 3] == 0).sum() == 2 * 9 * 3
    seen = clear[..., 3] == 255
    assert (clear[seen][:, :3] == _images(data[3])[seen]).all()
    again = load_data(str(folder), 9, SCENES, tmp_path / "cache", channels=4)
    assert (again.fingerprint, again.train_images_NCHW.shape[1]) == (data[4].fingerprint, 4)


def test_the_key_of_rgb_is_the_old_one_and_the_others_differ() -> None:
    assert key_with_channels("ab", 3) == "ab"
    assert len({key_with_channels("ab", one) for one in (1, 3, 4)}) == 3


@pytest.mark.parametrize("channels", [0, 2, 5])
def test_other_numbers_are_refused(channels: int, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=f"images are read with 1 .* channels, but the network takes {channels}: "):
        load_data("digits", 8, SCENES, tmp_path, channels=channels)


def _alpha_only(root: Path, count: int) -> Path:
    """Two classes of white pictures that differ in their alpha alone."""
    for label in ("ant", "bee"):
        (root / label).mkdir(parents=True)
        for index in range(count):
            pixels = np.full((9, 9, 4), 255, np.uint8)
            pixels[..., 3] = _colours(10 * ord(label[0]) + index, 9, 9)
            Image.fromarray(pixels).save(root / label / f"{index}.png")
    return root


def test_pictures_that_differ_in_alpha_are_different(tmp_path: Path) -> None:
    data = load_data(str(_alpha_only(tmp_path / "set", 5)), 9, SCENES, tmp_path / "cache", channels=4)
    assert (len(data.train_labels_N), len(data.val_labels_N), data.notes) == (8, 2, ())
    assert len({image.tobytes() for image in _images(data)}) == 10


def test_the_same_colours_under_another_alpha_are_no_near_duplicates(tmp_path: Path) -> None:
    colours = _colours(1, 16, 16, 3)
    for index in range(8):
        alpha = np.repeat(np.repeat(_colours(50 + index, 4, 4), 4, 0), 4, 1)
        path = tmp_path / "set" / ("ant", "bee")[index % 2] / f"{index}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.dstack([colours, alpha])).save(path)
    assert load_data(str(tmp_path / "set"), 16, SCENES, tmp_path / "cache", channels=4).notes == ()


def test_a_clear_pixel_has_no_colour(tmp_path: Path) -> None:
    """Two pictures in two classes that differ only where nothing is seen are the same picture."""
    _alpha_only(tmp_path / "set", 5)
    for label, hidden in (("ant", 10), ("bee", 90)):
        pixels = _colours(7, 9, 9, 4)
        pixels[:3] = (hidden, hidden, hidden, 0)
        Image.fromarray(pixels).save(tmp_path / "set" / label / "same.png")
    with pytest.raises(InputError, match="2 of 12 images are in two classes with the same pixels"):
        load_data(str(tmp_path / "set"), 9, SCENES, tmp_path / "cache", channels=4)
