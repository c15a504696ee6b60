"""Read image folders: `PATH/train/<class>/*` with `PATH/val/<class>/*`, or `PATH/<class>/*` without splits.

Splits may have the other names of `splits`; without splits, images are split by content. Files are JPEG, PNG or
WebP, by their suffix or by their first bytes. Images of other formats and folders within a class folder are
refused; any other file that is not used is counted.
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
from scalesearch.proxy.decoding import EncodedImage, ImageForm
from scalesearch.proxy.image_files import ClassFiles, class_files, count_images, list_entries
from scalesearch.proxy.pictures import form_key, read_pictures
from scalesearch.proxy.progress import ProgressCallback, no_progress
from scalesearch.proxy.rows import check_normalised, open_file
from scalesearch.proxy.splits import assign_splits, split_of_name


@dataclass(frozen=True, slots=True)
class ImageFile:
    """Describes one file of a data set: its path, its label, and its split where the folder gives one."""

    path: Path
    label: int
    split: str | None


@dataclass(frozen=True, slots=True, eq=False)
class FolderListing:
    """Lists the image files of a folder, by class and name, and the class names in the order of the labels."""

    root: Path
    files: tuple[ImageFile, ...]
    classes: tuple[str, ...]
    notes: tuple[str, ...] = ()
    """What is not used, and what the splits are used for."""


def list_folder(root: Path) -> FolderListing:
    """Find the classes and files under `root`.

    Only files whose suffix does not tell their type are opened.

    Raises:
        InputError: there is no such folder, only one class, a class without images, a training split without a
            validation split, classes that only one of them has, or names that differ in normalisation only.
    """
    if not root.is_dir():
        problem = "is a file" if root.exists() else "does not exist"
        raise InputError(
            f"data folder {_quoted(root)} {problem}: give a folder with one folder of images per class"
        )
    split_folders, notes = _split_folders(root)
    classes_by_split = [_class_folders(root, folder) for folder, _ in split_folders]
    if len(classes_by_split) == 2:
        notes += _check_same_classes(root, classes_by_split, [folder.name for folder, _ in split_folders])
    names = list(classes_by_split[0].values())
    if len(names) < 2:
        found = f"only one class, '{printable(names[0])}'" if names else "no images"
        raise InputError(
            f"data folder {_quoted(root)} has {found}: it needs a folder of images for each of 2+ classes"
        )
    files_by_class = [
        (label, split, class_files(root, folder / classes[key]))
        for (folder, split), classes in zip(split_folders, classes_by_split, strict=True)
        for label, key in enumerate(classes_by_split[0])
    ]
    files = [ImageFile(path, label, split) for label, split, listing in files_by_class for path in listing.images]
    return FolderListing(
        root,
        tuple(files),
        tuple(printable(name) for name in names),
        (*notes, *_unused_note(root, split_folders, files_by_class)),
    )


def _split_folders(root: Path) -> tuple[list[tuple[Path, str | None]], list[str]]:
    """Return the folders that hold the class folders, with their splits, and notes on the choice."""
    folders = [entry for entry in list_entries(root) if entry.is_dir()]
    splits: dict[str, Path] = {}
    for folder in folders:
        if not any(entry.is_dir() for entry in list_entries(folder)):
            continue  # without subfolders it is a class, which may be called `train` or `dev`
        split = split_of_name(folder.name)
        if split in splits:
            pair = f"{printable(splits[split].name)}/ and {printable(folder.name)}/"
            raise InputError(f"data folder {_quoted(root)}: {pair} are both {split}: put them into one folder")
        if split is not None:
            splits[split] = folder
    if not splits:
        return [(root, None)], []
    if "train" not in splits or len(splits) == 1:
        missing = "val" if "train" in splits else "train"
        present = printable(next(iter(splits.values())).name)
        raise InputError(
            f"data folder {_quoted(root)} has {present}/ but no {missing}/: add it, or give the folder of the "
            "classes"
        )
    counts: dict[str | None, int] = {split: count_images(folder) for split, folder in splits.items()}
    assignment = assign_splits(counts, f"data folder {_quoted(root)}")
    chosen = [(splits[name], assignment.used[name]) for name in ("train", "val", "test") if name in assignment.used]
    other_folders = [printable(folder.name) for folder in folders if folder not in splits.values()]
    unused_note = [f"folders beside the splits are not used: {', '.join(other_folders)}"] if other_folders else []
    return chosen, [*assignment.notes, *unused_note]


def _class_folders(root: Path, folder: Path) -> dict[str, str]:
    """Return the names of the class folders by their normalised form, in the order of the names."""
    names = sorted(entry.name for entry in list_entries(folder) if entry.is_dir())
    check_normalised(names, f"data folder {_quoted(root)}")
    return {unicodedata.normalize("NFC", name): name for name in names}


def _check_same_classes(
    root: Path, classes_by_split: Sequence[dict[str, str]], folder_names: Sequence[str]
) -> list[str]:
    """Raise `InputError` unless both splits have the same classes; note names that had to be normalised."""
    train, val = classes_by_split
    if set(train) != set(val):
        differing = printable(min(set(train) ^ set(val)))
        raise InputError(
            f"data folder {_quoted(root)}: class '{differing}' is in only one of {folder_names[0]}/ and "
            f"{folder_names[1]}/: add or remove it"
        )
    num_normalised = sum(train[key] != val[key] for key in train)
    return (
        [f"classes whose names the splits write in different Unicode normalisations: {num_normalised}"]
        if num_normalised
        else []
    )


def _unused_note(
    root: Path,
    split_folders: Sequence[tuple[Path, str | None]],
    files_by_class: Sequence[tuple[int, str | None, ClassFiles]],
) -> list[str]:
    """Return a note on the files that are not used, where there are any."""
    top_level_files = [
        entry
        for folder in {root, *(folder for folder, _ in split_folders)}
        for entry in list_entries(folder)
        if not entry.is_dir()
    ]
    files = sorted([*top_level_files, *(path for _, _, listing in files_by_class for path in listing.unused)])
    if not files:
        return []
    example = printable(str(files[0].relative_to(root)))
    return [f"files that are not used: {len(files)}, such as '{example}'"]


def listing_key(listing: FolderListing, form: ImageForm) -> str:
    """Return the cache key (hex): SHA-256 over relative names, file contents, image form and the rule's version.

    A file that cannot be opened counts by its name; reading it reports the error.
    """
    digest = hashlib.sha256(f"folder {form_key(form)}".encode())
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for file, content in zip(listing.files, pool.map(_sha256, listing.files), strict=True):
            name = os.fsencode(file.path.relative_to(listing.root))
            digest.update(len(name).to_bytes(8, "little") + name + content)
    return digest.hexdigest()


def read_folder(
    listing: FolderListing, form: ImageForm, on_progress: ProgressCallback = no_progress
) -> SplitArrays:
    """Decode every file (see `pictures.read_pictures`)."""
    encoded_images = [
        EncodedImage(
            str(file.path.relative_to(listing.root)), file.label, file.split, partial(open_file, file.path)
        )
        for file in listing.files
    ]
    return read_pictures(encoded_images, listing.classes, f"data folder {_quoted(listing.root)}", form, on_progress)


def _sha256(file: ImageFile) -> bytes:
    if not file.path.is_file():
        return b""
    try:
        with file.path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").digest()
    except OSError:
        return b""


def _quoted(path: Path) -> str:
    return f"'{printable(str(path))}'"
