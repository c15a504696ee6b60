"""The studies below a folder: which there are, and in what state each is."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from scalesearch.errors import ScalesearchError, StorageError, printable
from scalesearch.report.kinds import report_of
from scalesearch.study.files import json_files
from scalesearch.study.run_status import read_run_status
from scalesearch.study.study import Study, open_study

StudyStage = Literal["running", "finished", "stopped", "empty", "broken"]

STAGES: dict[StudyStage, str] = {
    "running": "running",
    "finished": "finished",
    "stopped": "not finished",
    "empty": "no trial yet",
    "broken": "cannot be read",
}

_DEPTH, _MOST = 5, 2000
"""How many folders deep studies are looked for, and how many are listed."""
_LARGEST = 8 * 2**20
"""Bytes of a study.json that is read; a real one has some thousands."""
_INSIDE = frozenset(("trials", "checkpoints", "suggestions", "family"))
"""Folders of a study in which there is no other."""


@dataclass(frozen=True, slots=True)
class StudySummary:
    """A study in the list."""

    name: str
    stage: StudyStage
    records: int
    study: Study | None
    problem: str
    """In words, where it cannot be read."""

    @property
    def short_title(self) -> str:
        """What was asked, short."""
        if self.study is None:
            return ""
        config = self.study.plan.config
        return report_of(config.kind).short_title(config)


def find_studies(root: Path) -> dict[str, Path]:
    """The folders below `root` that hold a study.json, by their path from there (`.` for itself), in order.

    Links are followed once each, so that one that leads back ends the search and not the server.
    """
    found, seen = dict[str, Path](), set[Path]()
    for folder in _folders(root, _DEPTH, seen):
        if len(found) < _MOST and _may_be_study(folder):
            found[_shown(folder.relative_to(root))] = folder
    return dict(sorted(found.items()))


def _may_be_study(folder: Path) -> bool:
    """Whether a folder holds a study.json, be it a pipe, or cannot be looked into: it is named, with the reason."""
    try:
        return not stat.S_ISDIR((folder / "study.json").lstat().st_mode)
    except FileNotFoundError:
        return False
    except OSError:
        return True


def _shown(path: Path) -> str:
    """A study's name on the pages; the index that Dash's drop-down makes of its options breaks at `__proto__`."""
    return re.sub("__proto__", "__proto_", printable(str(path)), flags=re.IGNORECASE)


def _folders(folder: Path, depth: int, seen: set[Path]) -> Iterator[Path]:
    try:
        real = folder.resolve()
        if real in seen:
            return
        seen.add(real)
        yield folder
        below = sorted(entry.name for entry in os.scandir(folder) if entry.is_dir()) if depth else []
    except OSError:
        return
    for name in below:
        if name not in _INSIDE and not name.startswith("."):
            yield from _folders(folder / name, depth - 1, seen)


def try_open_study(folder: Path) -> Study | str:
    """A study, or in words why it cannot be read."""
    try:
        if (folder / "study.json").stat().st_size > _LARGEST:
            return "study.json is too large for a study; restore it from a copy"
        return open_study(folder)
    except OSError as error:
        return f"study.json cannot be read ({error.strerror}); let this account read it"
    except ScalesearchError as error:
        return _without_folder(error, folder)
    except (RecursionError, ArithmeticError, ValueError, MemoryError):
        return "study.json is not what was written; restore it from a copy, or begin anew under another --name"


def _without_folder(error: ScalesearchError, folder: Path) -> str:
    """What is wrong with a file of a study, by its path from there."""
    return printable(str(error)).replace(f"{printable(str(folder))}{os.sep}", "")


def summarize_study(name: str, folder: Path, study: Study | str) -> StudySummary:
    """A study's line in the list; its records are counted, not read."""
    try:
        records = len(json_files(folder / "trials")[0])
    except StorageError as error:
        records = 0
        study = study if isinstance(study, str) else _without_folder(error, folder)
    stage = _stage(folder, study, records)
    return (
        StudySummary(name, stage, records, None, study)
        if isinstance(study, str)
        else StudySummary(name, stage, records, study, "")
    )


def _stage(folder: Path, study: Study | str, records: int) -> StudyStage:
    if isinstance(study, str):
        return "broken"
    if read_run_status(folder) is not None:
        return "running"
    if (folder / "winner.yaml").is_file():
        return "finished"
    return "stopped" if records else "empty"
