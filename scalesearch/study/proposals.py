"""The proposals of a sampler on disk: one file per round, written once, before any proposal is trained."""

from __future__ import annotations

import json
from pathlib import Path

from scalesearch.errors import CountError, SpaceError
from scalesearch.search.canonical import MalformedError, as_json
from scalesearch.search.kinds import StudyKind
from scalesearch.search.study_config import Point
from scalesearch.study.files import create_atomically, json_files, make_folder, read_file


def write_suggestions(folder: Path, num_before: int, points: tuple[Point, ...]) -> None:
    """Write the proposals of a round, in a file named by the number of proposals before it.

    Raises:
        StorageError: the folder cannot be written.
    """
    make_folder(folder)
    text = json.dumps(as_json(points, floats=True), allow_nan=False)
    create_atomically(folder / f"{num_before:05d}.json", text + "\n")


def read_suggestions(folder: Path, kind: StudyKind) -> tuple[Point, ...]:
    """Return the proposals of all rounds, in order; none if there is no folder.

    Args:
        folder: the folder that they were written to.
        kind: the kind of the study, which parses its proposals.

    Raises:
        CountError: a file is not what was written, or one is missing.
    """
    proposals: tuple[Point, ...] = ()
    for path in json_files(folder)[0]:
        try:
            tree = json.loads(read_file(path))
            points = kind.proposals_from_json(tree)
        except (OSError, ValueError, MalformedError, SpaceError) as error:
            raise CountError(f"{path}: is not what was written ({error}); restore it from a copy") from error
        if path.stem != f"{len(proposals):05d}":
            raise CountError(
                f"{path}: {len(proposals)} proposals give before it; restore the missing file from a copy"
            )
        proposals = (*proposals, *points)
    return proposals
