"""Requests for more seeds of a study after its start, one file per request, which never changes.

study.json stays as it was first written. The id of a trial does not depend on the number of other trials, so every
record of the shorter study belongs to the longer one.
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
"""The folder of the requests, in the folder of the study."""


@dataclass(frozen=True, slots=True)
class Extension:
    """One request for more seeds."""

    seeds: int
    """Seeds of every candidate, as in the budget."""
    final_seeds: int
    """Seeds of the finalists, as in the budget; 0: as `seeds`."""
    time: str
    """When it was requested, UTC."""
    command: str
    """The command that requested it, without machine paths."""


def equal_but_for_seeds(budget: Budget, other: Budget) -> bool:
    """Return whether two budgets differ at most in their numbers of seeds."""
    return budget == replace(other, seeds=budget.seeds, final_seeds=budget.final_seeds)


def with_most_seeds(budget: Budget, extensions: Iterable[Extension]) -> Budget:
    """Return the budget with the largest numbers of seeds that were requested."""
    for extension in extensions:
        budget = replace(
            budget,
            seeds=max(budget.seeds, extension.seeds),
            final_seeds=max(budget.final_seeds, extension.final_seeds),
        )
    return budget


def read_extensions(folder: Path) -> tuple[Extension, ...]:
    """Return the requests in the folder of a study, in their order.

    Raises:
        CountError: a request is not what was written.
        StorageError: the requests cannot be read.
    """
    extensions = []
    for path in sorted((folder / FOLDER).glob("*.json")):
        try:
            extensions.append(from_json(Extension, json.loads(read_file(path)), (FOLDER,)))
        except (OSError, ValueError, MalformedError) as error:
            reason = " ".join(str(error).split())[:120]
            raise CountError(f"{path}: is no request for more seeds ({reason}); restore it from a copy") from error
    return tuple(extensions)


def add_extension(folder: Path, budget: Budget, command: str) -> None:
    """Record a request for the numbers of seeds of a budget.

    Raises:
        StorageError: the folder cannot be written.
    """
    now = datetime.now(UTC).isoformat(timespec="seconds")
    extension = Extension(budget.seeds, budget.final_seeds, now, command)
    make_folder(folder / FOLDER)
    number = len(list((folder / FOLDER).glob("*.json"))) + 1
    text = json.dumps(as_json(extension), indent=1, ensure_ascii=False) + "\n"
    create_atomically(folder / FOLDER / f"{number:04}.json", text)
