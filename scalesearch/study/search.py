"""Plan → run → record, until nothing is left to run."""

from __future__ import annotations

from scalesearch.runners.execution import Event, Finished, Listener, Runner
from scalesearch.search.trial import Objective, TrialSpec
from scalesearch.study.records import TrialRecord
from scalesearch.study.study import Study


def search(study: Study, runner: Runner, objective: Objective, listener: Listener) -> None:
    """Run every trial that the plan asks for and no record holds; each is recorded as it finishes.

    A finished trial is durable before anybody hears of it, so a kill at any moment loses none, and resuming
    is calling this again.

    Raises:
        KeyboardInterrupt: stopped; what is recorded stays.
        StorageError: a record cannot be written.
    """
    outcomes = study.outcomes()

    def on_event(event: Event) -> None:
        if isinstance(event, Finished):
            study.add(TrialRecord(event.spec, event.outcome))
            outcomes[event.spec.id] = event.outcome
        listener(event)

    def left() -> list[TrialSpec]:
        return [spec for spec in study.plan.planned(outcomes) if spec.id not in outcomes]

    if not left():
        return
    with runner.session():
        while specs := left():
            runner.run(specs, objective, on_event)
