"""The learning rate of each step: linear warm-up, then half a cosine down to zero.

The cosine is SGDR's without restarts (Loshchilov & Hutter 2017, arXiv 1608.03983, eq. 5), the warm-up is
that of Goyal et al. 2017 (arXiv 1706.02677, section 2.2).
"""

from __future__ import annotations

import math

from scalesearch.search.task import Recipe


def warmup_steps(steps: int, recipe: Recipe) -> int:
    """How many of `steps` steps climb: the recipe's share, rounded down, and never all of them."""
    return min(int(recipe.warmup * steps), steps - 1)


def learning_rate(step: int, steps: int, recipe: Recipe) -> float:
    """The learning rate of step `step`, counted from 0, of a run of `steps` steps.

    The first step already moves (at peak / (warm-up steps + 1)), the first step after the warm-up has the
    peak, and step `steps`, the first that is not taken, would have zero.
    """
    peak = float(recipe.learning_rate)
    climb = warmup_steps(steps, recipe)
    if step < climb:
        return peak * (step + 1) / (climb + 1)
    return peak * 0.5 * (1 + math.cos(math.pi * (step - climb) / (steps - climb)))
