"""One encoded picture → its centre square, its digest, and how deep its levels are."""

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
from scalesearch.proxy.channels import RGB, RGBA, of_channels
from scalesearch.units import MAX_MEGAPIXELS

_FORMATS = ("JPEG", "PNG", "WEBP")
_LEVELS, _OPAQUE = 256, 255
_LARGE = 16 * 10**6
"""Pixels above which pictures are decoded one at a time, so that memory does not grow with the number of cores."""


@dataclass(frozen=True, slots=True)
class ImageForm:
    """What pictures are made into, and which are taken."""

    px: int
    """Side of the square."""
    channels: int = RGB
    """1 (luminance), 3 (RGB) or 4 (RGB and alpha)."""
    max_megapixels: int = MAX_MEGAPIXELS
    """Larger pictures are refused."""


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture of a data set: a name for messages, its label, the split it is given in, its bytes."""

    name: str
    label: int
    split: str | None
    """`train`, `val`, or None where the data set is to be split here."""
    open: Callable[[], BinaryIO]
    """Raises `OSError` with a reason where there are no bytes."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """One decoded picture."""

    digest: str
    """SHA-256 (hex) over its size and its pixels before they are scaled; of RGB whatever the channels, so that
    these do not decide the split. Of 4 channels that of RGBA is added where a pixel is not opaque."""
    square: NDArray[Any]
    """uint8 (px, px, channels); of 16-bit greys the levels themselves, float32 (px, px)."""
    grey_range: tuple[int, int] | None = None
    """The lowest and highest level of a 16-bit grey picture; None of any other."""
    colour_counts: NDArray[np.uint32] | None = None
    """(256,) how many values of a picture of 16-bit colour have each level by its upper 8 bits, which are all that
    is read: of opaque pixels, or where none is of all that are not clear. None of any other picture,
    and of one that is clear."""


def decode(picture: Picture, form: ImageForm, large: Executor | None = None) -> Decoded | str:
    """The picture, or why it cannot be read; whatever a decoder raises on hostile bytes becomes such a reason.

    Args:
        picture: what is decoded.
        form: what it is made into.
        large: of one thread, for large pictures, which keep 10 bytes a pixel while they are decoded.
    """
    limit = f"more than {form.max_megapixels} megapixels"
    try:
        with picture.open() as stream, Image.open(stream, formats=_FORMATS) as image:
            pixels = image.width * image.height
            if pixels > form.max_megapixels * 10**6:
                return f"{image.width} x {image.height} px, {limit}"
            if image.format in ("PNG", "WEBP") and getattr(image, "is_animated", False):
                return f"animated, {getattr(image, 'n_frames', 2)} frames: keep one as a still image"
            if large is None or pixels <= _LARGE:
                return _decoded(image, form)
            return large.submit(_decoded_and_closed, image, form).result()
    except Image.DecompressionBombError:
        return limit
    except UnidentifiedImageError:
        return "not a JPEG, PNG or WebP image"
    except Exception as error:  # No such file; and decoders raise what they like.
        return printable(" ".join(str(error).split())) or type(error).__name__


def _decoded_and_closed(image: Image.Image, form: ImageForm) -> Decoded | str:
    """The picture's pixels are given back before the next one is begun."""
    with closing(image):
        return _decoded(image, form)


def _decoded(image: Image.Image, form: ImageForm) -> Decoded | str:
    deep = image.mode[0] != "I" and any(";16" in str(tile[3]) for tile in getattr(image, "tile", ()))
    ImageOps.exif_transpose(image, in_place=True)  # loads it; a copy would double the memory
    if image.mode.startswith("I"):
        return _grey(image, form.px)
    rgb = _to_rgb(image)
    rgb_HWC = np.asarray(rgb)
    digest = picture_digest(rgb_HWC)
    if form.channels == RGBA and image.has_transparency_data:
        layered = image.convert("RGBA")
        square = resize_square(layered, form.px)
        digest += _digest_of_clear(layered)
    elif image.has_transparency_data and _vanishes(image, rgb_HWC):
        return "transparent, with nothing to see over white: flatten it over another colour"
    else:
        square = of_channels(resize_square(rgb, form.px), form.channels)
    return Decoded(digest, square, colour_counts=_colour_counts(image) if deep else None)


def _digest_of_clear(layered: Image.Image) -> str:
    """SHA-256 (hex) of RGBA where some pixel is not opaque, else nothing; clear pixels have no colour.

    It is put after the digest of RGB, by which pictures stay in order whatever the channels.
    """
    rgba_HWC = np.array(layered)
    alpha_HW = rgba_HWC[..., 3]
    if alpha_HW.min() == _OPAQUE:
        return ""
    rgba_HWC[alpha_HW == 0] = 0
    return hashlib.sha256(rgba_HWC.data).hexdigest()


def _colour_counts(image: Image.Image) -> NDArray[np.uint32] | None:
    """See `Decoded.colour_counts`: what is laid over white would look as if it used the whole range."""
    mask = None
    if image.has_transparency_data:
        image = image.convert("RGBA")
        alpha = image.getchannel("A")
        highest = alpha.getextrema()[1]
        if highest == 0:
            return None
        least = _OPAQUE if highest == _OPAQUE else 1
        mask = alpha.point([255 * (level >= least) for level in range(_LEVELS)])
    counts = image.convert("RGB").histogram(mask)  # in place of NumPy's, which takes 8 bytes a value
    levels: NDArray[np.uint32] = np.array(counts, np.uint32).reshape(3, _LEVELS).sum(axis=0, dtype=np.uint32)
    return levels


def _grey(image: Image.Image, px: int) -> Decoded:
    """A 16-bit grey picture: its levels, to be scaled when the range of the whole set is known."""
    levels_HW = np.asarray(image).astype(np.int32)
    digest = hashlib.sha256(f"{image.height}x{image.width} grey ".encode())
    digest.update(np.ascontiguousarray(levels_HW.astype("<i4")).data)
    square = resize_square(Image.fromarray(levels_HW.astype(np.float32)), px)
    return Decoded(digest.hexdigest(), square, (int(levels_HW.min()), int(levels_HW.max())))


def _to_rgb(image: Image.Image) -> Image.Image:
    """RGB; what is transparent shows white. Colour profiles are not applied."""
    if image.has_transparency_data:
        layered = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", layered.size, "white"), layered).convert("RGB")
    return image if image.mode == "RGB" else image.convert("RGB")


def _vanishes(image: Image.Image, rgb_HWC: NDArray[np.uint8]) -> bool:
    """Whether a picture that is transparent somewhere is plain white once it is laid over white."""
    return bool(rgb_HWC.min() == 255 and np.asarray(image.convert("RGBA").getchannel("A")).min() < 255)


def picture_digest(rgb_HWC: NDArray[np.uint8]) -> str:
    """SHA-256 (hex) of a decoded picture: its height and width, and its RGB bytes."""
    height, width, _ = rgb_HWC.shape
    digest = hashlib.sha256(f"{height}x{width} ".encode())
    digest.update(np.ascontiguousarray(rgb_HWC).data)
    return digest.hexdigest()


def resize_square(image: Image.Image, px: int) -> NDArray[Any]:
    """The centre square scaled to (px, px, bands), or to (px, px) of one band; a clear pixel has no weight."""
    short = min(image.size)
    left, top = (image.width - short) // 2, (image.height - short) // 2
    box = (left, top, left + short, top + short)
    return np.asarray(image.resize((px, px), Image.Resampling.BICUBIC, box=box))
