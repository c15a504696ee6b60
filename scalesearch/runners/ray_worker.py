"""Defines the Ray Tune trainable: the worker process that trains."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ray.tune import Trainable

from scalesearch.runners.execution import TrialExecution
from scalesearch.search.canonical import as_json, from_json
from scalesearch.search.trial import Objective, Outcome, TrialSpec


class Worker(Trainable):  # type: ignore[misc]  # ray has no types
    """Runs one trial after another in a long-lived actor; each `step` trains one epoch."""

    def setup(self, config: Mapping[str, Any], objective: Objective) -> None:
        """Store the objective and start the first trial."""
        self._objective = objective
        self._begin(config)

    def reset_config(self, new_config: Mapping[str, Any]) -> bool:
        """Start another trial in the same process."""
        self._begin(new_config)
        return True

    def _begin(self, config: Mapping[str, Any]) -> None:
        self._execution = TrialExecution(from_json(TrialSpec, config["spec"]), self._objective)

    def step(self) -> dict[str, Any]:
        """Train one epoch and report it, or report the outcome and end the trial."""
        result = self._execution.step()
        if isinstance(result, Outcome):
            return {"outcome": as_json(result, floats=True), "done": True}
        return {"epoch": as_json(result, floats=True), "done": False}

    def cleanup(self) -> None:
        """Do nothing: the next trial replaces the execution."""

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        """Do nothing: an interrupted trial starts over. Tune requires the method."""

    def load_checkpoint(self, checkpoint: Any) -> None:
        """Do nothing; see `save_checkpoint`."""
