"""What candidates are ranked by: accuracy, balanced accuracy, the loss, or a function of the user's own.

The larger is always the better, so the loss is negated.
"""

from __future__ import annotations

import re

ACCURACY, BALANCED, LOSS = "accuracy", "balanced-accuracy", "loss"
METRICS = (ACCURACY, BALANCED, LOSS)
FUNCTION = re.compile(r"(?P<path>.+\.py):(?P<name>[A-Za-z_]\w*)@(?P<digest>[0-9a-f]{16})")
"""A function of the user's own: its file, its name, and the beginning of the file's SHA-256."""

_WORDS = {ACCURACY: "accuracy", BALANCED: "balanced accuracy", LOSS: "negative loss"}


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
