"""Trains every network on every rung with every seed, so that replays and proxy validation have whole curves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from scalesearch.search.budget import Budget
from scalesearch.search.schedulers.base import (
    Results,
    Rung,
    RungTrial,
    SchedulerState,
    describe_rungs,
    make_rungs,
    rung_images,
)


@dataclass(frozen=True, slots=True)
class Curves:
    """Promotes all candidates to the last rung with all seeds; eliminates none."""

    resumes_trials: ClassVar[bool] = True
    promotes_all_at_chance: ClassVar[bool] = False
    promotes: ClassVar[str] = ""
    rungs: tuple[Rung, ...]
    seeds: int
    finalists: int = 0

    @classmethod
    def of(cls, budget: Budget, train_images: int, candidates: Sequence[str], expected: int = 0) -> Curves:
        """Create the schedule of a budget; see `Scheduler.of`."""
        entering = [max(len(candidates), expected)] * budget.rungs
        return cls(make_rungs(budget, train_images, entering), budget.seeds)

    @property
    def baseline_seeds(self) -> int:
        """The number of seeds of the unscaled network: the same as of every candidate."""
        return self.seeds

    def start_rung(self, network: str, seed: int, rung: int) -> int:
        """Return the first rung: every trial resumes from the rung below."""
        del network, seed, rung
        return 0

    def advance(self, results: Results) -> SchedulerState:
        """Return the trials of every network and seed, rung by rung."""
        networks = dict.fromkeys((*results.candidates, results.baseline))
        waves = list[tuple[RungTrial, ...]]()
        for index in range(len(self.rungs)):
            waves.append(tuple(RungTrial(key, seed, index) for key in networks for seed in range(self.seeds)))
            if not all(map(results.is_over, waves[-1])):
                return SchedulerState(tuple(waves), max(0, index - 1))
        return SchedulerState(tuple(waves), len(waves) - 1)

    def num_trials(self, networks: int, state: SchedulerState | None = None) -> int:
        """Return how many trials there will be; see `Scheduler.num_trials`."""
        del state
        return len(self.rungs) * networks * self.seeds

    def num_images(self, networks: int, training: int, state: SchedulerState | None = None) -> int:
        """Return how many training images those trials see in all."""
        del training, state
        return networks * self.seeds * sum(rung_images(self.rungs))

    def summary(self, completed: Sequence[int]) -> str:
        """Return a phrase for reports."""
        return f"every network on every rung: {describe_rungs(completed, self.rungs)}"
