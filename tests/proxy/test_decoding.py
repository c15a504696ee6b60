"""One picture of every kind: the pixels that come of it, or why it is refused."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from scalesearch.proxy.decoding import Decoded, EncodedImage, ImageForm, decode


def _pixels(seed: int, height: int = 11, width: int = 14) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def _taken(path: Path, form: ImageForm) -> Decoded:
    taken = decode(EncodedImage(path.name, 0, None, lambda: path.open("rb")), form)
    assert not isinstance(taken, str), taken
    return taken


def _decoded(path: Path, px: int) -> NDArray[np.uint8]:
    square: NDArray[np.uint8] = _taken(path, ImageForm(px)).square
    return square


def test_every_mode_becomes_rgb(tmp_path: Path) -> None:
    clear = Image.new("RGBA", (8, 8), (200, 0, 0, 0))
    clear.putpixel((2, 5), (10, 20, 30, 255))
    clear.save(tmp_path / "clear.png")
    pixels = _decoded(tmp_path / "clear.png", 8)
    assert pixels[5, 2].tolist() == [10, 20, 30]
    assert pixels[0, 0].tolist() == [255, 255, 255]
    Image.new("CMYK", (8, 8), (0, 255, 255, 0)).save(tmp_path / "print.jpg")
    assert np.abs(_decoded(tmp_path / "print.jpg", 8)[3, 3].astype(int) - [255, 0, 0]).max() < 12
    Image.new("RGB", (8, 8), (1, 2, 3)).quantize(4).save(tmp_path / "palette.png")
    assert _decoded(tmp_path / "palette.png", 8)[1, 1].tolist() == [1, 2, 3]
    Image.new("1", (8, 8), 1).save(tmp_path / "bits.png")
    assert _decoded(tmp_path / "bits.png", 8).min() == 255


def test_exif_orientation_is_applied(tmp_path: Path) -> None:
    pixels = _pixels(5, 9, 9)
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: show rotated 90 degrees clockwise
    Image.fromarray(pixels).save(tmp_path / "turned.png", exif=exif)
    assert (_decoded(tmp_path / "turned.png", 9) == np.rot90(pixels, -1)).all()


def test_the_centre_square_is_kept_even_of_extreme_shapes(tmp_path: Path) -> None:
    wide = np.zeros((6, 30, 3), np.uint8)
    wide[:, 12:18] = _pixels(1, 6, 6)
    Image.fromarray(wide).save(tmp_path / "wide.png")
    assert (_decoded(tmp_path / "wide.png", 6) == wide[:, 12:18]).all()
    Image.new("RGB", (1, 60_000), (4, 5, 6)).save(tmp_path / "line.png")
    assert _decoded(tmp_path / "line.png", 16).shape == (16, 16, 3)


def _reason(path: Path, max_megapixels: int = 200) -> str:
    form = ImageForm(8, max_megapixels=max_megapixels)
    reason = decode(EncodedImage(path.name, 0, None, lambda: path.open("rb")), form)
    assert isinstance(reason, str)
    assert "\n" not in reason
    return reason


_TURNS = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: np.rot90(a, 2),
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: np.rot90(a, 2).transpose(1, 0, 2),
    8: lambda a: np.rot90(a, 1),
}
"""What each EXIF orientation does to the stored pixels (Exif 2.32, tag 0x0112)."""


@pytest.mark.parametrize("orientation", _TURNS)
@pytest.mark.parametrize("form", ["png", "webp"])
def test_every_exif_orientation(orientation: int, form: str, tmp_path: Path) -> None:
    pixels = _pixels(5, 9, 9)
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(pixels).save(tmp_path / f"a.{form}", exif=exif, lossless=True)
    assert (_decoded(tmp_path / f"a.{form}", 9) == _TURNS[orientation](pixels)).all()


def test_what_is_half_clear_is_mixed_with_white(tmp_path: Path) -> None:
    """8-bit over white: 255 − a/255 · (255 − c), rounded."""
    pixels = np.random.default_rng(3).integers(0, 256, (7, 7, 4), dtype=np.uint8)
    alpha = pixels[..., 3:].astype(float) / 255
    expected = 255 - alpha * (255 - pixels[..., :3].astype(float))
    Image.fromarray(pixels).save(tmp_path / "a.png")
    assert np.abs(_decoded(tmp_path / "a.png", 7) - expected).max() <= 1
    Image.fromarray(pixels).save(tmp_path / "a.webp", lossless=True, exact=True)
    assert np.abs(_decoded(tmp_path / "a.webp", 7) - expected).max() <= 1
    assert (_taken(tmp_path / "a.png", ImageForm(7, channels=4)).square == pixels)[pixels[..., 3] > 250].all()


def test_clear_colours_of_palettes_and_greys_show_white(tmp_path: Path) -> None:
    palette = Image.new("P", (6, 6), 1)
    palette.putpalette([9, 8, 7, 200, 100, 50])
    palette.putpixel((2, 3), 0)
    palette.save(tmp_path / "a.png", transparency=1)
    pixels = _decoded(tmp_path / "a.png", 6)
    assert pixels[3, 2].tolist() == [9, 8, 7]
    assert pixels[0, 0].tolist() == [255, 255, 255]
    grey = Image.new("LA", (6, 6), (70, 0))
    grey.putpixel((1, 4), (70, 255))
    grey.save(tmp_path / "b.png")
    assert _decoded(tmp_path / "b.png", 6)[4, 1].tolist() == [70, 70, 70]
    assert _decoded(tmp_path / "b.png", 6)[0, 0].tolist() == [255, 255, 255]


def test_white_on_nothing_is_refused_unless_alpha_is_read(tmp_path: Path) -> None:
    icon = Image.new("RGBA", (6, 6), (255, 255, 255, 0))
    icon.putpixel((2, 2), (255, 255, 255, 255))
    icon.save(tmp_path / "a.png")
    assert _reason(tmp_path / "a.png").startswith("transparent, with nothing to see over white")
    assert _taken(tmp_path / "a.png", ImageForm(6, channels=4)).square[2, 2].tolist() == [255, 255, 255, 255]
    Image.new("RGBA", (6, 6), (255, 255, 255, 255)).save(tmp_path / "white.png")
    assert _decoded(tmp_path / "white.png", 6).min() == 255


@pytest.mark.parametrize("form", ["png", "webp"])
def test_animated_files_are_refused_and_stills_of_their_formats_are_not(form: str, tmp_path: Path) -> None:
    frames = [Image.fromarray(_pixels(seed)) for seed in (1, 2, 3)]
    frames[0].save(tmp_path / f"a.{form}", save_all=True, append_images=frames[1:], duration=50)
    assert _reason(tmp_path / f"a.{form}") == "animated, 3 frames: keep one as a still image"
    frames[0].save(tmp_path / f"b.{form}", save_all=True, lossless=True)
    assert (_decoded(tmp_path / f"b.{form}", 11) == _decoded_still(frames[0])).all()


def _decoded_still(image: Image.Image) -> NDArray[np.uint8]:
    stream = io.BytesIO()
    image.save(stream, "PNG")
    taken = decode(EncodedImage("x", 0, None, lambda: io.BytesIO(stream.getvalue())), ImageForm(11))
    assert isinstance(taken, Decoded)
    square: NDArray[np.uint8] = taken.square
    return square


def test_a_photograph_of_several_pictures_is_its_first(tmp_path: Path) -> None:
    """Phones write MPO files, a photograph with a preview behind it, and call them .jpg."""
    first, second = Image.new("RGB", (16, 16), (200, 30, 40)), Image.new("RGB", (16, 16), (0, 0, 250))
    first.save(tmp_path / "a.jpg", "MPO", save_all=True, append_images=[second])
    assert np.abs(_decoded(tmp_path / "a.jpg", 8).astype(int) - [200, 30, 40]).max() < 8


def test_ink_is_taken_off_paper(tmp_path: Path) -> None:
    """CMYK without a profile: a channel is 255 · (1 − ink) · (1 − black)."""
    inks = {(0, 0, 0, 0): 255, (0, 0, 0, 255): 0, (128, 128, 128, 0): 127, (0, 0, 0, 128): 127}
    for ink, level in inks.items():
        Image.new("CMYK", (16, 16), ink).save(tmp_path / "a.jpg", quality=95)
        assert np.abs(_decoded(tmp_path / "a.jpg", 8).astype(int) - level).max() < 8


def test_floats_and_other_formats_are_no_images(tmp_path: Path) -> None:
    for mode, form in (("F", "TIFF"), ("RGB", "TIFF"), ("RGB", "GIF"), ("RGB", "BMP")):
        Image.new(mode, (9, 9)).save(tmp_path / "a.png", form)
        assert _reason(tmp_path / "a.png") == "not a JPEG, PNG or WebP image"


def test_the_limit_is_the_forms(tmp_path: Path) -> None:
    Image.new("L", (1500, 800), 90).save(tmp_path / "a.png")
    assert _reason(tmp_path / "a.png", max_megapixels=1) == "1500 x 800 px, more than 1 megapixels"
    assert _decoded(tmp_path / "a.png", 8).tolist() == np.full((8, 8, 3), 90).tolist()


@pytest.mark.slow
def test_large_photographs_are_taken_one_at_a_time(tmp_path: Path) -> None:
    """8688 x 5792 px, as of a camera, four at once: the peak is that of one, about 10 bytes a pixel."""
    Image.new("RGB", (8688, 5792), (90, 80, 70)).save(tmp_path / "a.jpg")
    code = f"""
import resource, sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from scalesearch.proxy.decoding import ImageForm, EncodedImage, decode
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
picture = EncodedImage("a", 0, None, lambda: Path({str(tmp_path / "a.jpg")!r}).open("rb"))
with ThreadPoolExecutor(1) as large, ThreadPoolExecutor(4) as pool:
    squares = [one.square for one in pool.map(lambda _: decode(picture, ImageForm(8), large), range(4))]
assert len({{one.tobytes() for one in squares}}) == 1
assert abs(int(squares[0][3, 3, 0]) - 90) < 4
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 / (8688 * 5792))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert float(done.stdout) < 14
