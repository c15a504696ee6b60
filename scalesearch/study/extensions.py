"""Further seeds that were requested of a study after it was begun: each request is a file that never changes.

study.json stays as it was first written. A trial's id says nothing of how many others there are, so every record of
the shorter study belongs to the longer one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from scalesearch.errors import CountError
from scalesearch.search.budget import Budget
from scalesearch.search.canonical import MalformedError, as_json, from_json
from scalesearch.study.files import create_atomically, make_folder, read_file

FOLDER = "extensions"


@dataclass(frozen=True, slots=True)
class Extension:
    """One request."""

    seeds: int
    """For every candidate, as the budget's."""
    final_seeds: int
    """For finalists, as the budget's; 0: as `seeds`."""
    time: str
    """When it was requested, UTC."""
    command: str
    """The command that requested it, without machine paths."""


def equal_but_for_seeds(budget: Budget, other: Budget) -> bool:
    """Whether two budgets ask for the same trials, one of them perhaps with further seeds."""
    return budget == replace(other, seeds=budget.seeds, final_seeds=budget.final_seeds)


def extended(budget: Budget, extensions: Iterable[Extension]) -> Budget:
    """A budget with the most seeds that were requested."""
    for extension in extensions:
        budget = replace(
            budget,
            seeds=max(budget.seeds, extension.seeds),
            final_seeds=max(budget.final_seeds, extension.final_seeds),
        )
    return budget


def read_extensions(folder: Path) -> tuple[Extension, ...]:
    """The requests in the folder of a study, in their order.

    Raises:
        CountError: one is not what was written.
        StorageError: they cannot be read.
    """
    found = []
    for path in sorted((folder / FOLDER).glob("*.json")):
        try:
            found.append(from_json(Extension, json.loads(read_file(path)), (FOLDER,)))
        except (OSError, ValueError, MalformedError) as error:
            reason = " ".join(str(error).split())[:120]
            raise CountError(f"{path}: is no request for more seeds ({reason}); restore it from a copy") from error
    return tuple(found)


def add_extension(folder: Path, budget: Budget, command: str) -> None:
    """Write down that a study is to have a budget's seeds.

    Raises:
        StorageError: the folder cannot be written.
    """
    now = datetime.now(UTC).isoformat(timespec="seconds")
    extension = Extension(budget.seeds, budget.final_seeds, now, command)
    make_folder(folder / FOLDER)
    number = len(list((folder / FOLDER).glob("*.json"))) + 1
    text = json.dumps(as_json(extension), indent=1, ensure_ascii=False) + "\n"
    create_atomically(folder / FOLDER / f"{number:04}.json", text)
