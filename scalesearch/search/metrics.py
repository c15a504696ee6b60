"""Defines the metrics that rank candidates: accuracy, balanced accuracy, the loss, or a user's function.

Larger is always better, so the loss is negated.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

ACCURACY, BALANCED, LOSS = "accuracy", "balanced-accuracy", "loss"
METRICS = (ACCURACY, BALANCED, LOSS)
FUNCTION = re.compile(r"(?P<path>.+\.py):(?P<name>[A-Za-z_]\w*)@(?P<digest>[0-9a-f]{16})")
"""A user's function: its file, its name, and the beginning of the file's SHA-256."""

_LABELS = {ACCURACY: "accuracy", BALANCED: "balanced accuracy", LOSS: "negative loss"}


@dataclass(frozen=True, slots=True)
class ImagesError:
    """Computes the sampling error of a score from the number of validation images.

    A score is the mean over groups of each group's share of correct predictions.
    """

    sizes: tuple[float, ...]
    """Images in each group: one group of all images for accuracy, one group a class for balanced accuracy."""

    @property
    def half_image(self) -> float:
        """The change of the score if half an image of the smallest group changes."""
        return 0.5 / min(self.sizes) / len(self.sizes)

    def standard_error(self, score: float) -> float:
        """Return the binomial standard error sqrt(sum of p (1 - p) / n_k) / K where every group has score p."""
        return sqrt(sum(max(0.0, score * (1 - score)) / size for size in self.sizes)) / len(self.sizes)


def images_error(metric: str, sizes: Sequence[float]) -> ImagesError | None:
    """Return the sampling error of a metric; None where it does not follow from the number of validation images.

    Args:
        metric: the name of the metric.
        sizes: validation images by class.
    """
    if metric == ACCURACY:
        return ImagesError((round(sum(sizes)),))
    # A class without validation images has no recall, and does not count.
    return ImagesError(tuple(filter(None, sizes))) if metric == BALANCED else None


def is_metric(metric: str) -> bool:
    """Return whether the metric exists."""
    return metric in METRICS or FUNCTION.fullmatch(metric) is not None


def metric_words(metric: str) -> str:
    """Return the label of a metric in tables and on axes."""
    match = FUNCTION.fullmatch(metric)
    return match["name"] if match else _LABELS[metric]


def validation_words(metric: str, images: int) -> str:
    """Return the axis label of a metric over this number of validation images."""
    return f"Validation {metric_words(metric)} ({'share of ' if metric == ACCURACY else ''}{images:,} images)"
