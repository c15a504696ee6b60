"""Image folders: `PATH/train/<class>/*` with `PATH/val/<class>/*`, or `PATH/<class>/*` split here.

Files are JPEG, PNG or WebP by their suffix. Hidden files and files with other suffixes are ignored. Every
file is decoded before anything is trained, and all that cannot be are listed in one error.
"""

from __future__ import annotations

import hashlib
import os
import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from scalesearch.errors import InputError, printable
from scalesearch.proxy.cache import SplitArrays

SPLIT_RULE_VERSION = 1
"""Part of the cache key: raise it whenever the same files would be decoded or split otherwise."""
MAX_PIXELS = 50_000_000
"""Images whose header states more pixels than this are refused before they are decoded."""
MAX_LISTED = 20
"""Unreadable files that one error lists."""

_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")
_FORMATS = ("JPEG", "PNG", "WEBP")
_VAL_SHARE = 0.2


@dataclass(frozen=True, slots=True)
class ImageFile:
    """One file of a data set: its path, its label, and the split the folder puts it in, if it does."""

    path: Path
    label: int
    split: str | None


@dataclass(frozen=True, slots=True, eq=False)
class FolderListing:
    """The image files of a folder, by class and name, and the class names in the order of the labels."""

    root: Path
    files: tuple[ImageFile, ...]
    classes: tuple[str, ...]


def list_folder(root: Path) -> FolderListing:
    """Finds the classes and files under `root`, without opening a file.

    Raises `InputError` if there is no such folder, only one class, a class without images, one of `train` and
    `val` without the other, or classes that only one of them has.
    """
    if not root.is_dir():
        what = "is a file" if root.exists() else "does not exist"
        raise InputError(f"data folder {_shown(root)} {what}: give a folder with one folder of images per class")
    splits = [name for name in ("train", "val") if (root / name).is_dir()]
    if len(splits) == 1 and _class_names(root / splits[0]):
        missing = "val" if splits == ["train"] else "train"
        raise InputError(
            f"data folder {_shown(root)} has {splits[0]}/ but no {missing}/: add it, or give {splits[0]}/"
        )
    tops: list[str | None] = ["train", "val"] if len(splits) == 2 else [None]
    names = [_class_names(root / top if top else root) for top in tops]
    if len(names) == 2 and names[0] != names[1]:
        odd = printable(min(set(names[0]) ^ set(names[1])))
        raise InputError(
            f"data folder {_shown(root)}: class '{odd}' is in only one of train/ and val/: add or remove it"
        )
    if len(names[0]) < 2:
        found = f"only one class, '{printable(names[0][0])}'" if names[0] else "no images"
        raise InputError(
            f"data folder {_shown(root)} has {found}: it needs a folder of images for each of 2+ classes"
        )
    files = [
        ImageFile(path, label, top)
        for top in tops
        for label, name in enumerate(names[0])
        for path in _image_paths(root, (root / top if top else root) / name)
    ]
    return FolderListing(root, tuple(files), tuple(printable(name) for name in names[0]))


def listing_key(listing: FolderListing, px: int) -> str:
    """The cache key (hex): SHA-256 over relative names, file contents, `px` and the rule's version.

    A file that cannot be opened counts by its name; reading it will say what is wrong.
    """
    digest = hashlib.sha256(f"folder {SPLIT_RULE_VERSION} {px}".encode())
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for file, content in zip(listing.files, pool.map(_file_sha256, listing.files), strict=True):
            name = os.fsencode(file.path.relative_to(listing.root))
            digest.update(len(name).to_bytes(8, "little") + name + content)
    return digest.hexdigest()


def read_folder(listing: FolderListing, px: int) -> SplitArrays:
    """Decodes every file: short side to `px`, centre square, RGB; within a split by label, then content.

    Without `train` and `val` folders, `split_by_content` takes a fifth of every class for validation.
    Raises `InputError` if a file cannot be read, if a picture is in both splits, or if a class is too small
    to split.
    """
    with warnings.catch_warnings(), ThreadPoolExecutor(os.cpu_count()) as pool:
        # Pillow warns of odd metadata and of sizes that are refused below.
        warnings.simplefilter("ignore")
        decoded = list(pool.map(lambda file: _decode(file.path, px), listing.files))
    broken = [(file, why) for file, why in zip(listing.files, decoded, strict=True) if isinstance(why, str)]
    if broken:
        raise InputError(_broken_message(listing, broken))
    pictures = [picture for picture in decoded if not isinstance(picture, str)]
    labels = [file.label for file in listing.files]
    digests = [digest for digest, _ in pictures]
    if listing.files[0].split is None:
        train, val = split_by_content(labels, digests, listing.classes)
    else:
        train, val = (
            sorted(
                (index for index, file in enumerate(listing.files) if file.split == split),
                key=lambda index: (labels[index], digests[index]),
            )
            for split in ("train", "val")
        )
    _refuse_overlap(listing, digests, train, val)
    train_images, val_images = (np.stack([pictures[index][1] for index in part]) for part in (train, val))
    labels_N = np.array(labels, np.int64)
    return SplitArrays(train_images, labels_N[train], val_images, labels_N[val], listing.classes)


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
    """The centre square of an RGB image, scaled to (px, px, 3)."""
    short = min(image.size)
    left, top = (image.width - short) // 2, (image.height - short) // 2
    box = (left, top, left + short, top + short)
    return np.asarray(image.resize((px, px), Image.Resampling.BICUBIC, box=box))


def _class_names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in _entries(folder) if entry.is_dir())


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(entry for entry in folder.iterdir() if not entry.name.startswith("."))
    except OSError as error:
        raise InputError(f"cannot list {_shown(folder)} ({error.strerror}): check its permissions") from error


def _image_paths(root: Path, folder: Path) -> list[Path]:
    paths = [entry for entry in _entries(folder) if entry.suffix.lower() in _SUFFIXES]
    if not paths:
        raise InputError(
            f"data folder {_shown(root)}: class '{printable(str(folder.relative_to(root)))}' has no images "
            f"({' '.join(_SUFFIXES)}): add some, or remove it"
        )
    return paths


def _file_sha256(file: ImageFile) -> bytes:
    if not file.path.is_file():
        return b""
    try:
        with file.path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").digest()
    except OSError:
        return b""


def _decode(path: Path, px: int) -> tuple[str, NDArray[np.uint8]] | str:
    """The picture's digest and its (px, px, 3) square, or why it cannot be read."""
    if not path.is_file():
        return "not a file"
    try:
        with Image.open(path, formats=_FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                return f"{image.width} x {image.height} px, more than {MAX_PIXELS // 10**6} megapixels"
            image.load()
            rgb = _to_rgb(ImageOps.exif_transpose(image))
            return picture_digest(np.asarray(rgb)), resize_square(rgb, px)
    except Image.DecompressionBombError:
        return f"more than {MAX_PIXELS // 10**6} megapixels"
    except UnidentifiedImageError:
        return "not a JPEG, PNG or WebP image"
    except Exception as error:  # Decoders raise what they like on hostile bytes.
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


def _broken_message(listing: FolderListing, broken: list[tuple[ImageFile, str]]) -> str:
    count = f"{len(broken)} of {len(listing.files)} images"
    lines = [f"{count} in {_shown(listing.root)} cannot be read: repair or remove them"]
    lines += [f"  {_relative(listing, file)}: {why}" for file, why in broken[:MAX_LISTED]]
    if len(broken) > MAX_LISTED:
        lines.append(f"  and {len(broken) - MAX_LISTED} more")
    return "\n".join(lines)


def _refuse_overlap(listing: FolderListing, digests: list[str], train: list[int], val: list[int]) -> None:
    """Raises `InputError` if a picture, by its decoded pixels, is in both splits."""
    in_train = {digests[index]: index for index in train}
    both = [(in_train[digests[index]], index) for index in val if digests[index] in in_train]
    if both:
        first, second = (_relative(listing, listing.files[index]) for index in both[0])
        raise InputError(
            f"data folder {_shown(listing.root)}: pictures in both train and val: {len(both)}, "
            f"such as {second} and {first}: remove one of each pair"
        )


def _relative(listing: FolderListing, file: ImageFile) -> str:
    return f"'{printable(str(file.path.relative_to(listing.root)))}'"


def _shown(path: Path) -> str:
    return f"'{printable(str(path))}'"
