"""List the image files in the folder of a class: by their suffix, else by their first bytes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from scalesearch.errors import InputError, printable

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")
"""The suffixes of image files that are accepted without reading their bytes."""
_OTHER_SUFFIXES = (frozenset(Image.registered_extensions()) | {".avif", ".heic", ".heif", ".svg"}) - {
    *(*SUFFIXES, ".jfif", ".jpe", ".apng", ".pdf")
}
"""The suffixes of image files in other formats."""
_IGNORED = frozenset((".DS_Store", "Thumbs.db", "desktop.ini"))
"""Files that file managers create; they are ignored silently."""
_HEADER_BYTES = 16


@dataclass(frozen=True, slots=True)
class ClassFiles:
    """Lists the files in the folder of a class, sorted by name."""

    images: tuple[Path, ...]
    unused: tuple[Path, ...]
    """The files that are not images, and hidden files."""


def list_entries(folder: Path, hidden: bool = False) -> list[Path]:
    """Return the entries of a folder, sorted by name; with `hidden` also those that begin with a dot.

    Raises:
        InputError: the folder cannot be listed.
    """
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        reason = error.strerror
        raise InputError(f"cannot list '{printable(str(folder))}' ({reason}): check its permissions") from error
    return [entry for entry in entries if entry.name not in _IGNORED and (hidden or not entry.name.startswith("."))]


def count_images(folder: Path) -> int:
    """Count the files in the class folders of a split's folder; used for splits that are not read."""
    return sum(len(list_entries(entry)) for entry in list_entries(folder) if entry.is_dir())


def class_files(root: Path, folder: Path) -> ClassFiles:
    """Return the images of a class, and the other files in its folder.

    Args:
        root: the folder of the data set, for messages.
        folder: the folder of the class.

    Raises:
        InputError: the folder holds another folder or an image in another format, or no image.
    """
    images, unsupported, unused = [], [], []
    for entry in list_entries(folder, hidden=True):
        suffix = entry.suffix.lower()
        if entry.name.startswith("."):
            unused.append(entry)
        elif suffix in SUFFIXES:
            images.append(entry)
        elif entry.is_dir() or suffix in _OTHER_SUFFIXES:
            unsupported.append(entry)
        else:
            kind = _file_kind(entry)
            {"read": images, "other": unsupported, "none": unused}[kind].append(entry)
    _refuse_unsupported(root, unsupported)
    if not images:
        raise InputError(
            f"data folder '{printable(str(root))}': class '{printable(str(folder.relative_to(root)))}' has no "
            f"images ({' '.join(SUFFIXES)}): add some, or remove it"
        )
    return ClassFiles(tuple(images), tuple(unused))


def _file_kind(path: Path) -> str:
    """Return `read` for a JPEG, PNG or WebP, `other` for an image in another format, `none` for any other file."""
    if not path.is_file():
        return "none"
    try:
        with path.open("rb") as stream:
            header = stream.read(_HEADER_BYTES)
        if header.startswith((b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")) or (
            header[:4] == b"RIFF" and header[8:12] == b"WEBP"
        ):
            return "read"
        with Image.open(path):
            return "other"
    except Image.DecompressionBombError:
        return "other"
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError):
        return "none"


def _refuse_unsupported(root: Path, unsupported: Sequence[Path]) -> None:
    if unsupported:
        more = f" and {len(unsupported) - 1} more" if len(unsupported) > 1 else ""
        raise InputError(
            f"data folder '{printable(str(root))}': "
            f"'{printable(str(unsupported[0].relative_to(root)))}'{more} would be left out: a class's folder holds "
            "its pictures themselves, as JPEG, PNG or WebP; convert or move the rest"
        )
