"""Class activation maps that lie in a study's folder: the PNG files that `scalesearch cam` wrote there."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from scalesearch.errors import printable
from scalesearch.report.article import Block, Picture, Section, Text

MOST, LARGEST = 12, 12 * 2**20
"""Pictures that are shown, and bytes of one."""
_PNG = b"\x89PNG\r\n\x1a\n"
_CAPTION = (
    "A row is an image, a column a network; the brighter a place is coloured, the more it speaks for the class. "
    "Each map is in shares of its own largest value, so the strengths of two cannot be compared. Below each: the "
    "class that the network names, and its probability."
)


@dataclass(frozen=True, slots=True)
class Found:
    """A PNG file of a study, not yet read."""

    path: Path
    name: str
    size: int
    changed: int
    """ns since 1970."""


def pictures(folder: Path) -> list[Found]:
    """The PNG files of a study's folder and of its `cam/`, by name; links are passed over."""
    found = []
    for below in (folder, folder / "cam"):
        if below != folder and below.is_symlink():
            continue
        try:
            entries = [one for one in os.scandir(below) if one.name.lower().endswith(".png")]
        except OSError:
            continue
        for one in entries:
            if one.is_file(follow_symlinks=False):
                facts = one.stat(follow_symlinks=False)
                name = str(Path(one.path).relative_to(folder))
                found.append(Found(Path(one.path), printable(name), facts.st_size, facts.st_mtime_ns))
    return sorted(found, key=lambda one: one.name)


def read(folder: Path) -> tuple[Picture | Text, ...]:
    """The first `MOST` pictures, or what is wrong with one, and how many more there are."""
    found = pictures(folder)
    more = len(found) - MOST
    tail = (Text(f"{more} more are not shown."),) if more > 0 else ()
    return (*map(_read, found[:MOST]), *tail)


def _read(one: Found) -> Picture | Text:
    try:
        data = b"" if one.size > LARGEST else one.path.read_bytes()
    except OSError:
        data = b""
    if not data.startswith(_PNG):
        return Text(f"{one.name}: is no PNG picture of at most {LARGEST >> 20} MiB.")
    return Picture(one.name, f"Class activation maps, {one.name}", _CAPTION, data)


def section(blocks: Sequence[Block]) -> Section | None:
    """Where the networks look; None where nobody has drawn it."""
    return Section("Where the networks look", tuple(blocks)) if blocks else None
