"""Plan → run → record, until nothing is left to run."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace

from scalesearch.errors import StorageError
from scalesearch.runners.execution import Event, Listener, Runner, TrialFinished
from scalesearch.search.trial import Objective, Outcome
from scalesearch.study.files import make_folder
from scalesearch.study.records import TrialRecord, counted
from scalesearch.study.study import Study
from scalesearch.study.suggestions import write_suggestions


def search(
    study: Study,
    runner: Runner,
    objective: Objective,
    listener: Listener,
    fvcore_totals: Mapping[str, int] | None = None,
) -> None:
    """Run every trial that the plan asks for and no record holds; each is recorded as it finishes.

    Args:
        study: what is asked, and where the records go.
        runner: where trials run.
        objective: what a trial measures.
        listener: hears every event, a trial's end after its record is written.
        fvcore_totals: what fvcore counted, by the id of the network; stands in the records.

    A finished trial is durable before anybody hears of it, so a kill at any moment loses none, and resuming
    is calling this again.

    Raises:
        KeyboardInterrupt: stopped; what is recorded stays.
        StorageError: a record cannot be written.
    """
    outcomes = study.outcomes()

    def on_event(event: Event) -> None:
        if isinstance(event, TrialFinished):
            total = (fvcore_totals or {}).get(event.spec.network_id)
            _add(study, TrialRecord(event.spec, event.outcome, counted(event.spec, total)))
            outcomes[event.spec.id] = event.outcome
        listener(event)

    if not study.plan.pending(outcomes):
        return
    # Each wave is what the plan asks for once the one before is recorded.
    runner.run(iter(lambda: study.plan.pending(outcomes), ()), objective, on_event)
    if not study.plan.accepts_samples:  # what is suggested later climbs with those that are here
        shutil.rmtree(study.checkpoints_folder, ignore_errors=True)


def _add(study: Study, record: TrialRecord) -> None:
    """Write a record; where the disk is full, drop the checkpoints, which only save time, and write it again.

    Raises:
        StorageError: there is no room for it even so.
    """
    try:
        study.add(record)
    except StorageError:
        shutil.rmtree(study.checkpoints_folder, ignore_errors=True)
        study.add(record)
        make_folder(study.checkpoints_folder)


def search_in_rounds(study: Study, run: Callable[[Study], None]) -> Study:
    """Run what the plan asks for; in a continuous search suggest, run, suggest again, until the plan is over.

    What is suggested is on disk before it is trained, so a kill at any moment loses no point.

    Args:
        study: what is asked; of a grid there is one round.
        run: runs all that the study's plan asks for so far, as `search` does.

    Returns:
        The study with all that was suggested.

    Raises:
        SpaceError: the search has ended with less than two networks.
        StorageError: the suggestions cannot be written.
    """
    while not study.plan.is_complete(outcomes := study.outcomes()):
        if study.plan.pending(outcomes):
            run(study)
        else:
            study = _grown(study, outcomes)
    return study


def _grown(study: Study, outcomes: Mapping[str, Outcome]) -> Study:
    from scalesearch.study.samplers import next_points
    from scalesearch.study.timers import measured

    before = study.plan.suggested
    points = next_points(study.plan, outcomes, measured)
    write_suggestions(study.suggestions_folder, len(before), points)
    return replace(study, plan=replace(study.plan, suggested=(*before, *points)))
