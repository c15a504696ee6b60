"""How long a trial may be silent, told from how long epochs of others took."""

from __future__ import annotations

import time

from scalesearch.design.cost import cost
from scalesearch.search.trial import TrialSpec

UNKNOWN_SECONDS = 1800.0
"""While no trial has finished an epoch."""
LEAST_SECONDS = 60.0
TIMES_AN_EPOCH = 10.0


class Patience:
    """Keeps the time since each running trial was last heard of."""

    def __init__(self, seconds: float | None) -> None:
        """Give every trial so many seconds; None: ten times its epoch, as those before it let expect, and a minute.

        A trial's epoch is expected to take as long as the slowest so far, in proportion to the multiply-adds.
        """
        self._fixed = seconds
        self._seconds_a_mac = 0.0
        self._since: dict[str, float] = {}

    def begin(self, spec: TrialSpec) -> None:
        """A trial has a slot."""
        self._since[spec.id] = time.monotonic()

    def record_epoch(self, spec: TrialSpec) -> None:
        """A trial has finished an epoch."""
        now = time.monotonic()
        took = now - self._since.get(spec.id, now)
        self._since[spec.id] = now
        self._seconds_a_mac = max(self._seconds_a_mac, took / cost(spec.proxy).macs)

    def end(self, spec: TrialSpec) -> None:
        """A trial has given its slot back."""
        self._since.pop(spec.id, None)

    def seconds(self, spec: TrialSpec) -> float:
        """How long the trial may be silent."""
        if self._fixed is not None:
            return self._fixed
        if not self._seconds_a_mac:
            return UNKNOWN_SECONDS
        return max(LEAST_SECONDS, TIMES_AN_EPOCH * self._seconds_a_mac * cost(spec.proxy).macs)

    def is_over(self, spec: TrialSpec) -> bool:
        """Whether the trial has been silent for longer."""
        since = self._since.get(spec.id)
        return since is not None and time.monotonic() - since > self.seconds(spec)
