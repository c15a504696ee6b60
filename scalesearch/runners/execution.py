"""Defines the runner interface and the execution of one trial, epoch by epoch, which every runner shares."""

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
    """Announces that a trial got a slot and starts."""

    spec: TrialSpec


@dataclass(frozen=True, slots=True)
class EpochFinished:
    """Announces that a trial finished an epoch."""

    spec: TrialSpec
    epoch: Epoch


@dataclass(frozen=True, slots=True)
class TrialFinished:
    """Announces that a trial is over, with its outcome."""

    spec: TrialSpec
    outcome: Outcome


Event = TrialStarted | EpochFinished | TrialFinished
Listener = Callable[[Event], None]


class Runner(Protocol):
    """Runs trials somewhere and reports events; every spec ends in exactly one `TrialFinished`."""

    def check(self) -> None:
        """Check at once for what would make `run` fail only after minutes of preparation.

        Raises:
            InputError: a requested resource, such as a cluster or a GPU, is not available.
        """
        ...

    def session(self) -> AbstractContextManager[None]:
        """Hold the resources that several runs share, such as a started Ray."""
        ...

    def run(self, waves: Iterable[Sequence[TrialSpec]], objective: Objective, listener: Listener) -> None:
        """Run wave after wave and return when every trial is finished.

        Args:
            waves: the next wave is requested when all trials of the previous one are finished and reported, so
                that it may depend on their outcomes.
            objective: trains and measures one trial.
            listener: receives every event, in this process.

        Raises:
            KeyboardInterrupt: the run was stopped by Ctrl-C; unfinished specs have no `TrialFinished`.
        """
        ...


class TrialExecution:
    """Executes one trial: each `step` returns its next epoch, the last one its outcome."""

    def __init__(self, spec: TrialSpec, objective: Objective) -> None:
        self.spec = spec
        self._epochs: list[Epoch] = []
        self._began = time.perf_counter()
        self._source: Iterator[Epoch] | None = None
        self._objective = objective

    def step(self) -> Epoch | Outcome:
        """Train one epoch and return it, or return the outcome if the trial has ended.

        An error of the objective is not raised: it becomes the state of the trial.
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
        """Return the outcome that the trial would have if it ended now in `state`."""
        seconds = time.perf_counter() - self._began
        training = sum(epoch.seconds for epoch in self._epochs)
        return Outcome(
            state, self.spec.recorded_epochs(self._epochs), round(seconds, 4), round(training, 4), message
        )
