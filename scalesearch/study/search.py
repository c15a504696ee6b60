"""The loop of a search: plan, run, record, until no trial remains."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace

from scalesearch.errors import StorageError
from scalesearch.runners.execution import Event, Listener, Runner, TrialFinished
from scalesearch.search.trial import Objective, Outcome, TrialSpec
from scalesearch.study.files import make_folder
from scalesearch.study.proposals import write_suggestions
from scalesearch.study.record_writer import RecordWriter, open_writer
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

    A finished trial is durable before its end is reported and before a plan depends on it. A kill at any moment
    loses none, and the same call resumes.

    Raises:
        KeyboardInterrupt: the search was stopped; the records remain.
        StorageError: a record cannot be written.
    """
    outcomes = study.outcomes()
    if not study.plan.pending(outcomes):
        return  # without starting the runner
    with open_writer(study) as writer:
        recorder = _Recorder(study, writer, outcomes, listener, fvcore_totals or {})
        try:
            # The recorder adds to `outcomes`, so each wave is what the plan needs after the last one.
            runner.run(iter(recorder.next_wave, ()), objective, recorder)
        finally:
            recorder.report()
    # While proposals follow, these candidates can still be promoted, and then resume from their checkpoints.
    if not study.plan.accepts_proposals:
        shutil.rmtree(study.checkpoints_folder, ignore_errors=True)


class _Recorder:
    """Records finished trials and passes all events on, in their order, once the records are durable."""

    def __init__(
        self,
        study: Study,
        writer: RecordWriter,
        outcomes: dict[str, Outcome],
        listener: Listener,
        fvcore_totals: Mapping[str, int],
    ) -> None:
        self._study, self._writer, self._outcomes = study, writer, outcomes
        self._listener, self._fvcore_totals = listener, fvcore_totals
        self._events: list[Event] = []
        """The events since the first record that may not be durable."""

    def __call__(self, event: Event) -> None:
        if isinstance(event, TrialFinished):
            total = self._fvcore_totals.get(event.spec.network_id)
            self._add(TrialRecord(event.spec, event.outcome, trial_cost(event.spec, total)))
        elif not self._events:
            self._listener(event)
            return
        self._events.append(event)
        if self._writer.is_due:
            self.report()

    def next_wave(self) -> tuple[TrialSpec, ...]:
        """Return the trials that the plan needs after all records so far."""
        self.report()
        return self._study.plan.pending(self._outcomes)

    def report(self) -> None:
        """Make all records durable, and pass the events on."""
        if not self._events:
            return
        self._writer.sync()
        events, self._events = self._events, []
        for event in events:
            if isinstance(event, TrialFinished):
                self._outcomes[event.spec.id] = event.outcome
            self._listener(event)

    def _add(self, record: TrialRecord) -> None:
        """Write a record; on a storage error, delete the checkpoints, which only save time, and write it again.

        Raises:
            StorageError: the record still cannot be written, for example because the disk is full.
        """
        try:
            self._writer.add(record)
        except StorageError:
            shutil.rmtree(self._study.checkpoints_folder, ignore_errors=True)
            self._writer.add(record)
            make_folder(self._study.checkpoints_folder)  # later trials save into it


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
