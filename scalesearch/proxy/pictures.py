"""Pictures of any source → a data set: decode, cut to squares, split by content, refuse what cannot be used.

Every picture is decoded before anything is trained, and all that cannot be are listed in one error.
"""

from __future__ import annotations

import hashlib
import os
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from scalesearch.errors import InputError, printable
from scalesearch.proxy.cache import SplitArrays
from scalesearch.proxy.channels import RGB, RGBA, of_channels
from scalesearch.proxy.hear import Hear, silent

SPLIT_RULE_VERSION = 2
"""Part of every cache key: raise it whenever the same bytes would be decoded or split otherwise."""
MAX_PIXELS = 50_000_000
"""Pictures whose header states more pixels than this are refused before they are decoded."""
MAX_LISTED = 20
"""Unreadable pictures that one error lists."""

_FORMATS = ("JPEG", "PNG", "WEBP")
_VAL_SHARE = 0.2


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture of a data set: a name for messages, its label, the split it is given in, its bytes."""

    name: str
    label: int
    split: str | None
    """`train`, `val`, or None where the data set is to be split here."""
    open: Callable[[], BinaryIO]
    """Raises `OSError` with a reason where there are no bytes."""


def read_pictures(
    pictures: Sequence[Picture],
    classes: Sequence[str],
    where: str,
    px: int,
    hear: Hear = silent,
    channels: int = RGB,
) -> SplitArrays:
    """Decodes all: short side to `px`, centre square, RGB unless `channels` differ; by label and content.

    Without splits of their own, `split_by_content` takes a fifth of every class for validation. `where` begins
    the messages, as in `data folder 'pets'`. Raises `InputError` if a picture cannot be read, if one is in both
    splits, or if a class is too small to split.
    """
    found = _decoded(pictures, where, px, hear, channels)
    labels, digests = [one.label for one in pictures], [digest for digest, _ in found]
    if pictures[0].split is None:
        train, val = split_by_content(labels, digests, classes)
    else:
        train, val = (
            sorted(
                (index for index, one in enumerate(pictures) if one.split == split),
                key=lambda index: (labels[index], digests[index]),
            )
            for split in ("train", "val")
        )
    _refuse_overlap(where, pictures, digests, train, val)
    train_images, val_images = (np.stack([found[index][1] for index in part]) for part in (train, val))
    labels_N = np.array(labels, np.int64)
    return SplitArrays(train_images, labels_N[train], val_images, labels_N[val], tuple(classes))


def read_squares(pictures: Sequence[Picture], where: str, px: int) -> NDArray[np.uint8]:
    """The pictures' centre squares (N, px, px, 3), RGB; raises `InputError` if one cannot be read."""
    return np.stack([square for _, square in _decoded(pictures, where, px, silent)])


def _decoded(
    pictures: Sequence[Picture], where: str, px: int, hear: Hear, channels: int = RGB
) -> list[tuple[str, NDArray[np.uint8]]]:
    with warnings.catch_warnings(), ThreadPoolExecutor(os.cpu_count()) as pool:
        # Pillow warns of odd metadata and of sizes that are refused below.
        warnings.simplefilter("ignore")
        decoded = []
        try:
            for one in pool.map(lambda one: _decode(one, px, channels), pictures):
                decoded.append(one)
                hear(len(decoded), len(pictures))
        except BaseException:  # Ctrl-C ends it before the last picture
            pool.shutdown(cancel_futures=True)
            raise
    broken = [(one, why) for one, why in zip(pictures, decoded, strict=True) if isinstance(why, str)]
    if broken:
        raise InputError(_broken_message(where, len(pictures), broken))
    return [one for one in decoded if not isinstance(one, str)]


def picture_digest(rgb_HWC: NDArray[np.uint8]) -> str:
    """SHA-256 (hex) of a decoded picture: its height and width, and its RGB bytes."""
    height, width, _ = rgb_HWC.shape
    digest = hashlib.sha256(f"{height}x{width} ".encode())
    digest.update(np.ascontiguousarray(rgb_HWC).data)
    return digest.hexdigest()


def split_by_content(
    labels: Sequence[int], digests: Sequence[str], classes: Sequence[str]
) -> tuple[list[int], list[int]]:
    """Indices of the training and the validation pictures, each by label, then content.

    In every class the fifth with the smallest digests (at least one) is for validation: that is as good as
    random, does not depend on names or order, and keeps copies of a picture together. Raises `InputError` for
    a class with fewer than 2 different pictures.
    """
    train: list[int] = []
    val: list[int] = []
    for label, name in enumerate(classes):
        members = sorted((digests[index], index) for index, own in enumerate(labels) if own == label)
        distinct = sorted({digest for digest, _ in members})
        if len(distinct) < 2:
            raise InputError(f"class '{name}' has fewer than 2 different images: add some, or remove the class")
        last = distinct[max(1, round(_VAL_SHARE * len(distinct))) - 1]
        val += [index for digest, index in members if digest <= last]
        train += [index for digest, index in members if digest > last]
    return train, val


def resize_square(image: Image.Image, px: int) -> NDArray[np.uint8]:
    """The centre square of an RGB or RGBA image, scaled to (px, px, 3 or 4); a clear pixel has no weight."""
    short = min(image.size)
    left, top = (image.width - short) // 2, (image.height - short) // 2
    box = (left, top, left + short, top + short)
    return np.asarray(image.resize((px, px), Image.Resampling.BICUBIC, box=box))


def _decode(picture: Picture, px: int, channels: int = RGB) -> tuple[str, NDArray[np.uint8]] | str:
    """The picture's digest and its (px, px, channels) square, or why it cannot be read.

    The digest is that of RGB whatever the channels, so that they do not decide the split.
    """
    try:
        with picture.open() as stream, Image.open(stream, formats=_FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                return f"{image.width} x {image.height} px, more than {MAX_PIXELS // 10**6} megapixels"
            image.load()
            upright = ImageOps.exif_transpose(image)
            rgb = _to_rgb(upright)
            if channels == RGBA and upright.has_transparency_data:
                square = resize_square(upright.convert("RGBA"), px)
            else:
                square = of_channels(resize_square(rgb, px), channels)
            return picture_digest(np.asarray(rgb)), square
    except Image.DecompressionBombError:
        return f"more than {MAX_PIXELS // 10**6} megapixels"
    except UnidentifiedImageError:
        return "not a JPEG, PNG or WebP image"
    except Exception as error:  # No such file; and decoders raise what they like on hostile bytes.
        return printable(str(error)) or type(error).__name__


def _to_rgb(image: Image.Image) -> Image.Image:
    """RGB: 16-bit greys keep their upper 8 bits (Pillow alone would clip), transparency shows white."""
    if image.mode.startswith("I"):
        levels = np.asarray(image, np.int64) >> 8
        return Image.fromarray(np.clip(levels, 0, 255).astype(np.uint8)).convert("RGB")
    if image.has_transparency_data:
        layered = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", layered.size, "white"), layered).convert("RGB")
    return image.convert("RGB")


def _broken_message(where: str, total: int, broken: list[tuple[Picture, str]]) -> str:
    lines = [f"{where}: {len(broken)} of {total} images cannot be read: repair or remove them"]
    lines += [f"  '{printable(one.name)}': {why}" for one, why in broken[:MAX_LISTED]]
    if len(broken) > MAX_LISTED:
        lines.append(f"  and {len(broken) - MAX_LISTED} more")
    return "\n".join(lines)


def _refuse_overlap(
    where: str, pictures: Sequence[Picture], digests: list[str], train: list[int], val: list[int]
) -> None:
    """Raises `InputError` if a picture, by its decoded pixels, is in both splits."""
    in_train = {digests[index]: index for index in train}
    both = [(in_train[digests[index]], index) for index in val if digests[index] in in_train]
    if both:
        first, second = (f"'{printable(pictures[index].name)}'" for index in both[0])
        raise InputError(
            f"{where}: pictures in both train and val: {len(both)}, "
            f"such as {second} and {first}: remove one of each pair"
        )
