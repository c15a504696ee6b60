"""A search that is there to be killed: `kill_driver.py FOLDER LOG SECONDS ray|inline grid|halving[-blind]`."""

from __future__ import annotations

import sys
from pathlib import Path

from planted import importable_by_workers, plan_by, planted_by, study

from scalesearch.runners.execution import Event, Runner
from scalesearch.runners.inline import InlineRunner
from scalesearch.study.result import analyze
from scalesearch.study.result_files import write_result_files
from scalesearch.study.search import search
from scalesearch.study.study import locked, open_or_create


def main(folder: Path, log: str, seconds: float, kind: str, scheduler: str) -> None:
    """Run what is left of the search and write the answer."""
    with locked(folder), importable_by_workers():
        begun = open_or_create(study(folder, plan_by(scheduler)))
        search(begun, made(kind), planted_by(scheduler, seconds=seconds, log=log), quiet)
        found = analyze(begun.plan, begun.outcomes())
        assert found is not None
        write_result_files(folder, found)


def made(kind: str) -> Runner:
    """The runner of that name."""
    if kind == "inline":
        return InlineRunner()
    from scalesearch.runners.ray_tune import RayRunner

    return RayRunner(cores=2)


def quiet(event: Event) -> None:
    """Hear nothing."""


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], float(sys.argv[3]), *sys.argv[4:6])
