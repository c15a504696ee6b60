"""Computes chance level, and tests whether any of several networks is above it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import NormalDist

from scalesearch.search.metrics import ACCURACY, BALANCED, images_error
from scalesearch.search.proxies import DataFacts
from scalesearch.search.trial import Outcome

_LEVEL = 0.05
"""The significance level: the share of studies, with all networks at chance, in which one is called better."""


@dataclass(frozen=True, slots=True)
class Chance:
    """Holds the best score of a constant prediction, with its standard error."""

    metric: str
    """Accuracy or balanced accuracy: for other metrics the chance level is unknown."""
    level: float
    """The share of the largest class; for balanced accuracy, one over the number of classes."""
    error: float
    """Standard error of the score at that level, from the number of validation images."""

    def score(self, outcome: Outcome) -> float | None:
        """Return the value of a trial that is compared with `level`; None if the trial did not complete."""
        return outcome.score if self.metric == BALANCED else outcome.accuracy

    def is_exceeded_by_any(self, scores: Iterable[float]) -> bool:
        """Return whether the best score is above chance: a one-sided test at 5 %, Bonferroni-corrected."""
        values = [*scores]
        if not values:
            return False
        return max(values) > self.level + NormalDist().inv_cdf(1 - _LEVEL / len(values)) * self.error


def chance(metric: str, data: DataFacts) -> Chance:
    """Return the chance level of the study's metric, or of accuracy where that of the metric is unknown."""
    known_metric = BALANCED if metric == BALANCED else ACCURACY
    error = images_error(known_metric, data.sizes)
    assert error is not None, "both have one"
    level = 1 / len(error.sizes) if known_metric == BALANCED else max(data.sizes) / data.val
    return Chance(known_metric, level, error.standard_error(level))
