"""Greys of more than 8 bits: every level that differs stays apart, by one range for the whole set."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from scalesearch.errors import InputError
from scalesearch.proxy.cache import SplitArrays, fingerprint
from scalesearch.proxy.decoding import ImageForm
from scalesearch.proxy.image_folder import list_folder, read_folder

GOLDEN = "493df0447cf40471c7776f71f7f6ac0b67f2556b34db604548244f0225ade882"


def _folder(root: Path, bits: int, first: int = 0) -> tuple[Path, list[NDArray[np.uint16]]]:
    """Two classes of five pictures of 9 x 9 levels, from `first` up to 2^bits - 1, and the levels themselves."""
    draw, levels = np.random.default_rng(bits), []
    for index in range(10):
        pixels = draw.integers(first, 2**bits, (9, 9)).astype(np.uint16)
        pixels[0, 0], pixels[0, 1] = (first, 2**bits - 1) if index == 4 else pixels[0, :2]
        path = root / "ab"[index % 2] / f"{index}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
        levels.append(pixels)
    return root, levels


def _read(root: Path, channels: int = 3) -> SplitArrays:
    return read_folder(list_folder(root), ImageForm(9, channels))


def _images(arrays: SplitArrays) -> set[bytes]:
    both = np.concatenate([arrays.train_images_NHWC, arrays.val_images_NHWC])
    return {image.tobytes() for image in both}


@pytest.mark.parametrize(("bits", "first"), [(10, 0), (12, 0), (12, 100), (16, 0), (9, 0)])
def test_a_set_is_scaled_by_its_own_range(bits: int, first: int, tmp_path: Path) -> None:
    root, levels = _folder(tmp_path / "set", bits, first)
    arrays = _read(root)
    low, high = first, 2**bits - 1
    expected = [np.rint((one.astype(float) - low) * 255 / (high - low)).astype(np.uint8) for one in levels]
    assert _images(arrays) == {np.repeat(one[..., None], 3, 2).tobytes() for one in expected}
    assert len(np.unique(arrays.train_images_NHWC)) > 200
    assert arrays.notes == (f"16-bit greys are scaled from {low} … {high}, the range of all images, to 0 … 255",)
    assert _images(_read(root, channels=1)) == {one.tobytes() for one in expected}


def test_pictures_that_differ_by_one_level_are_different(tmp_path: Path) -> None:
    """Their digests are of the levels as they are stored: 4 pictures, of which 8 bits would make one."""
    for index in range(4):
        pixels = np.full((9, 9), 1000, np.uint16)
        pixels[4, 4] += index
        path = tmp_path / "set" / "ab"[index % 2] / f"{index}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
    arrays = _read(tmp_path / "set")
    centres = [one[4, 4, 0] for one in (*arrays.train_images_NHWC, *arrays.val_images_NHWC)]
    assert sorted(centres) == [0, 85, 170, 255]


def test_one_pixel_that_is_far_too_bright_is_noticed(tmp_path: Path) -> None:
    root, levels = _folder(tmp_path / "set", 10)
    levels[3][4, 4] = 65535
    Image.fromarray(levels[3]).save(root / "b" / "3.png")
    arrays = _read(root)
    assert arrays.notes[0].startswith("16-bit greys are scaled from 0 … 65535,")
    assert arrays.notes[1] == "only 6 of 256 levels are used: look for a pixel that is far too bright"


def test_sets_of_8_bits_are_what_they_were(tmp_path: Path) -> None:
    """A fingerprint that was written before greys of 16 bits were scaled."""
    for index in range(8):
        levels = np.arange(81, dtype=np.uint8).reshape(9, 9) + np.uint8(20 * index)
        path = tmp_path / "set" / "ab"[index % 2] / f"{index}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(levels).save(path)
    assert fingerprint(_read(tmp_path / "set")) == GOLDEN


def _refusal(root: Path) -> str:
    with pytest.raises(InputError) as caught:
        _read(root)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_ranges_that_say_nothing_are_refused(tmp_path: Path) -> None:
    root, _ = _folder(tmp_path / "mixed", 12)
    Image.new("L", (9, 9), 7).save(root / "a" / "x.png")
    assert "10 images are 16-bit greys and 1 are not" in _refusal(root)
    for index in range(4):
        path = tmp_path / "flat" / "ab"[index % 2] / f"{index}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((9, 9 + index), 700, np.uint16)).save(path)
    assert "every pixel of its 16-bit greys has the level 700" in _refusal(tmp_path / "flat")


def _deep_colour(path: Path, rgb_HWC: NDArray[np.uint16]) -> None:
    """A PNG of 16-bit colour, of 3 or 4 channels, which Pillow does not write (PNG specification, section 5)."""
    height, width, channels = rgb_HWC.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in rgb_HWC)
    parts = [
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 16, {3: 2, 4: 6}[channels], 0, 0, 0)),
        (b"IDAT", zlib.compress(rows)),
        (b"IEND", b""),
    ]
    body = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in parts
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + body)


def test_16_bit_colour_keeps_its_upper_bits_or_is_refused(tmp_path: Path) -> None:
    draw = np.random.default_rng(1)
    pixels = np.zeros((9, 9, 3), np.uint16)
    for index in range(6):
        pixels = draw.integers(0, 2**16, (9, 9, 3)).astype(np.uint16)
        for bits in (16, 12):
            _deep_colour(
                tmp_path / str(bits) / "ab"[index % 2] / f"{index}.png", (pixels >> (16 - bits)).astype(np.uint16)
            )
    expected = (pixels >> 8).astype(np.uint8)
    arrays = _read(tmp_path / "16")
    assert expected.tobytes() in _images(arrays)
    assert arrays.notes == ("of 6 images of 16-bit colour the upper 8 bits are read",)
    assert "6 images of 16-bit colour use 4095 of 65535 at most, of which 16 levels would be left" in _refusal(
        tmp_path / "12"
    )


def _twelve_bits(root: Path, count: int, channels: int) -> list[NDArray[np.uint16]]:
    """Pictures of 12 bits in two classes; where there is alpha the upper rows are clear and hold white."""
    draw = np.random.default_rng(3)
    pictures = [draw.integers(0, 2**12, (9, 12, channels)).astype(np.uint16) for _ in range(count)]
    for index, pixels in enumerate(pictures):
        if channels == 4:
            pixels[..., 3] = 65535
            pixels[:2] = (65535, 65535, 65535, 0)
        _deep_colour(root / "ab"[index % 2] / f"{index}.png", pixels)
    return pictures


@pytest.mark.parametrize("channels", [3, 4])
def test_12_bits_are_seen_below_transparency(channels: int, tmp_path: Path) -> None:
    """What is laid over white has the value 255 somewhere, whatever the picture itself has."""
    _twelve_bits(tmp_path / "set", 6, 4)
    with pytest.raises(InputError, match="6 images of 16-bit colour use 4095 of 65535 at most, of which 16 levels"):
        _read(tmp_path / "set", channels)


def test_one_white_pixel_does_not_hide_that_12_bits_are_used(tmp_path: Path) -> None:
    pixels = _twelve_bits(tmp_path / "set", 6, 3)[0]
    pixels[4, 4] = 65535
    _deep_colour(tmp_path / "set" / "a" / "0.png", pixels)
    assert _read(tmp_path / "set").notes == (
        "of 6 images of 16-bit colour the upper 8 bits are read",
        "16 of 256 levels hold 99% of their values: if fewer than 16 bits are used, convert them to 8 bits",
    )
