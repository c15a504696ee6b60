"""Decides how long a trial may go without a finished epoch, from the epoch times of other trials."""

from __future__ import annotations

import time

from scalesearch.design.cost import cost
from scalesearch.search.trial import TrialSpec

UNKNOWN_SECONDS = 1800.0
"""The timeout while no trial has finished an epoch."""
LEAST_SECONDS = 60.0
TIMES_AN_EPOCH = 10.0


class Patience:
    """Tracks the time since each running trial started or last finished an epoch."""

    def __init__(self, seconds: float | None) -> None:
        """Set the timeout of every trial.

        Args:
            seconds: a fixed timeout; None: ten times the expected duration of the trial's epoch, a minute at
                least. An epoch is expected to take as long as the slowest epoch so far, in proportion to the
                multiply-adds.
        """
        self._fixed = seconds
        self._seconds_a_mac = 0.0
        self._since: dict[str, float] = {}

    def begin(self, spec: TrialSpec) -> None:
        """Start the clock of a trial that got a slot."""
        self._since[spec.id] = time.monotonic()

    def record_epoch(self, spec: TrialSpec) -> None:
        """Restart the clock of a trial that finished an epoch, and learn from the epoch's duration."""
        now = time.monotonic()
        elapsed = now - self._since.get(spec.id, now)
        self._since[spec.id] = now
        self._seconds_a_mac = max(self._seconds_a_mac, elapsed / cost(spec.proxy).macs)

    def end(self, spec: TrialSpec) -> None:
        """Stop the clock of a trial that gave its slot back."""
        self._since.pop(spec.id, None)

    def seconds(self, spec: TrialSpec) -> float:
        """Return how many seconds the trial may take between two finished epochs."""
        if self._fixed is not None:
            return self._fixed
        if not self._seconds_a_mac:
            return UNKNOWN_SECONDS
        return max(LEAST_SECONDS, TIMES_AN_EPOCH * self._seconds_a_mac * cost(spec.proxy).macs)

    def is_over(self, spec: TrialSpec) -> bool:
        """Return whether the trial has exceeded its timeout."""
        since = self._since.get(spec.id)
        return since is not None and time.monotonic() - since > self.seconds(spec)
