"""The class activation maps in a study's folder: PNG files that `scalesearch cam` wrote there."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from scalesearch.errors import printable
from scalesearch.report.document import Block, Paragraph, Picture, Section

MAX_PICTURES, MAX_PICTURE_BYTES = 12, 12 * 2**20
"""The largest number of pictures that are shown, and the largest size of one."""
_PNG = b"\x89PNG\r\n\x1a\n"
_CAPTION = (
    "A row is an image, a column a network; the brighter a place is coloured, the more it speaks for the class. "
    "Each map is in shares of its own largest value, so the strengths of two cannot be compared. Below each: the "
    "class that the network names, and its probability."
)


@dataclass(frozen=True, slots=True)
class ImageFile:
    """A PNG file of a study that is not read yet."""

    path: Path
    name: str
    size: int
    changed: int
    """The time of the last change, in nanoseconds since 1970."""


def find_pictures(folder: Path) -> list[ImageFile]:
    """Return the PNG files of a study's folder and of its `cam/`, sorted by name; links are skipped."""
    files = []
    for subfolder in (folder, folder / "cam"):
        if subfolder != folder and subfolder.is_symlink():
            continue
        try:
            entries = [entry for entry in os.scandir(subfolder) if entry.name.lower().endswith(".png")]
        except OSError:
            continue
        for entry in entries:
            if entry.is_file(follow_symlinks=False):
                status = entry.stat(follow_symlinks=False)
                name = str(Path(entry.path).relative_to(folder))
                files.append(ImageFile(Path(entry.path), printable(name), status.st_size, status.st_mtime_ns))
    return sorted(files, key=lambda file: file.name)


def read_pictures(folder: Path) -> tuple[Picture | Paragraph, ...]:
    """Read the first `MAX_PICTURES` files; text stands for one that is no picture, and counts those not shown."""
    files = find_pictures(folder)
    num_hidden = len(files) - MAX_PICTURES
    hidden_note = (Paragraph(f"{num_hidden} more are not shown."),) if num_hidden > 0 else ()
    return (*map(_read_picture, files[:MAX_PICTURES]), *hidden_note)


def _read_picture(file: ImageFile) -> Picture | Paragraph:
    try:
        data = b"" if file.size > MAX_PICTURE_BYTES else file.path.read_bytes()
    except OSError:
        data = b""
    if not data.startswith(_PNG):
        return Paragraph(f"{file.name}: is no PNG picture of at most {MAX_PICTURE_BYTES >> 20} MiB.")
    return Picture(file.name, f"Class activation maps, {file.name}", _CAPTION, data)


def section(blocks: Sequence[Block]) -> Section | None:
    """Return the section of class activation maps, or None where there are none."""
    return Section("Where the networks look", tuple(blocks)) if blocks else None
