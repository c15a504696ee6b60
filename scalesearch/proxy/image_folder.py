"""Image folders: `PATH/train/<class>/*` with `PATH/val/<class>/*`, or `PATH/<class>/*` split here.

Splits may have the other names of `splits`. Files are JPEG, PNG or WebP, by their suffix or by their first bytes.
Pictures of other formats and folders within a class's are refused; any other file that is not used is counted.
"""

from __future__ import annotations

import hashlib
import os
import unicodedata
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from scalesearch.errors import InputError, printable
from scalesearch.proxy.cache import SplitArrays
from scalesearch.proxy.decoding import ImageForm, Picture
from scalesearch.proxy.image_files import ClassFiles, class_files, count_of, entries_of
from scalesearch.proxy.pictures import form_key, read_pictures
from scalesearch.proxy.progress import ProgressCallback, no_progress
from scalesearch.proxy.rows import check_normalised, open_file
from scalesearch.proxy.splits import split_of_name, use_of_splits


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
    notes: tuple[str, ...] = ()
    """What is not used, and what splits are used for."""


def list_folder(root: Path) -> FolderListing:
    """Finds the classes and files under `root`; opens only files whose suffix does not say what they are.

    Raises `InputError` if there is no such folder, only one class, a class without images, a training split
    without a validation split, classes that only one of them has, or names that differ in normalisation only.
    """
    if not root.is_dir():
        what = "is a file" if root.exists() else "does not exist"
        raise InputError(f"data folder {_shown(root)} {what}: give a folder with one folder of images per class")
    tops, notes = _tops(root)
    by_top = [_classes(root, top) for top, _ in tops]
    if len(by_top) == 2:
        notes += _check_same_classes(root, by_top, [top.name for top, _ in tops])
    names = list(by_top[0].values())
    if len(names) < 2:
        has = f"only one class, '{printable(names[0])}'" if names else "no images"
        raise InputError(
            f"data folder {_shown(root)} has {has}: it needs a folder of images for each of 2+ classes"
        )
    parts = [
        (label, split, class_files(root, top / classes[key]))
        for (top, split), classes in zip(tops, by_top, strict=True)
        for label, key in enumerate(by_top[0])
    ]
    files = [ImageFile(path, label, split) for label, split, part in parts for path in part.images]
    return FolderListing(
        root, tuple(files), tuple(printable(name) for name in names), (*notes, *_unused(root, tops, parts))
    )


def _tops(root: Path) -> tuple[list[tuple[Path, str | None]], list[str]]:
    """The folders that hold the classes' folders, with their splits, and notes on the choice."""
    folders = [entry for entry in entries_of(root) if entry.is_dir()]
    splits: dict[str, Path] = {}
    for folder in folders:
        if not any(entry.is_dir() for entry in entries_of(folder)):
            continue  # a class may be called `train` or `dev`
        split = split_of_name(folder.name)
        if split in splits:
            pair = f"{printable(splits[split].name)}/ and {printable(folder.name)}/"
            raise InputError(f"data folder {_shown(root)}: {pair} are both {split}: put them into one folder")
        if split is not None:
            splits[split] = folder
    if not splits:
        return [(root, None)], []
    if "train" not in splits or len(splits) == 1:
        missing = "val" if "train" in splits else "train"
        there = printable(next(iter(splits.values())).name)
        raise InputError(
            f"data folder {_shown(root)} has {there}/ but no {missing}/: add it, or give the folder of the classes"
        )
    counts: dict[str | None, int] = {split: count_of(folder) for split, folder in splits.items()}
    use = use_of_splits(counts, f"data folder {_shown(root)}")
    chosen = [(splits[name], use.used[name]) for name in ("train", "val", "test") if name in use.used]
    rest = [printable(one.name) for one in folders if one not in splits.values()]
    spare = [f"folders beside the splits are not used: {', '.join(rest)}"] if rest else []
    return chosen, [*use.notes, *spare]


def _classes(root: Path, top: Path) -> dict[str, str]:
    """The names of the classes' folders by their normalised form, in the order of the names."""
    names = sorted(entry.name for entry in entries_of(top) if entry.is_dir())
    check_normalised(names, f"data folder {_shown(root)}")
    return {unicodedata.normalize("NFC", name): name for name in names}


def _check_same_classes(root: Path, by_top: Sequence[dict[str, str]], tops: Sequence[str]) -> list[str]:
    """Raises `InputError` unless both splits have the same classes; notes names that had to be normalised."""
    train, val = by_top
    if set(train) != set(val):
        odd = printable(min(set(train) ^ set(val)))
        raise InputError(
            f"data folder {_shown(root)}: class '{odd}' is in only one of {tops[0]}/ and {tops[1]}/: "
            "add or remove it"
        )
    joined = sum(train[key] != val[key] for key in train)
    return [f"classes whose names the splits write in different Unicode normalisations: {joined}"] if joined else []


def _unused(
    root: Path, tops: Sequence[tuple[Path, str | None]], parts: Sequence[tuple[int, str | None, ClassFiles]]
) -> list[str]:
    """A line on the files that are not used, where there are any."""
    loose = [entry for top in {root, *(top for top, _ in tops)} for entry in entries_of(top) if not entry.is_dir()]
    files = sorted([*loose, *(path for _, _, part in parts for path in part.unused)])
    if not files:
        return []
    such = printable(str(files[0].relative_to(root)))
    return [f"files that are not used: {len(files)}, such as '{such}'"]


def listing_key(listing: FolderListing, form: ImageForm) -> str:
    """The cache key (hex): SHA-256 over relative names, file contents, the form and the rule's version.

    A file that cannot be opened counts by its name; reading it will say what is wrong.
    """
    digest = hashlib.sha256(f"folder {form_key(form)}".encode())
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for file, content in zip(listing.files, pool.map(_file_sha256, listing.files), strict=True):
            name = os.fsencode(file.path.relative_to(listing.root))
            digest.update(len(name).to_bytes(8, "little") + name + content)
    return digest.hexdigest()


def read_folder(
    listing: FolderListing, form: ImageForm, on_progress: ProgressCallback = no_progress
) -> SplitArrays:
    """Decodes every file (see `pictures.read_pictures`)."""
    pictures = [
        Picture(str(file.path.relative_to(listing.root)), file.label, file.split, partial(open_file, file.path))
        for file in listing.files
    ]
    return read_pictures(pictures, listing.classes, f"data folder {_shown(listing.root)}", form, on_progress)


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
