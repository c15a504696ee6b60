"""The options of `grid` for a search by a sampler instead of a grid."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from scalesearch import choices
from scalesearch.cli.options import stored_cost
from scalesearch.errors import InputError

if TYPE_CHECKING:
    from scalesearch.search.kinds import StudyKind
    from scalesearch.study.study import Study

Sampler = Annotated[
    choices.Sampler,
    typer.Option(
        "--sampler",
        help="grid; tpe, gp or nsga2: Optuna's, over all (α, β); optuna: tpe, or nsga2 for several objectives.",
    ),
]
Objectives = Annotated[
    str,
    typer.Option("--objectives", metavar="LIST", help="With a sampler: accuracy, and optionally flops, latency."),
]
MaxParams = Annotated[
    str | None, typer.Option("--max-params", metavar="8M", help="With a sampler: maximum parameters of a network.")
]
MaxMemory = Annotated[
    str | None,
    typer.Option(
        "--max-memory", metavar="2GiB", help="With a sampler: maximum training memory at the budget's batch."
    ),
]
Storage = Annotated[
    str | None,
    typer.Option(
        "--storage", metavar="URL", help="With a sampler: also write an Optuna study, as sqlite:///FILE.db."
    ),
]


def study_kind(
    sampler: str, objectives: str, max_params: str | None, max_memory: str | None, grid_only: dict[str, bool]
) -> StudyKind:
    """Return the kind of search that the options set: by a sampler, or by grid.

    Args:
        sampler: `--sampler`.
        objectives: `--objectives`.
        max_params: `--max-params`.
        max_memory: `--max-memory`.
        grid_only: the options that only a grid has, and whether each was given.

    Raises:
        InputError: a value cannot be used, or an option belongs to the other kind of search.
    """
    from scalesearch.design import quantities
    from scalesearch.search.kinds import CoefficientSearch, GridSearch
    from scalesearch.search.kinds.sampler import OBJECTIVES

    if sampler == "grid":
        if objectives != "accuracy" or max_params is not None or max_memory is not None:
            raise InputError("--objectives, --max-params and --max-memory: need a sampler; give --sampler tpe")
        return GridSearch()
    if conflicts := [name for name, is_given in grid_only.items() if is_given]:
        raise InputError(f"{conflicts[0]}: needs a grid; leave it out, or give --sampler grid")
    objective_names = tuple(stored_cost(value.strip()) for value in objectives.split(","))
    known_objectives = ", ".join("flops" if objective == "macs" else objective for objective in OBJECTIVES)
    if (
        len(set(objective_names)) < len(objective_names)
        or not set(objective_names) <= set(OBJECTIVES)
        or "accuracy" not in objective_names
    ):
        raise InputError(
            f"--objectives {objectives!r}: must be different ones of {known_objectives}, accuracy among them"
        )
    default_sampler = "nsga2" if len(objective_names) > 1 else "tpe"
    return CoefficientSearch(
        default_sampler if sampler == "optuna" else sampler,
        objective_names,
        None if max_params is None else quantities.parse_count(max_params, "--max-params"),
        None if max_memory is None else quantities.parse_size(max_memory, "--max-memory"),
    )


def optuna_exporter(storage: str | None, kind: StudyKind) -> Callable[[Study], None] | None:
    """Return the function that keeps the Optuna study at the URL up to date; None: there is no URL.

    Raises:
        InputError: the search has no sampler, or the URL cannot be used.
        StorageError: no database answers there.
    """
    if storage is None:
        return None
    if not kind.exports_proposals:
        raise InputError("--storage: needs a sampler; give --sampler tpe, or leave it out")
    from scalesearch.study.optuna_storage import OptunaStorage

    return OptunaStorage(storage).update
