"""One trial, one epoch at a time, and how its end is named: the same meaning for every runner."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from scalesearch.search.task import Epoch
from scalesearch.search.trial import Objective, Outcome, State, TrialEndedError, TrialSpec
from scalesearch.user_code import describe_error, print_if_debugging


@dataclass(frozen=True, slots=True)
class TrialStarted:
    """A trial has a slot."""

    spec: TrialSpec


@dataclass(frozen=True, slots=True)
class EpochFinished:
    """A trial finished an epoch."""

    spec: TrialSpec
    epoch: Epoch


@dataclass(frozen=True, slots=True)
class TrialFinished:
    """A trial is over."""

    spec: TrialSpec
    outcome: Outcome


Event = TrialStarted | EpochFinished | TrialFinished
Listener = Callable[[Event], None]


class Runner(Protocol):
    """Runs trials somewhere and tells what happens; every spec ends in exactly one `TrialFinished`."""

    def check(self) -> None:
        """See at once what would stop `run` after minutes of preparation.

        Raises:
            InputError: what was asked for cannot be had.
        """
        ...

    def session(self) -> AbstractContextManager[None]:
        """Hold what several runs share, such as a started Ray."""
        ...

    def run(self, waves: Iterable[Sequence[TrialSpec]], objective: Objective, listener: Listener) -> None:
        """Run wave after wave; returns when each trial is finished.

        Args:
            waves: asked for the next one when all trials of the last are finished and told, so that what
                comes next may depend on how they ended.
            objective: what a trial measures.
            listener: hears every event, here in this process.

        Raises:
            KeyboardInterrupt: stopped by Ctrl-C; unfinished specs have no `TrialFinished`.
        """
        ...


class TrialExecution:
    """A trial under way: `step` gives its epochs, then its outcome."""

    def __init__(self, spec: TrialSpec, objective: Objective) -> None:
        self.spec = spec
        self._epochs: list[Epoch] = []
        self._began = time.perf_counter()
        self._source: Iterator[Epoch] | None = None
        self._objective = objective

    def step(self) -> Epoch | Outcome:
        """Train one epoch, or say how the trial ended.

        No error of the objective leaves here: it is a state of the trial.
        """
        try:
            if self._source is None:
                self._source = iter(self._objective(self.spec))
            epoch = next(self._source, None)
        except TrialEndedError as error:
            if error.state == "failed":
                print_if_debugging(error)
            return self.outcome(error.state, error.message)
        except (Exception, SystemExit) as error:
            print_if_debugging(error)
            return self.outcome("failed", describe_error(error))
        if epoch is None:
            return self.outcome("complete")
        self._epochs.append(epoch)
        return epoch

    def outcome(self, state: State, message: str = "") -> Outcome:
        """The trial's outcome if it ended now."""
        seconds = time.perf_counter() - self._began
        training = sum(epoch.seconds for epoch in self._epochs)
        return Outcome(
            state, self.spec.recorded_epochs(self._epochs), round(seconds, 4), round(training, 4), message
        )
