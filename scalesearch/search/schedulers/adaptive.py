"""Implements adaptive waves: few networks that span the grid first, then those that are probably the best.

The first wave is a space-filling design: the networks with the most depth, width and resolution, and others far
from these (Kennard & Stone 1969, "Computer aided design of experiments", Technometrics 11). Each later wave gives
one more seed to the networks with the largest posterior probability of being the best of all candidates, trained or
not. Thompson sampling chooses a network with that probability (Thompson 1933, Biometrika 25; Russo 2016, "Simple
Bayesian algorithms for best arm identification", COLT). This version takes the largest probabilities in place of
draws, and whole waves in place of single trials, so that a search does not depend on which trial was faster.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import ClassVar

from scalesearch.search.budget import Budget
from scalesearch.search.schedulers.base import Results, RungTrial, SchedulerState, WithoutRungs

_FEWEST_FIRST, _FEWEST_LATER = 6, 4
"""The networks of the first wave and of a later one in a small grid: six, since a quadratic in the shares has six
coefficients."""
_CANDIDATES_PER_FIRST, _CANDIDATES_PER_LATER = 4, 8
"""A large grid has one network of the first wave, and one of a later wave, for so many candidates."""
WAVES_VERSION = 2
"""The version of what chooses the networks of a wave: this module, the model and `shares.spanning`.

Every change that makes a study choose others increases it; see `Results.waves_are_todays`.
"""


@dataclass(frozen=True, slots=True)
class AdaptiveWaves(WithoutRungs):
    """Trains networks to the end that span the grid, then, wave by wave, those that are probably the best."""

    promotes_all_at_chance: ClassVar[bool] = False
    promotes: ClassVar[str] = "those that are probably the best get further seeds"
    num_candidates: int
    seeds: int
    """The number of waves. So it is the largest number of seeds of a network."""

    @classmethod
    def of(cls, budget: Budget, _: int, candidates: Sequence[str], expected: int = 0) -> AdaptiveWaves:
        """Create the schedule of a budget; see `Scheduler.of`."""
        return cls(max(len(candidates), expected), max(budget.seeds, budget.final_seeds))

    @property
    def baseline_seeds(self) -> int:
        """The number of seeds of the unscaled network."""
        return self.seeds

    @property
    def finalists(self) -> int:
        """The number of networks in the last wave; 0 where the first is the only one."""
        return self._later if self.seeds > 1 else 0

    @property
    def _first(self) -> int:
        """The number of candidates in the first wave."""
        return min(self.num_candidates, max(_FEWEST_FIRST, -(-self.num_candidates // _CANDIDATES_PER_FIRST)))

    @property
    def _later(self) -> int:
        return min(self.num_candidates, max(_FEWEST_LATER, -(-self.num_candidates // _CANDIDATES_PER_LATER)))

    def advance(self, results: Results) -> SchedulerState:
        """Return the waves so far; they end for now with the first that has unfinished trials.

        A wave is chosen by the trials of the waves before it alone, so that a search that was killed chooses the
        same networks. A network whose trial failed gets no further ones. The waves of a study that another version
        began are its recorded trials first, in whatever order they were trained.
        """
        order = results.spread(self._first)
        started, waves = Counter[str](), list[tuple[RungTrial, ...]]()
        for wave in range(self.seeds):
            if not results.waves_are_todays:
                order = self._recorded_first(results, order, started)
            chosen = _without(results.baseline, order)[: self._first if wave == 0 else self._later]
            # The unscaled network is one seed ahead, because it trains the trunks of the other networks' trials.
            seeds = range(0 if wave == 0 else wave + 1, min(wave + 2, self.seeds))
            of_baseline = [RungTrial(results.baseline, seed) for seed in seeds]
            waves.append((*of_baseline, *(RungTrial(key, started[key]) for key in chosen)))
            started.update(chosen)
            if results.more_candidates or not all(map(results.is_over, waves[-1])):
                break
            trials = [trial for one in waves for trial in one]
            completed = {(arm.key, seed) for arm in results.arms(0, wave + 1) for seed in arm.accuracies}
            failed = {trial.network for trial in trials if (trial.network, trial.seed) not in completed}
            order = [key for key in results.most_probably_best(trials) if key not in failed]
        return SchedulerState(tuple(waves))

    def _recorded_first(self, results: Results, order: Sequence[str], started: Mapping[str, int]) -> Sequence[str]:
        """Return the networks that have trials left that are over, then the others in their order.

        Those with the most such trials are first: a wave has one of each network, so this takes the fewest waves
        (Hu 1961, "Parallel sequencing and assembly line problems", Operations Research 9).
        """

        def recorded(key: str) -> int:
            seeds = range(started.get(key, 0), self.seeds)
            return sum(1 for _ in takewhile(lambda seed: results.is_over(RungTrial(key, seed)), seeds))

        left = {key: count for key in results.candidates if (count := recorded(key))}
        return [*sorted(left, key=lambda key: -left[key]), *(key for key in order if key not in left)]

    def num_trials(self, networks: int, state: SchedulerState | None = None) -> int:
        """Return how many trials there will be; see `Scheduler.num_trials`."""
        del networks, state
        return self.seeds + self._first + (self.seeds - 1) * self._later

    def num_images(self, networks: int, training: int, state: SchedulerState | None = None) -> int:
        """Return how many training images those trials see in all."""
        return self.num_trials(networks, state) * training

    def summary(self, completed: Sequence[int]) -> str:
        """Return a phrase for reports."""
        del completed
        later = f", then {self._later} that are probably the best, {self.seeds - 1} times" if self.seeds > 1 else ""
        return f"adaptive waves: {self._first} networks that span the grid{later}"


def _without(baseline: str, keys: Sequence[str]) -> list[str]:
    """Return the keys but for the baseline's, whose trials are planned apart."""
    return [key for key in keys if key != baseline]
