"""The loop of a search: plan, run, record, until no trial remains."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace

from scalesearch.errors import StorageError
from scalesearch.runners.execution import Event, Listener, Runner, TrialFinished
from scalesearch.search.trial import Objective, Outcome
from scalesearch.study.files import make_folder
from scalesearch.study.proposals import write_suggestions
from scalesearch.study.records import TrialRecord, trial_cost
from scalesearch.study.study import Study


def search(
    study: Study,
    runner: Runner,
    objective: Objective,
    listener: Listener,
    fvcore_totals: Mapping[str, int] | None = None,
) -> None:
    """Run every trial that the plan needs and that has no record; record each one as it finishes.

    Args:
        study: the study, in whose folder the records are written.
        runner: runs the trials.
        objective: what a trial measures.
        listener: receives every event; the end of a trial comes after its record is written.
        fvcore_totals: what fvcore counted, by the id of the network; it becomes part of the records.

    A finished trial is durable before its end is reported. A kill at any moment loses none, and the same call
    resumes.

    Raises:
        KeyboardInterrupt: the search was stopped; the records remain.
        StorageError: a record cannot be written.
    """
    outcomes = study.outcomes()

    def on_event(event: Event) -> None:
        if isinstance(event, TrialFinished):
            total = (fvcore_totals or {}).get(event.spec.network_id)
            _add_record(study, TrialRecord(event.spec, event.outcome, trial_cost(event.spec, total)))
            outcomes[event.spec.id] = event.outcome
        listener(event)

    if not study.plan.pending(outcomes):
        return  # without starting the runner
    # `on_event` adds to `outcomes`, so each call returns the trials that the plan needs after the last wave.
    runner.run(iter(lambda: study.plan.pending(outcomes), ()), objective, on_event)
    # While proposals follow, these candidates can still be promoted, and then resume from their checkpoints.
    if not study.plan.accepts_proposals:
        shutil.rmtree(study.checkpoints_folder, ignore_errors=True)


def _add_record(study: Study, record: TrialRecord) -> None:
    """Write a record; on a storage error, delete the checkpoints, which only save time, and write it again.

    Raises:
        StorageError: the record still cannot be written, for example because the disk is full.
    """
    try:
        study.add(record)
    except StorageError:
        shutil.rmtree(study.checkpoints_folder, ignore_errors=True)
        study.add(record)
        make_folder(study.checkpoints_folder)  # later trials save into it


def search_in_rounds(study: Study, run: Callable[[Study], None]) -> Study:
    """Run the trials that the plan needs; with a sampler, alternate between proposals and trials.

    Proposals are written to disk before they are trained, so a kill at any moment loses none.

    Args:
        study: the study; a grid has a single round.
        run: runs all trials that the study's plan needs so far, as `search` does.

    Returns:
        The study with all proposals.

    Raises:
        SpaceError: the search has ended with fewer than two networks.
        StorageError: the proposals cannot be written.
    """
    while not study.plan.is_complete(outcomes := study.outcomes()):
        if study.plan.pending(outcomes):
            run(study)
        else:
            study = _with_proposals(study, outcomes)
    return study


def _with_proposals(study: Study, outcomes: Mapping[str, Outcome]) -> Study:
    from scalesearch.study.samplers import next_points
    from scalesearch.study.timers import measure_times

    earlier = study.plan.suggested
    points = next_points(study.plan, outcomes, measure_times)
    write_suggestions(study.suggestions_folder, len(earlier), points)
    return replace(study, plan=replace(study.plan, suggested=(*earlier, *points)))
