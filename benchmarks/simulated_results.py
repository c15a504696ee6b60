"""Results of simulated trainings, for schedulers: every trial is over as soon as it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from scalesearch.search.metrics import ImagesError
from scalesearch.search.ranking import Arm
from scalesearch.search.schedulers.base import RungTrial, Score

BASELINE = "base"


@dataclass(frozen=True, slots=True)
class SimulatedResults:
    """See `scalesearch.search.schedulers.base.Results`; networks of equal cost, accuracy as the metric."""

    candidates: Sequence[str]
    scores: Callable[[int], Mapping[str, Score]]
    """Of a rung: what each candidate comes to with its first seed."""
    baseline_accuracies: Callable[[int], Sequence[float]]
    """Of a rung: what the unscaled network comes to, seed by seed."""
    validation_images: int
    baseline: str = BASELINE
    more_candidates: bool = False

    @property
    def images_error(self) -> ImagesError:
        """The binomial error of the validation images."""
        return ImagesError((self.validation_images,))

    def is_over(self, trial: RungTrial) -> bool:
        """Every trial is."""
        del trial
        return True

    def arms(self, rung: int, seeds: int) -> list[Arm]:
        """The candidates with their first seed."""
        del seeds
        return [Arm(key, {0: one.accuracy}, 1.0, 1, 1) for key, one in self.scores(rung).items()]

    def baseline_arm(self, rung: int) -> Arm:
        """The unscaled network with all of its seeds."""
        return Arm(self.baseline, dict(enumerate(self.baseline_accuracies(rung))), 1.0, 1, 1)

    def is_at_chance(self, rung: int) -> bool:
        """No rung is."""
        del rung
        return False
