"""Provide results of simulated trainings to schedulers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from scalesearch.search.decision.data import StudyData
from scalesearch.search.decision.posterior import most_probably_best
from scalesearch.search.metrics import ImagesError
from scalesearch.search.ranking import Arm
from scalesearch.search.schedulers import Scheduler
from scalesearch.search.schedulers.base import RungTrial, Score
from scalesearch.search.shares import spanning

BASELINE = "base"


@dataclass(frozen=True, slots=True)
class SimulatedResults:
    """Simulated results implement `scalesearch.search.schedulers.base.Results`.

    All networks have equal cost, and the metric is accuracy.
    """

    candidates: Sequence[str]
    scores: Callable[[int], Mapping[str, Score]]
    """The function that returns, for a rung, the score of each candidate with its first seed."""
    baseline_accuracies: Callable[[int], Sequence[float]]
    """The function that returns, for a rung, the accuracy of the unscaled network with each seed."""
    validation_images: int
    baseline: str = BASELINE
    more_candidates: bool = False
    waves_are_todays: bool = True

    @property
    def images_error(self) -> ImagesError:
        """The binomial error of the validation images."""
        return ImagesError((self.validation_images,))

    def is_over(self, trial: RungTrial) -> bool:
        """Return True: every trial is finished."""
        del trial
        return True

    def arms(self, rung: int, seeds: int) -> list[Arm]:
        """Return the candidates with their first seed."""
        del seeds
        return [Arm(key, {0: score.accuracy}, 1.0, 1, 1) for key, score in self.scores(rung).items()]

    def baseline_arm(self, rung: int) -> Arm:
        """Return the unscaled network with all of its seeds."""
        return Arm(self.baseline, dict(enumerate(self.baseline_accuracies(rung))), 1.0, 1, 1)

    def promotion_arms(self, seeds: int) -> tuple[list[Arm], Arm]:
        """Return the arms of the first rung, with their first seed, and the unscaled network's."""
        return self.arms(0, seeds), self.baseline_arm(0)

    def spread(self, count: int) -> Sequence[str]:
        """Return the first candidates."""
        return self.candidates[:count]

    def most_probably_best(self, trials: Iterable[RungTrial]) -> Sequence[str]:
        """Return nothing: there is no model."""
        del trials
        return ()

    def is_at_chance(self, rung: int) -> bool:
        """Return False: no rung is at chance."""
        del rung
        return False


@dataclass(slots=True)
class SeededResults:
    """Implements `scalesearch.search.schedulers.base.Results` for trainings to the end, of equal cost.

    A trial is over once `run` has asked for it. The unscaled network has no results.
    """

    values: Mapping[str, Sequence[float]]
    """What each candidate would reach, by seed."""
    completed: set[RungTrial] = field(default_factory=set)
    baseline: str = BASELINE
    more_candidates: bool = False
    waves_are_todays: bool = True
    validation_images: int = 1000

    def run(self, scheduler: Scheduler) -> None:
        """Run every trial of a schedule."""
        while trials := {trial for wave in scheduler.advance(self).waves for trial in wave} - self.completed:
            self.completed |= trials

    @property
    def candidates(self) -> Sequence[str]:
        """The ids of the candidates."""
        return tuple(self.values)

    @property
    def images_error(self) -> ImagesError:
        """The binomial error of the validation images."""
        return ImagesError((self.validation_images,))

    def is_over(self, trial: RungTrial) -> bool:
        """Return whether the trial was run."""
        return trial in self.completed

    def arms(self, rung: int, seeds: int) -> list[Arm]:
        """Return the candidates with those of their first `seeds` seeds that were run."""
        del rung
        by_key = {
            key: {seed: values[seed] for seed in range(seeds) if RungTrial(key, seed) in self.completed}
            for key, values in self.values.items()
        }
        return [Arm(key, by_seed, 1.0, 1, 1) for key, by_seed in by_key.items() if by_seed]

    def baseline_arm(self, rung: int) -> Arm:
        """Return the unscaled network without results."""
        del rung
        return Arm(self.baseline, {}, 1.0, 1, 1)

    def promotion_arms(self, seeds: int) -> tuple[list[Arm], Arm]:
        """Return the arms with their first seeds."""
        return self.arms(0, seeds), self.baseline_arm(0)

    def scores(self, rung: int) -> Mapping[str, Score]:
        """Return nothing: there are no rungs."""
        del rung
        return {}

    def spread(self, count: int) -> Sequence[str]:
        """Return the first candidates."""
        return self.candidates[:count]

    def most_probably_best(self, trials: Iterable[RungTrial]) -> Sequence[str]:
        """Return nothing: there is no model."""
        del trials
        return ()

    def is_at_chance(self, rung: int) -> bool:
        """Return False: there are no rungs."""
        del rung
        return False


@dataclass(slots=True, kw_only=True)
class ModelledResults(SeededResults):
    """Seeded results of networks whose shares of compute are known, so that the product's model can judge them."""

    shares: NDArray[np.float64]
    """(candidates, 3): the shares of depth, width and resolution."""
    study_data: Callable[[Iterable[RungTrial]], StudyData]
    """The function that returns what some trials measured."""

    def spread(self, count: int) -> Sequence[str]:
        """Return candidates that span the grid."""
        points = [(depth, width, resolution) for depth, width, resolution in self.shares.tolist()]
        return [self.candidates[index] for index in spanning(points, count)]

    def most_probably_best(self, trials: Iterable[RungTrial]) -> Sequence[str]:
        """Return the candidates by the product's model."""
        return most_probably_best(self.study_data(trials))
