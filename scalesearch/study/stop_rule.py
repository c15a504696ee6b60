"""Decides after every seed whether a search goes on with another one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from scalesearch.search.budget import MOST_SEEDS
from scalesearch.search.plan import Plan
from scalesearch.search.trial import Outcome
from scalesearch.study.result import analyze


@dataclass(frozen=True, slots=True)
class StopRule:
    """States when a search that adds one seed after the other stops; it changes no trial and no record."""

    until_regret: float | None = None
    """Stop once the expected regret of the recommended candidate is at most this, in the study's metric."""
    seconds: float | None = None
    """Stop when another seed would take longer than what is left of so many seconds."""

    def goes_on(self, plan: Plan, outcomes: Mapping[str, Outcome], elapsed: float, num_seeds: int) -> bool:
        """Return whether a complete study gets another seed.

        Args:
            plan: the study.
            outcomes: all its outcomes.
            elapsed: seconds since the command began to search.
            num_seeds: how many seeds it has trained in this time; 0: none yet, and the next is tried.
        """
        if not self.states_anything or plan.scheduler.seeds >= MOST_SEEDS:
            return False
        if self.seconds is not None and elapsed * (num_seeds + 1) > self.seconds * num_seeds > 0:
            return False
        if self.until_regret is None:
            return True
        result = analyze(plan, outcomes)
        # The regret is not known before the noise is: then a second seed tells more than anything else.
        return result is not None and (
            result.ranking.degrees_of_freedom == 0 or result.decision.regret > self.until_regret
        )

    @property
    def states_anything(self) -> bool:
        """Whether there is a condition; without one, the seeds of the budget are all."""
        return self.until_regret is not None or self.seconds is not None
