"""Implements sequential halving: all candidates get one seed, the better half a second, half of it two more, etc.

The algorithm is Sequential Halving by Karnin, Koren & Somekh 2013 ("Almost optimal exploration in multi-armed
bandits", ICML); an arm pull is a whole training with one more seed. This version differs in three points. The
number of seeds doubles from wave to wave, while the number of candidates halves. Halving ends
with the finalists, which keep getting seeds. Candidates are ordered by everything that was measured of them,
adjusted for the seeds that they had, not by the last wave alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from scalesearch.search.budget import Budget
from scalesearch.search.ranking import leaders
from scalesearch.search.schedulers.base import REDUCTION, Results, RungTrial, SchedulerState, WithoutRungs

_DEFAULT_FINALISTS = 4


@dataclass(frozen=True, slots=True)
class SequentialHalving(WithoutRungs):
    """Trains every candidate to the end with one seed, and the better ones with more and more seeds."""

    promotes_all_at_chance: ClassVar[bool] = True
    promotes: ClassVar[str] = "the better half gets further seeds"
    num_candidates: int
    """The number of candidates in the first wave."""
    finalists: int
    """The number of candidates at which halving ends."""
    seeds: int
    """The number of seeds of a finalist in the end, and of the unscaled network."""

    @classmethod
    def of(cls, budget: Budget, _: int, candidates: Sequence[str], expected: int = 0) -> SequentialHalving:
        """Create the schedule of a budget; see `Scheduler.of`."""
        seeds = max(budget.seeds, budget.final_seeds)
        return cls(max(len(candidates), expected), budget.finalists or _DEFAULT_FINALISTS, seeds)

    @property
    def baseline_seeds(self) -> int:
        """The number of seeds of the unscaled network."""
        return self.seeds

    def advance(self, results: Results) -> SchedulerState:
        """Return the waves so far; they end for now with the first that has unfinished trials.

        Where no candidate is above chance level with its first seed, no wave eliminates any.
        """
        waves = list[tuple[RungTrial, ...]]()
        promoted, done, is_at_chance = tuple(results.candidates), 0, False
        for seeds, num_entering in self._waves():
            if waves:
                arms, baseline = results.promotion_arms(done)
                is_at_chance = bool(arms) and results.is_at_chance(0)
                promoted = leaders(arms, len(arms) if is_at_chance else num_entering, baseline) if arms else ()
                if not promoted:
                    break
            # The unscaled network has all its seeds in the first wave, which trains the trunks of later waves.
            of_baseline = [RungTrial(results.baseline, seed) for seed in range(0 if waves else self.seeds)]
            others = [key for key in promoted if key != results.baseline]
            trials = [RungTrial(key, seed) for key in others for seed in range(done, seeds)]
            waves.append((*of_baseline, *trials))
            if results.more_candidates or not all(map(results.is_over, waves[-1])):
                break
            done = seeds
        return SchedulerState(tuple(waves), rungs_without_elimination=(0,) if is_at_chance else ())

    def _waves(self) -> list[tuple[int, int]]:
        """Return, for each wave, the seeds that its candidates have in the end, and how many they are."""
        least = min(self.finalists, self.num_candidates)
        waves = list[tuple[int, int]]()
        while not waves or waves[-1][0] < self.seeds:
            reduction = REDUCTION ** len(waves)
            waves.append((min(self.seeds, reduction), max(least, -(-self.num_candidates // reduction))))
        return waves

    def num_trials(self, networks: int, state: SchedulerState | None = None) -> int:
        """Return how many trials there will be; see `Scheduler.num_trials`."""
        del networks
        if state is not None and state.rungs_without_elimination:
            return (self.num_candidates + 1) * self.seeds
        trials, done = 0, 0
        for seeds, num_entering in self._waves():
            trials += (num_entering + 1) * (seeds - done)
            done = seeds
        return trials

    def num_images(self, networks: int, training: int, state: SchedulerState | None = None) -> int:
        """Return how many training images those trials see in all."""
        return self.num_trials(networks, state) * training

    def summary(self, completed: Sequence[int]) -> str:
        """Return a phrase for reports."""
        del completed
        waves = ", ".join(f"{num_entering} with {seeds}" for seeds, num_entering in self._waves())
        return f"sequential halving over seeds: {waves}"
