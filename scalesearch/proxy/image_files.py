"""Which files of a class's folder are images: by their suffix, else by their first bytes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from scalesearch.errors import InputError, printable

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")
"""Of picture files that are read without a look at their bytes."""
_OTHERS = (frozenset(Image.registered_extensions()) | {".avif", ".heic", ".heif", ".svg"}) - {
    *(*SUFFIXES, ".jfif", ".jpe", ".apng", ".pdf")
}
"""Of pictures in other formats."""
_LITTER = frozenset((".DS_Store", "Thumbs.db", "desktop.ini"))
"""What file managers leave behind, which nobody misses."""
_HEAD = 16


@dataclass(frozen=True, slots=True)
class ClassFiles:
    """The files of a class's folder, sorted by name."""

    images: tuple[Path, ...]
    unused: tuple[Path, ...]
    """Those that are no images, and hidden ones."""


def entries_of(folder: Path, hidden: bool = False) -> list[Path]:
    """What lies in a folder, sorted by name; `hidden`: also what begins with a dot.

    Raises:
        InputError: the folder cannot be listed.
    """
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        reason = error.strerror
        raise InputError(f"cannot list '{printable(str(folder))}' ({reason}): check its permissions") from error
    return [entry for entry in entries if entry.name not in _LITTER and (hidden or not entry.name.startswith("."))]


def count_of(folder: Path) -> int:
    """The files in the folders of a folder, which is how many images a split that is not used has."""
    return sum(len(entries_of(entry)) for entry in entries_of(folder) if entry.is_dir())


def class_files(root: Path, folder: Path) -> ClassFiles:
    """The images of a class, and what else lies there.

    Args:
        root: the data set's folder, for messages.
        folder: the class's.

    Raises:
        InputError: a folder or a picture of another format lies there, or no image does.
    """
    images, odd, unused = [], [], []
    for entry in entries_of(folder, hidden=True):
        suffix = entry.suffix.lower()
        if entry.name.startswith("."):
            unused.append(entry)
        elif suffix in SUFFIXES:
            images.append(entry)
        elif entry.is_dir() or suffix in _OTHERS:
            odd.append(entry)
        else:
            kind = _kind(entry)
            {"read": images, "other": odd, "none": unused}[kind].append(entry)
    _refuse_odd(root, odd)
    if not images:
        raise InputError(
            f"data folder '{printable(str(root))}': class '{printable(str(folder.relative_to(root)))}' has no "
            f"images ({' '.join(SUFFIXES)}): add some, or remove it"
        )
    return ClassFiles(tuple(images), tuple(unused))


def _kind(path: Path) -> str:
    """`read`: a JPEG, PNG or WebP; `other`: a picture in another format; `none`: no picture."""
    if not path.is_file():
        return "none"
    try:
        with path.open("rb") as stream:
            head = stream.read(_HEAD)
        if head.startswith((b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")) or (
            head[:4] == b"RIFF" and head[8:12] == b"WEBP"
        ):
            return "read"
        with Image.open(path):
            return "other"
    except Image.DecompressionBombError:
        return "other"
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError):
        return "none"


def _refuse_odd(root: Path, odd: Sequence[Path]) -> None:
    if odd:
        more = f" and {len(odd) - 1} more" if len(odd) > 1 else ""
        raise InputError(
            f"data folder '{printable(str(root))}': '{printable(str(odd[0].relative_to(root)))}'{more} would be "
            "left out: a class's folder holds its pictures themselves, as JPEG, PNG or WebP; convert or move the "
            "rest"
        )
