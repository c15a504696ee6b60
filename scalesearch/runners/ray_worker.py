"""Both ends of a Ray Tune trial: the worker that trains, and the watcher that tells the driver of it."""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from ray.tune import Callback, Trainable

from scalesearch.runners.execution import Event, Execution, Finished, Listener, Progressed, Started
from scalesearch.search.canonical import as_json, from_json
from scalesearch.search.task import Epoch
from scalesearch.search.trial import Objective, Outcome, TrialSpec


class Worker(Trainable):  # type: ignore[misc]  # ray has no types
    """A long-lived slot: one epoch a `step`, one trial after another."""

    def setup(self, config: Mapping[str, Any], objective: Objective, stall_seconds: float) -> None:
        """Keep the objective and take up the first trial."""
        self._objective = objective
        self._stall_seconds = stall_seconds
        self._hangs = False
        self._begin(config)

    def reset_config(self, new_config: Mapping[str, Any]) -> bool:
        """Take up another trial in the same process."""
        self._begin(new_config)
        return True

    def _begin(self, config: Mapping[str, Any]) -> None:
        self._execution = Execution(from_json(TrialSpec, config["spec"]), self._objective)

    def step(self) -> dict[str, Any]:
        """One epoch, or the outcome and with it the end."""
        if self._hangs:
            # The outcome is out; only the end of the process ends the thread that hangs. Ray replaces it.
            os._exit(1)
        found = self._step_or_stall()
        if isinstance(found, Outcome) and not self._hangs:
            return {"outcome": as_json(found, floats=True), "done": True}
        key = "outcome" if self._hangs else "epoch"
        return {key: as_json(found, floats=True), "done": False}

    def _step_or_stall(self) -> Epoch | Outcome:
        """A hung epoch cannot be stopped from within its thread, so it runs in one that can be left behind."""
        results: list[Epoch | Outcome] = []
        thread = threading.Thread(target=lambda: results.append(self._execution.step()), daemon=True)
        thread.start()
        thread.join(self._stall_seconds if math.isfinite(self._stall_seconds) else None)
        if results:
            return results[0]
        self._hangs = True
        return self._execution.outcome("stalled", f"no epoch was finished in {self._stall_seconds:g} s")

    def cleanup(self) -> None:
        """Nothing to close: the next trial replaces the execution."""

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        """Trials are short and begin anew; Tune asks for this method all the same."""

    def load_checkpoint(self, checkpoint: Any) -> None:
        """See `save_checkpoint`."""


class Watcher:
    """The driver's side of a run: turns what Tune says into events. Lives outside what Tune pickles.

    What is left in `unfinished` when Tune is through are the trials whose worker died.
    """

    def __init__(self, specs: Sequence[TrialSpec], listener: Listener) -> None:
        self.key = f"{os.getpid()}-{id(self)}"
        self.unfinished = {spec.id: spec for spec in specs}
        self.error: Exception | None = None
        """What the listener raised, such as a full disk; Tune ends with a traceback of its own around it."""
        self._listener = listener
        _WATCHERS[self.key] = self

    def close(self) -> None:
        """Listen no more."""
        del _WATCHERS[self.key]

    def started(self, trial: Any) -> None:
        """A trial has a slot."""
        self._tell(Started(from_json(TrialSpec, trial.config["spec"])))

    def reported(self, trial: Any, result: Mapping[str, Any]) -> None:
        """A trial finished an epoch or itself."""
        spec = from_json(TrialSpec, trial.config["spec"])
        if "outcome" in result:
            self.finish(spec, from_json(Outcome, result["outcome"]))
        elif "epoch" in result:
            self._tell(Progressed(spec, from_json(Epoch, result["epoch"])))

    def finish(self, spec: TrialSpec, outcome: Outcome) -> None:
        """Tell of a trial's end, once."""
        if self.unfinished.pop(spec.id, None) is not None:
            self._tell(Finished(spec, outcome))

    def _tell(self, event: Event) -> None:
        try:
            self._listener(event)
        except Exception as error:
            self.error = error
            raise


_WATCHERS: dict[str, Watcher] = {}
"""The runs under way in this process."""


class Bridge(Callback):  # type: ignore[misc]  # ray has no types
    """Passes Tune's callbacks to the watcher of the same process; holds its key alone, so it pickles."""

    def __init__(self, key: str) -> None:
        self._key = key

    def on_trial_start(self, *, trial: Any, **_: Any) -> None:
        """A trial has a slot."""
        _WATCHERS[self._key].started(trial)

    def on_trial_result(self, *, trial: Any, result: dict[str, Any], **_: Any) -> None:
        """A trial finished an epoch or itself."""
        _WATCHERS[self._key].reported(trial, result)

    def on_trial_complete(self, *, trial: Any, **_: Any) -> None:
        """The last result of a trial comes here only."""
        _WATCHERS[self._key].reported(trial, trial.last_result or {})
