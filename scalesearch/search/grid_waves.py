"""The plain schedule: every candidate with the budget's seeds, then more seeds for the best."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from scalesearch.search.budget import Budget
from scalesearch.search.ranking import Arm, leaders
from scalesearch.search.trial import TrialSpec

Make = Callable[[str, int], TrialSpec]
"""The trial of a network, by its key, with a seed."""


def grid_first(keys: Iterable[str], budget: Budget, make: Make) -> list[TrialSpec]:
    """Every network with the budget's seeds."""
    return [make(key, seed) for key in keys for seed in range(budget.seeds)]


def grid_second(arms: Sequence[Arm], budget: Budget, baseline: Arm, make: Make) -> list[TrialSpec]:
    """More seeds for the best of the first wave, given as `arms` with the first wave's seeds alone."""
    if budget.finalists == 0 or budget.final_seeds <= budget.seeds or not arms:
        return []
    best = leaders(arms, budget.finalists, baseline)
    return [make(key, seed) for key in best for seed in range(budget.seeds, budget.final_seeds)]


def grid_total(budget: Budget, candidates: int) -> int:
    """How many trials there will be, the baseline's included, if every candidate completes."""
    more = max(0, budget.final_seeds - budget.seeds) * min(budget.finalists, candidates)
    return budget.seeds * (candidates + 1) + more
