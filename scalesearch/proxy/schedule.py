"""The learning rate of each step: linear warm-up, then a cosine to zero, or a constant and a decay at the end.

The cosine is SGDR's without restarts (Loshchilov & Hutter 2017, arXiv 1608.03983, eq. 5), the warm-up is that of
Goyal et al. 2017 (arXiv 1706.02677, section 2.2). A cosine fits one length only. Warm-up, stable, decay has no
horizon: the constant part can be prolonged, and a short decay branched off anywhere gives a network that is as good
as one whose whole schedule was made for that length (Hägele et al. 2024, arXiv 2405.18392, section 3).
"""

from __future__ import annotations

import math
from collections.abc import Callable

from scalesearch.search.task import Recipe

Schedule = Callable[[int], float]
"""The learning rate of a step, counted from 0."""


def warmup_steps(steps: int, recipe: Recipe) -> int:
    """How many of `steps` steps climb: the recipe's share, rounded down, and never all of them."""
    return min(int(recipe.warmup * steps), steps - 1)


def learning_rate(step: int, steps: int, recipe: Recipe) -> float:
    """The learning rate of step `step`, counted from 0, of a run of `steps` steps under a cosine.

    The first step already moves (at peak / (warm-up steps + 1)), the first step after the warm-up has the
    peak, and step `steps`, the first that is not taken, would have zero.
    """
    peak = float(recipe.learning_rate)
    climb = warmup_steps(steps, recipe)
    if step < climb:
        return peak * (step + 1) / (climb + 1)
    return peak * 0.5 * (1 + math.cos(math.pi * (step - climb) / (steps - climb)))


def trunk_rate(step: int, steps: int, recipe: Recipe) -> float:
    """Warm-up, then constant. The warm-up is a share of the whole recipe's `steps`, however short the run."""
    peak, climb = float(recipe.learning_rate), warmup_steps(steps, recipe)
    return peak * min(1.0, (step + 1) / (climb + 1))


def branch_rate(step: int, end: int, steps: int, recipe: Recipe) -> float:
    """The trunk's rate times a line from one at the fork to zero at step `end`, the first that is not taken."""
    fork = recipe.decay_start(end)
    return trunk_rate(step, steps, recipe) * (end - step) / (end - fork)
