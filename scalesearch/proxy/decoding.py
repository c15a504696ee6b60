"""Decode one encoded image: to its centre square, its content digest, and the range of its levels."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import closing
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from scalesearch.errors import printable
from scalesearch.proxy.channels import RGB, RGBA, convert_channels
from scalesearch.units import MAX_MEGAPIXELS

_FORMATS = ("JPEG", "PNG", "WEBP")
_LEVELS, _OPAQUE = 256, 255
_LARGE = 16 * 10**6
"""The number of pixels above which pictures are decoded one at a time: memory must not grow with the number of
cores."""


@dataclass(frozen=True, slots=True)
class ImageForm:
    """Describes what pictures are decoded to, and which are accepted."""

    px: int
    """The side of the square."""
    channels: int = RGB
    """1 (luminance), 3 (RGB) or 4 (RGB and alpha)."""
    max_megapixels: int = MAX_MEGAPIXELS
    """Larger pictures are refused."""


@dataclass(frozen=True, slots=True)
class EncodedImage:
    """Describes one encoded image of a data set: its name in messages, its label, its given split, its bytes."""

    name: str
    label: int
    split: str | None
    """`train`, `val`, or None where the data set has no splits and is split by content."""
    open: Callable[[], BinaryIO]
    """Opens the bytes; raises `OSError` with a reason where there are none."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """Holds one decoded picture."""

    digest: str
    """The SHA-256 (hex) over its size and its pixels before they are scaled. It is always that of RGB, so that the
    number of channels does not decide the split. With 4 channels the digest of RGBA is appended where a pixel is
    not opaque."""
    square: NDArray[Any]
    """uint8 (px, px, channels); for 16-bit greys the levels themselves, float32 (px, px)."""
    grey_range: tuple[int, int] | None = None
    """The lowest and the highest level of a 16-bit grey picture; None for any other."""
    colour_counts: NDArray[np.uint32] | None = None
    """(256,): how many values of a picture of 16-bit colour have each level in their upper 8 bits, which are all
    that is read. Opaque pixels are counted or, where there are none, all that are not fully transparent. None for
    any other picture, and for one that is fully transparent."""


def decode(picture: EncodedImage, form: ImageForm, large: Executor | None = None) -> Decoded | str:
    """Decode the picture, or return why it cannot be read.

    Whatever a decoder raises on hostile bytes becomes such a reason.

    Args:
        picture: the picture to decode.
        form: what it is decoded to.
        large: an executor of one thread for large pictures, which take 10 bytes a pixel while they are decoded.
    """
    too_large = f"more than {form.max_megapixels} megapixels"
    try:
        with picture.open() as stream, Image.open(stream, formats=_FORMATS) as image:
            pixels = image.width * image.height
            if pixels > form.max_megapixels * 10**6:
                return f"{image.width} x {image.height} px, {too_large}"
            if image.format in ("PNG", "WEBP") and getattr(image, "is_animated", False):
                return f"animated, {getattr(image, 'n_frames', 2)} frames: keep one as a still image"
            if large is None or pixels <= _LARGE:
                return _decode_open_image(image, form)
            return large.submit(_decode_and_close, image, form).result()
    except Image.DecompressionBombError:
        return too_large
    except UnidentifiedImageError:
        return "not a JPEG, PNG or WebP image"
    except Exception as error:  # a missing file; and decoders raise errors of any type
        return printable(" ".join(str(error).split())) or type(error).__name__


def _decode_and_close(image: Image.Image, form: ImageForm) -> Decoded | str:
    """Decode the picture and free its pixels before the next one is begun."""
    with closing(image):
        return _decode_open_image(image, form)


def _decode_open_image(image: Image.Image, form: ImageForm) -> Decoded | str:
    is_16_bit = image.mode[0] != "I" and any(";16" in str(tile[3]) for tile in getattr(image, "tile", ()))
    ImageOps.exif_transpose(image, in_place=True)  # loads it; a copy would double the memory
    if image.mode.startswith("I"):
        return _decode_16_bit_grey(image, form.px)
    rgb = _to_rgb(image)
    rgb_HWC = np.asarray(rgb)
    digest = picture_digest(rgb_HWC)
    if form.channels == RGBA and image.has_transparency_data:
        rgba = image.convert("RGBA")
        square = resize_square(rgba, form.px)
        digest += _alpha_digest(rgba)
    elif image.has_transparency_data and _is_blank_on_white(image, rgb_HWC):
        return "transparent, with nothing to see over white: flatten it over another colour"
    else:
        square = convert_channels(resize_square(rgb, form.px), form.channels)
    return Decoded(digest, square, colour_counts=_colour_counts(image) if is_16_bit else None)


def _alpha_digest(rgba: Image.Image) -> str:
    """Return the SHA-256 (hex) of RGBA where some pixel is not opaque, else an empty string.

    Fully transparent pixels have no colour. The digest is appended to that of RGB, which keeps the order of
    pictures the same for any number of channels.
    """
    rgba_HWC = np.array(rgba)
    alpha_HW = rgba_HWC[..., 3]
    if alpha_HW.min() == _OPAQUE:
        return ""
    rgba_HWC[alpha_HW == 0] = 0
    return hashlib.sha256(rgba_HWC.data).hexdigest()


def _colour_counts(image: Image.Image) -> NDArray[np.uint32] | None:
    """Return `Decoded.colour_counts`.

    Transparent pixels are masked out: laid over white they would look as if the picture used the whole range.
    """
    mask = None
    if image.has_transparency_data:
        image = image.convert("RGBA")
        alpha = image.getchannel("A")
        max_alpha = alpha.getextrema()[1]
        if max_alpha == 0:
            return None
        min_alpha = _OPAQUE if max_alpha == _OPAQUE else 1
        mask = alpha.point([255 * (level >= min_alpha) for level in range(_LEVELS)])
    counts = image.convert("RGB").histogram(mask)  # Pillow's histogram: NumPy's takes 8 bytes a value
    levels: NDArray[np.uint32] = np.array(counts, np.uint32).reshape(3, _LEVELS).sum(axis=0, dtype=np.uint32)
    return levels


def _decode_16_bit_grey(image: Image.Image, px: int) -> Decoded:
    """Return the levels of a 16-bit grey picture; they are scaled when the range of the whole set is known."""
    levels_HW = np.asarray(image).astype(np.int32)
    digest = hashlib.sha256(f"{image.height}x{image.width} grey ".encode())
    digest.update(np.ascontiguousarray(levels_HW.astype("<i4")).data)
    square = resize_square(Image.fromarray(levels_HW.astype(np.float32)), px)
    return Decoded(digest.hexdigest(), square, (int(levels_HW.min()), int(levels_HW.max())))


def _to_rgb(image: Image.Image) -> Image.Image:
    """Convert to RGB; transparent pixels become white. Colour profiles are not applied."""
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("RGB")
    return image if image.mode == "RGB" else image.convert("RGB")


def _is_blank_on_white(image: Image.Image, rgb_HWC: NDArray[np.uint8]) -> bool:
    """Return whether a picture that is transparent somewhere is plain white once it is laid over white."""
    return bool(rgb_HWC.min() == 255 and np.asarray(image.convert("RGBA").getchannel("A")).min() < 255)


def picture_digest(rgb_HWC: NDArray[np.uint8]) -> str:
    """Return the SHA-256 (hex) of a decoded picture: its height and width, and its RGB bytes."""
    height, width, _ = rgb_HWC.shape
    digest = hashlib.sha256(f"{height}x{width} ".encode())
    digest.update(np.ascontiguousarray(rgb_HWC).data)
    return digest.hexdigest()


def resize_square(image: Image.Image, px: int) -> NDArray[Any]:
    """Scale the centre square to (px, px, bands), or to (px, px) for one band.

    Fully transparent pixels have no weight.
    """
    shorter_side = min(image.size)
    left, top = (image.width - shorter_side) // 2, (image.height - shorter_side) // 2
    box = (left, top, left + shorter_side, top + shorter_side)
    return np.asarray(image.resize((px, px), Image.Resampling.BICUBIC, box=box))
