"""`load_data`: the three sources, their cache and their fingerprints."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import NoReturn

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.datasets import load_digits

from scalesearch.errors import InputError, StorageError
from scalesearch.proxy.datasets import ImageData, load_data
from scalesearch.proxy.drawn import DRAWN
from scalesearch.proxy.scenes import render_scenes
from scalesearch.search.scenes import SceneRecipe

SMALL = SceneRecipe(classes=3, train=7, val=5, distractors=1)
GOLDEN = "36f7f8e37409e4f6ee1c1480ef14f1ba612507c5b63a755aa83704f21a2ce1b7"

_ELSEWHERE = """
import sys
from scalesearch.proxy.scenes import render_scenes
from scalesearch.search.scenes import SceneRecipe
for images in render_scenes(SceneRecipe(classes=3, train=7, val=5, distractors=1), 20):
    sys.stdout.buffer.write(images.tobytes())
"""


def _assert_well_formed(data: ImageData, px: int) -> None:
    for images, labels in (
        (data.train_images_NCHW, data.train_labels_N),
        (data.val_images_NCHW, data.val_labels_N),
    ):
        assert images.dtype == torch.uint8
        assert images.shape == (len(labels), 3, px, px)
        assert images.is_contiguous(memory_format=torch.channels_last)
        assert labels.dtype == torch.int64
        assert sorted(set(labels.tolist())) == list(range(len(data.classes)))


def test_fractal_scenes_have_the_golden_bits(tmp_path: Path) -> None:
    data = load_data("fractal", 20, SMALL, tmp_path)
    _assert_well_formed(data, 20)
    assert data.name == "fractal scenes"
    assert (len(data.train_labels_N), len(data.val_labels_N), len(data.classes)) == (7, 5, 3)
    assert data.fingerprint == GOLDEN, "pixels changed: raise GENERATOR_VERSION"


def test_another_process_gets_the_same_bits() -> None:
    narrow = "AVX2 FMA3 AVX512F AVX512_SKX X86_V3 X86_V4"  # other vector code in numpy, the same bits
    environment = {"OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "7", "NPY_DISABLE_CPU_FEATURES": narrow}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _ELSEWHERE],
        env=environment, cwd=Path(__file__).parents[2], capture_output=True, timeout=100, check=True,
    )  # fmt: skip
    assert done.stdout == b"".join(images.tobytes() for images in render_scenes(SMALL, 20))


def test_scenes_come_from_the_cache_the_second_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = load_data("fractal", 16, SMALL, tmp_path)

    def fail(*_: object) -> NoReturn:
        raise AssertionError("rendered again")

    monkeypatch.setitem(DRAWN, "fractal", replace(DRAWN["fractal"], render=fail))
    again = load_data("fractal", 16, replace(SMALL, jitter=Decimal("0.10")), tmp_path)
    assert again.fingerprint == first.fingerprint
    assert torch.equal(again.train_images_NCHW, first.train_images_NCHW)
    _assert_well_formed(again, 16)
    for recipe, px in ((replace(SMALL, seed=1), 16), (SMALL, 17)):
        with pytest.raises(AssertionError, match="rendered again"):
            load_data("fractal", px, recipe, tmp_path)


def test_digits_need_no_cache_and_are_split_by_class(tmp_path: Path) -> None:
    data = load_data("digits", 12, SMALL, tmp_path)
    _assert_well_formed(data, 12)
    assert data.name == "digits"
    assert data.classes == tuple("0123456789")
    assert len(data.train_labels_N) + len(data.val_labels_N) == 1797
    shares = data.val_labels_N.bincount() / (data.val_labels_N.bincount() + data.train_labels_N.bincount())
    assert (shares - 0.2).abs().max() < 0.01
    assert list(tmp_path.iterdir()) == []


def test_a_folder_written_from_the_digits_is_the_digits(tmp_path: Path) -> None:
    digits = load_digits()
    levels_NHW = np.rint(digits.images * (255 / 16)).astype(np.uint8)
    for index, (scan, label) in enumerate(zip(levels_NHW, digits.target, strict=True)):
        folder = tmp_path / "scans" / str(label)
        folder.mkdir(parents=True, exist_ok=True)
        suffix = "png" if index % 2 else "webp"
        Image.fromarray(scan).convert("RGB").save(folder / f"{index}.{suffix}", lossless=True)
    own = load_data(str(tmp_path / "scans"), 10, SMALL, tmp_path / "cache")
    _assert_well_formed(own, 10)
    assert own.name == "scans"
    assert own.fingerprint == load_data("digits", 10, SMALL, tmp_path).fingerprint
    stored = load_data(str(tmp_path / "scans"), 10, SMALL, tmp_path / "cache")
    assert torch.equal(stored.val_images_NCHW, own.val_images_NCHW)
    assert stored.fingerprint == own.fingerprint


def test_a_broken_image_is_found_although_a_sound_set_is_cached(tmp_path: Path) -> None:
    for index in range(8):
        pixels = np.random.default_rng(index).integers(0, 256, (9, 9, 3), dtype=np.uint8)
        path = tmp_path / "set" / "ab"[index % 2] / f"{index}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
    load_data(str(tmp_path / "set"), 8, SMALL, tmp_path / "cache")
    path.write_bytes(path.read_bytes()[:-60])
    with pytest.raises(InputError, match="1 of 8 images"):
        load_data(str(tmp_path / "set"), 8, SMALL, tmp_path / "cache")


@pytest.mark.parametrize("spec", ["imagenet", "", "no/such\nfolder"])
def test_unknown_data_sets_are_refused_with_the_known_ones(spec: str, tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match="fractal, shapes, digits, the path of an image folder or of parquet"
    ) as caught:
        load_data(spec, 16, SMALL, tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("px", [0, 7, 1025])
def test_sizes_out_of_range_are_refused(px: int, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=f"image size is {px} px"):
        load_data("digits", px, SMALL, tmp_path)


def test_a_cache_that_cannot_be_written_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError):
        load_data("fractal", 16, SMALL, tmp_path / "file")


def test_it_tells_how_far_the_making_is_and_nothing_of_what_is_kept(tmp_path: Path) -> None:
    for index in range(12):
        folder = tmp_path / "set" / str(index % 2)
        folder.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (9, 11), (index, 0, 0)).save(folder / f"{index}.png")
    for spec in ("fractal", str(tmp_path / "set")):
        first, again = (far_of(spec, tmp_path) for _ in range(2))
        assert [total for _, total in first] == [12] * len(first)  # 7 + 5 scenes; 12 files
        assert first == sorted(set(first))
        assert first[-1] == (12, 12)
        assert again == []


def far_of(spec: str, folder: Path) -> list[tuple[int, int]]:
    heard = []
    load_data(spec, 20, SMALL, folder / "cache", lambda done, total: heard.append((done, total)))
    return heard


def test_luminance_is_pillows_and_alpha_is_opaque(tmp_path: Path) -> None:
    colour, grey, clear = (load_data("fractal", 20, SMALL, tmp_path, channels=count) for count in (3, 1, 4))
    for part in ("train_images_NCHW", "val_images_NCHW"):
        images = getattr(colour, part)
        pictures = [Image.fromarray(one.permute(1, 2, 0).numpy()).convert("L") for one in images]
        assert torch.equal(
            getattr(grey, part)[:, 0], torch.stack([torch.from_numpy(np.array(one)) for one in pictures])
        )
        assert torch.equal(getattr(clear, part)[:, :3], images)
        assert getattr(clear, part)[:, 3].unique().tolist() == [255]
    assert grey.train_images_NCHW.shape[1] == 1


def test_the_limit_of_sizes_holds_for_kept_images_too(tmp_path: Path) -> None:
    for index in range(4):
        path = tmp_path / "set" / "ab"[index % 2] / f"{index}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (1500, 800 + index), 40 * index).save(path)
    wide = load_data(str(tmp_path / "set"), 8, SMALL, tmp_path / "cache", max_megapixels=2)
    with pytest.raises(InputError, match="more than 1 megapixels"):
        load_data(str(tmp_path / "set"), 8, SMALL, tmp_path / "cache", max_megapixels=1)
    assert load_data(str(tmp_path / "set"), 8, SMALL, tmp_path / "cache").fingerprint == wide.fingerprint
