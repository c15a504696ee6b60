"""Pictures in two classes, and nearly the same pictures in both splits."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from scalesearch.errors import InputError
from scalesearch.proxy import duplicates
from scalesearch.proxy.cache import SplitArrays
from scalesearch.proxy.decoding import ImageForm
from scalesearch.proxy.duplicates import near_duplicates
from scalesearch.proxy.image_folder import list_folder, read_folder


def _pixels(seed: int, side: int = 9) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)


def _save(path: Path, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(_pixels(seed)).save(path, lossless=True)


def _read(root: Path) -> SplitArrays:
    return read_folder(list_folder(root), ImageForm(9))


def _set(root: Path, count: int, twice: int) -> Path:
    """Two classes of `count` pictures, of which the first `twice` are the same, in other formats."""
    for index in range(count):
        _save(root / "ant" / f"{index}.png", index)
        _save(root / "bee" / f"{index}.webp", index if index < twice else 1000 + index)
    return root


def test_contradictions_are_refused_with_their_list(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        _read(_set(tmp_path / "set", 9, 2))
    lines = str(caught.value).splitlines()
    assert lines[0].endswith("set': 4 of 18 images are in two classes with the same pixels: leave each in one")
    assert lines[1:] == ["  'ant/0.png' and 'bee/0.webp'", "  'ant/1.png' and 'bee/1.webp'"]


def test_a_few_are_left_out_of_both_classes_and_counted(tmp_path: Path) -> None:
    arrays = _read(_set(tmp_path / "set", 101, 1))
    counts = np.bincount(arrays.train_labels_N), np.bincount(arrays.val_labels_N)
    assert [one.tolist() for one in counts] == [[80, 80], [20, 20]]
    every = {one.tobytes() for one in (*arrays.train_images_NHWC, *arrays.val_images_NHWC)}
    assert _pixels(0).tobytes() not in every
    assert len(every) == 200
    assert arrays.notes[0] == (
        "2 of 202 images are in two classes with the same pixels and are left out, "
        "such as 'ant/0.png' and 'bee/0.webp'"
    )


def test_splits_are_looked_at_together(tmp_path: Path) -> None:
    for split, first in (("train", 0), ("val", 500)):
        for index in range(4):
            _save(tmp_path / "set" / split / "ant" / f"{index}.png", first + index)
            _save(tmp_path / "set" / split / "bee" / f"{index}.png", first + 100 + index)
    _save(tmp_path / "set" / "val" / "bee" / "x.png", 2)
    with pytest.raises(
        InputError, match=r"2 of 17 images are in two classes(?s:.*)'train/ant/2.png' and 'val/bee/x.png'"
    ):
        _read(tmp_path / "set")


def test_a_class_is_never_emptied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duplicates, "CONTRADICTIONS", 1)
    for index in range(5):
        _save(tmp_path / "set" / "ant" / f"{index}.png", index)
    _save(tmp_path / "set" / "bee" / "0.png", 0)
    with pytest.raises(InputError, match="2 of 6 images are in two classes"):
        _read(tmp_path / "set")


def _photo(seed: int, quality: int) -> NDArray[np.uint8]:
    """A smooth picture of 40 px after a JPEG's loss."""
    coarse = Image.fromarray(_pixels(seed, 6)).resize((40, 40), Image.Resampling.BICUBIC)
    stream = io.BytesIO()
    coarse.save(stream, "JPEG", quality=quality)
    return np.asarray(Image.open(stream))


def test_other_copies_of_a_training_image_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duplicates, "_CHUNK", 16)
    train = np.stack([_photo(seed, 90) for seed in range(60)])
    val = np.stack([_photo(seed, 40) for seed in (3, 17, 58, *range(100, 130))])
    assert near_duplicates(train, val) == (
        "3 of 33 validation images are nearly equal to a training image; accuracy counts them as unseen",
    )
    assert near_duplicates(train, val[3:]) == ()
    flat = np.full((4, 40, 40, 3), 200, np.uint8)
    assert near_duplicates(flat, flat) == ()
    monkeypatch.setattr(duplicates, "COMPARED", 11)
    assert near_duplicates(train, val)[0].startswith("1 of 11 validation images compared, of 33, are nearly")
