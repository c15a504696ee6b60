"""The far end of a Ray Tune trial: the worker that trains."""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Mapping
from typing import Any

from ray.tune import Trainable

from scalesearch.runners.execution import Execution
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
