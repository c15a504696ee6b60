"""What a network reaches that has learned nothing, and whether any of several has learned more."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import NormalDist

from scalesearch.search.metrics import ACCURACY, BALANCED, images_error
from scalesearch.search.proxies import DataFacts
from scalesearch.search.trial import Outcome

_LEVEL = 0.05
"""Of networks at chance so many studies may call one better."""


@dataclass(frozen=True, slots=True)
class Chance:
    """The best that an answer does that is the same for every image."""

    metric: str
    """Accuracy or balanced accuracy: of no other metric chance is known."""
    level: float
    """The share of the largest class; by balanced accuracy that of one of the classes."""
    error: float
    """Standard error that the validation images make at that level."""

    def score(self, outcome: Outcome) -> float | None:
        """What is compared with `level`: of a completed trial its figure by `metric`."""
        return outcome.score if self.metric == BALANCED else outcome.accuracy

    def is_exceeded_by_any(self, scores: Iterable[float]) -> bool:
        """Whether the best of the scores is above chance: one-sided at 5 %, by Bonferroni over all of them."""
        values = [*scores]
        if not values:
            return False
        return max(values) > self.level + NormalDist().inv_cdf(1 - _LEVEL / len(values)) * self.error


def chance(metric: str, data: DataFacts) -> Chance:
    """Chance by the study's metric, or by accuracy where the metric's own is not known."""
    own = BALANCED if metric == BALANCED else ACCURACY
    error = images_error(own, data.sizes)
    assert error is not None, "both have one"
    level = 1 / len(error.sizes) if own == BALANCED else max(data.sizes) / data.val
    return Chance(own, level, error.standard_error(level))
