"""The suggestions of a continuous search on disk: one file a round, written once, before any of it is trained."""

from __future__ import annotations

import json
from pathlib import Path

from scalesearch.errors import CountError, SpaceError
from scalesearch.search.canonical import MalformedError, as_json
from scalesearch.search.kinds import StudyKind
from scalesearch.search.study_config import Point
from scalesearch.study.files import create_atomically, json_files, make_folder, read_file


def write_suggestions(folder: Path, before: int, points: tuple[Point, ...]) -> None:
    """Write a round under the number of suggestions `before` it.

    Raises:
        StorageError: the folder cannot be written.
    """
    make_folder(folder)
    text = json.dumps(as_json(points, floats=True), allow_nan=False)
    create_atomically(folder / f"{before:05d}.json", text + "\n")


def read_suggestions(folder: Path, kind: StudyKind) -> tuple[Point, ...]:
    """All rounds, in order; none where there is no folder.

    Args:
        folder: where they were written.
        kind: of the study, which knows what its proposals are.

    Raises:
        CountError: a file is not what was written, or one is missing.
    """
    found: tuple[Point, ...] = ()
    for path in json_files(folder)[0]:
        try:
            tree = json.loads(read_file(path))
            points = kind.proposals_from_json(tree)
        except (OSError, ValueError, MalformedError, SpaceError) as error:
            raise CountError(f"{path}: is not what was written ({error}); restore it from a copy") from error
        if path.stem != f"{len(found):05d}":
            raise CountError(
                f"{path}: {len(found)} suggestions are before it; restore the missing file from a copy"
            )
        found = (*found, *points)
    return found
