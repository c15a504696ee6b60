"""Image folders: `PATH/train/<class>/*` with `PATH/val/<class>/*`, or `PATH/<class>/*` split here.

Files are JPEG, PNG or WebP by their suffix. Hidden files and files that are no pictures are ignored; pictures of
other formats and folders within a class's are refused, since images would be missing without a word.
"""

from __future__ import annotations

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

from PIL import Image

from scalesearch.errors import InputError, printable
from scalesearch.proxy.cache import SplitArrays
from scalesearch.proxy.channels import RGB
from scalesearch.proxy.hear import Hear, silent
from scalesearch.proxy.pictures import SPLIT_RULE_VERSION, Picture, read_pictures

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")
"""Of picture files that are read."""
_OTHERS = frozenset(Image.registered_extensions()) - {*SUFFIXES, ".pdf"} | {".avif", ".heic", ".heif", ".svg"}
"""Of pictures in other formats."""


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


def read_folder(listing: FolderListing, px: int, hear: Hear = silent, channels: int = RGB) -> SplitArrays:
    """Decodes every file (see `pictures.read_pictures`)."""
    pictures = [
        Picture(str(one.path.relative_to(listing.root)), one.label, one.split, partial(open_file, one.path))
        for one in listing.files
    ]
    return read_pictures(pictures, listing.classes, f"data folder {_shown(listing.root)}", px, hear, channels)


def open_file(path: Path) -> BinaryIO:
    """A regular file's bytes; `OSError` for anything else."""
    if not path.is_file():  # a socket or a pipe would wait for ever
        raise OSError("not a file")
    return path.open("rb")


def _class_names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in _entries(folder) if entry.is_dir())


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(entry for entry in folder.iterdir() if not entry.name.startswith("."))
    except OSError as error:
        raise InputError(f"cannot list {_shown(folder)} ({error.strerror}): check its permissions") from error


def _image_paths(root: Path, folder: Path) -> list[Path]:
    entries = _entries(folder)
    paths = [entry for entry in entries if entry.suffix.lower() in SUFFIXES]
    odd = [
        one
        for one in entries
        if one.suffix.lower() not in SUFFIXES and (one.is_dir() or one.suffix.lower() in _OTHERS)
    ]
    if odd:
        more = f" and {len(odd) - 1} more" if len(odd) > 1 else ""
        raise InputError(
            f"data folder {_shown(root)}: '{printable(str(odd[0].relative_to(root)))}'{more} would be left out: a "
            f"class's folder holds its pictures themselves, as {' '.join(SUFFIXES)}; convert or move what is not"
        )
    if not paths:
        raise InputError(
            f"data folder {_shown(root)}: class '{printable(str(folder.relative_to(root)))}' has no images "
            f"({' '.join(SUFFIXES)}): add some, or remove it"
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


def _shown(path: Path) -> str:
    return f"'{printable(str(path))}'"
