"""What candidates are ranked by: accuracy, balanced accuracy, the loss, or a function of the user's own.

The larger is always the better, so the loss is negated.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

ACCURACY, BALANCED, LOSS = "accuracy", "balanced-accuracy", "loss"
METRICS = (ACCURACY, BALANCED, LOSS)
FUNCTION = re.compile(r"(?P<path>.+\.py):(?P<name>[A-Za-z_]\w*)@(?P<digest>[0-9a-f]{16})")
"""A function of the user's own: its file, its name, and the beginning of the file's SHA-256."""

_WORDS = {ACCURACY: "accuracy", BALANCED: "balanced accuracy", LOSS: "negative loss"}


@dataclass(frozen=True, slots=True)
class ImagesError:
    """What the number of validation images makes of a score's error; a score is the mean of the groups' shares."""

    sizes: tuple[float, ...]
    """Images in each group whose share of right answers is taken: one group of all for accuracy, one a class for
    balanced accuracy."""

    @property
    def half_image(self) -> float:
        """What half an image of the smallest group changes the score by."""
        return 0.5 / min(self.sizes) / len(self.sizes)

    def standard_error(self, score: float) -> float:
        """The binomial standard error sqrt(sum of p (1 - p) / n_k) / K of a score p that every group has."""
        return sqrt(sum(max(0.0, score * (1 - score)) / size for size in self.sizes)) / len(self.sizes)


def images_error(metric: str, sizes: Sequence[float]) -> ImagesError | None:
    """The error that the validation images alone make; None of a metric whose error does not follow from them.

    Args:
        metric: what is ranked by.
        sizes: validation images by class.
    """
    if metric == ACCURACY:
        return ImagesError((round(sum(sizes)),))
    # A class without validation images has no recall, and does not count.
    return ImagesError(tuple(filter(None, sizes))) if metric == BALANCED else None


def is_metric(metric: str) -> bool:
    """Whether there is such a metric."""
    return metric in METRICS or FUNCTION.fullmatch(metric) is not None


def metric_words(metric: str) -> str:
    """What a table or an axis calls a metric."""
    own = FUNCTION.fullmatch(metric)
    return own["name"] if own else _WORDS[metric]


def validation_words(metric: str, images: int) -> str:
    """What an axis calls a metric of so many validation images."""
    return f"Validation {metric_words(metric)} ({'share of ' if metric == ACCURACY else ''}{images:,} images)"
