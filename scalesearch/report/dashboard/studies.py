"""The studies below a folder, and the state of each."""

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
from scalesearch.study.records import count_records
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
"""The text that the pages show for each state."""

_MAX_DEPTH, _MAX_STUDIES = 5, 2000
"""The depth of folders in which studies are searched for, and the largest number that is listed."""
_MAX_STUDY_BYTES = 8 * 2**20
"""The largest study.json that is read, in bytes; a real one has some thousands."""
_STUDY_SUBFOLDERS = frozenset(("trials", "checkpoints", "suggestions", "family"))
"""The folders of a study, which hold no further study."""


@dataclass(frozen=True, slots=True)
class StudySummary:
    """A study's line in the list of studies."""

    name: str
    stage: StudyStage
    records: int
    study: Study | None
    problem: str
    """The reason why it cannot be read; else empty."""

    @property
    def short_title(self) -> str:
        """The configuration in a few words; empty where the study cannot be read."""
        if self.study is None:
            return ""
        config = self.study.plan.config
        return report_of(config.kind).short_title(config)


def find_studies(root: Path) -> dict[str, Path]:
    """Return the folders below `root` that hold a study.json, sorted by name.

    A name is the path from `root`, and `.` for `root` itself. Links are followed once each, so that a link that
    leads back does not loop.
    """
    studies, visited = dict[str, Path](), set[Path]()
    for folder in _walk(root, _MAX_DEPTH, visited):
        if len(studies) < _MAX_STUDIES and _may_be_study(folder):
            studies[_display_name(folder.relative_to(root))] = folder
    return dict(sorted(studies.items()))


def _may_be_study(folder: Path) -> bool:
    """Return whether a folder holds a study.json of any file type, or cannot be looked into.

    Either is listed, with the reason why it cannot be read.
    """
    try:
        return not stat.S_ISDIR((folder / "study.json").lstat().st_mode)
    except FileNotFoundError:
        return False
    except OSError:
        return True


def _display_name(path: Path) -> str:
    """Return a study's name on the pages.

    It never holds `__proto__`, at which the index breaks that Dash's drop-down makes of its options.
    """
    return re.sub("__proto__", "__proto_", printable(str(path)), flags=re.IGNORECASE)


def _walk(folder: Path, depth: int, visited: set[Path]) -> Iterator[Path]:
    try:
        resolved = folder.resolve()
        if resolved in visited:
            return
        visited.add(resolved)
        yield folder
        subfolders = sorted(entry.name for entry in os.scandir(folder) if entry.is_dir()) if depth else []
    except OSError:
        return
    for name in subfolders:
        if name not in _STUDY_SUBFOLDERS and not name.startswith("."):
            yield from _walk(folder / name, depth - 1, visited)


def try_open_study(folder: Path) -> Study | str:
    """Open a study, or return the reason why it cannot be read."""
    try:
        if (folder / "study.json").stat().st_size > _MAX_STUDY_BYTES:
            return "study.json is too large for a study; restore it from a copy"
        return open_study(folder)
    except OSError as error:
        return f"study.json cannot be read ({error.strerror}); let this account read it"
    except ScalesearchError as error:
        return _error_text(error, folder)
    except (RecursionError, ArithmeticError, ValueError, MemoryError):
        return "study.json is not what was written; restore it from a copy, or begin anew under another --name"


def _error_text(error: ScalesearchError, folder: Path) -> str:
    """Return an error's message with paths relative to the study's folder."""
    return printable(str(error)).replace(f"{printable(str(folder))}{os.sep}", "")


def summarize_study(name: str, folder: Path, study: Study | str) -> StudySummary:
    """Return a study's line in the list; its records are counted, not read."""
    try:
        records = count_records(folder / "trials")
    except StorageError as error:
        records = 0
        study = study if isinstance(study, str) else _error_text(error, folder)
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
