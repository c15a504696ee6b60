"""Compute the learning rate of each step: linear warm-up, then a cosine to zero, or constant with a final decay.

The cosine is SGDR's without restarts (Loshchilov & Hutter 2017, arXiv 1608.03983, eq. 5), the warm-up is that of
Goyal et al. 2017 (arXiv 1706.02677, section 2.2). A cosine fits one training length only. The warm-up–stable–decay
schedule has no fixed length: the constant phase can be prolonged, and a short decay from any point of it gives a
network as good as a schedule made for that length (Hägele et al. 2024, arXiv 2405.18392, section 3).
"""

from __future__ import annotations

import math
from collections.abc import Callable

from scalesearch.search.task import Recipe

Schedule = Callable[[int], float]
"""The learning rate of a step, counted from 0."""


def warmup_steps(steps: int, recipe: Recipe) -> int:
    """Return how many of `steps` steps are warm-up: the recipe's share, rounded down, and never all of them."""
    return min(int(recipe.warmup * steps), steps - 1)


def learning_rate(step: int, steps: int, recipe: Recipe) -> float:
    """Return the learning rate of step `step`, counted from 0, of a run of `steps` steps under a cosine.

    The first step already has a positive rate (peak / (warm-up steps + 1)), the first step after the warm-up has
    the peak, and step `steps`, the first that is not taken, would have zero.
    """
    peak = float(recipe.learning_rate)
    num_warmup = warmup_steps(steps, recipe)
    if step < num_warmup:
        return peak * (step + 1) / (num_warmup + 1)
    return peak * 0.5 * (1 + math.cos(math.pi * (step - num_warmup) / (steps - num_warmup)))


def stable_rate(step: int, steps: int, recipe: Recipe) -> float:
    """Return the rate of warm-up and constant phase; the warm-up is a share of the whole recipe's `steps`.

    It does not depend on how short the run is.
    """
    peak, num_warmup = float(recipe.learning_rate), warmup_steps(steps, recipe)
    return peak * min(1.0, (step + 1) / (num_warmup + 1))


def decay_rate(step: int, end: int, steps: int, recipe: Recipe) -> float:
    """Return the constant phase's rate times a line from one where the decay starts to zero at step `end`.

    Step `end` is the first that is not taken.
    """
    decay_start = recipe.decay_start(end)
    return stable_rate(step, steps, recipe) * (end - step) / (end - decay_start)
