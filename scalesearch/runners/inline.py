"""Runs trials in order in this process: the reference implementation of a runner."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from itertools import chain

from scalesearch.runners.execution import EpochFinished, Listener, TrialExecution, TrialFinished, TrialStarted
from scalesearch.search.trial import Objective, Outcome, TrialSpec


@dataclass(frozen=True, slots=True)
class InlineRunner:
    """Runs one trial after another."""

    def check(self) -> None:
        """Do nothing: this runner needs no resource that could be missing."""

    def session(self) -> AbstractContextManager[None]:
        """Return an empty context: several runs share nothing."""
        return nullcontext()

    def run(self, waves: Iterable[Sequence[TrialSpec]], objective: Objective, listener: Listener) -> None:
        """Run the waves one trial at a time; see `Runner.run`."""
        for spec in chain.from_iterable(waves):
            listener(TrialStarted(spec))
            execution = TrialExecution(spec, objective)
            while not isinstance(step := execution.step(), Outcome):
                listener(EpochFinished(spec, step))
            listener(TrialFinished(spec, step))
