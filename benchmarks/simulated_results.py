"""Provide results of simulated trainings to schedulers; every trial counts as finished."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from scalesearch.search.metrics import ImagesError
from scalesearch.search.ranking import Arm
from scalesearch.search.schedulers.base import RungTrial, Score

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

    def is_at_chance(self, rung: int) -> bool:
        """Return False: no rung is at chance."""
        del rung
        return False
