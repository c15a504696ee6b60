"""The far end of a Ray Tune trial: the worker that trains."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ray.tune import Trainable

from scalesearch.runners.execution import TrialExecution
from scalesearch.search.canonical import as_json, from_json
from scalesearch.search.trial import Objective, Outcome, TrialSpec


class Worker(Trainable):  # type: ignore[misc]  # ray has no types
    """A long-lived slot: one epoch a `step`, one trial after another."""

    def setup(self, config: Mapping[str, Any], objective: Objective) -> None:
        """Keep the objective and take up the first trial."""
        self._objective = objective
        self._begin(config)

    def reset_config(self, new_config: Mapping[str, Any]) -> bool:
        """Take up another trial in the same process."""
        self._begin(new_config)
        return True

    def _begin(self, config: Mapping[str, Any]) -> None:
        self._execution = TrialExecution(from_json(TrialSpec, config["spec"]), self._objective)

    def step(self) -> dict[str, Any]:
        """One epoch, or the outcome and with it the end."""
        result = self._execution.step()
        if isinstance(result, Outcome):
            return {"outcome": as_json(result, floats=True), "done": True}
        return {"epoch": as_json(result, floats=True), "done": False}

    def cleanup(self) -> None:
        """Nothing to close: the next trial replaces the execution."""

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        """Trials are short and begin anew; Tune asks for this method all the same."""

    def load_checkpoint(self, checkpoint: Any) -> None:
        """See `save_checkpoint`."""
