"""Trains every candidate to the end with the budget's seeds, and then the best ones with more seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from scalesearch.search.budget import Budget
from scalesearch.search.ranking import leaders
from scalesearch.search.schedulers.base import Results, RungTrial, SchedulerState, WithoutRungs


@dataclass(frozen=True, slots=True)
class FullTraining(WithoutRungs):
    """Trains every candidate to the end at once."""

    promotes_all_at_chance: ClassVar[bool] = False
    promotes: ClassVar[str] = ""
    baseline_seeds: int
    """The number of seeds of every network in the first wave."""
    final_seeds: int
    """The number of seeds of a finalist in the end."""
    finalists: int
    num_candidates: int
    """The least number of candidates; a sampler may propose more."""

    @classmethod
    def of(cls, budget: Budget, _: int, candidates: Sequence[str], expected: int = 0) -> FullTraining:
        """Create the schedule of a budget; see `Scheduler.of`."""
        return cls(budget.seeds, budget.final_seeds, budget.finalists, max(len(candidates), expected))

    @property
    def seeds(self) -> int:
        """The largest number of seeds of a network."""
        return max(self.baseline_seeds, self.final_seeds)

    def advance(self, results: Results) -> SchedulerState:
        """Return every network with the budget's seeds, then, once those are over, the finalists' further seeds."""
        networks = dict.fromkeys((results.baseline, *results.candidates))
        first = tuple(RungTrial(key, seed) for key in networks for seed in range(self.baseline_seeds))
        if results.more_candidates or not all(map(results.is_over, first)):
            return SchedulerState((first,))
        second = self._further_seeds(results)
        return SchedulerState((first, second) if second else (first,))

    def _further_seeds(self, results: Results) -> tuple[RungTrial, ...]:
        arms = results.arms(0, self.baseline_seeds)
        if self.finalists == 0 or self.final_seeds <= self.baseline_seeds or not arms:
            return ()
        best = leaders(arms, self.finalists, results.baseline_arm(0))
        return tuple(RungTrial(key, seed) for key in best for seed in range(self.baseline_seeds, self.final_seeds))

    def num_trials(self, networks: int, state: SchedulerState | None = None) -> int:
        """Return how many trials there will be; see `Scheduler.num_trials`."""
        del networks, state
        more = max(0, self.final_seeds - self.baseline_seeds) * min(self.finalists, self.num_candidates)
        return self.baseline_seeds * (self.num_candidates + 1) + more

    def num_images(self, networks: int, training: int, state: SchedulerState | None = None) -> int:
        """Return how many training images those trials see in all."""
        return self.num_trials(networks, state) * training

    def summary(self, completed: Sequence[int]) -> str:
        """Return a phrase for reports."""
        del completed
        return "every network trained to the end"
