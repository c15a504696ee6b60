"""What searches by a named budget can be expected to find out, as measured on recorded trials."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from scalesearch.search.budget import BUDGETS
from scalesearch.search.plan import Plan
from scalesearch.search.scenes import embedded_spec


@dataclass(frozen=True, slots=True)
class Expectation:
    """States how often a search calls a lead significant."""

    budget: str
    version: int
    data: str
    """The embedded data set, as `--data` names it."""
    seeds: int
    """The seeds of a finalist."""
    lead: float
    """The lead of the best candidate over the second best, in accuracy."""
    lowest: int
    """The share of searches that call it significant, in per cent, for the baseline for which it is the lowest."""
    highest: int


LEADS = (Expectation("quick", 3, "fractal", 5, 0.03, 51, 89),)
"""From `python benchmarks/search_replay.py … leads=0.03 replays=100` for B0 and MobileNetV2 at φ = 1, where the
measured best candidate leads (docs/how-sure.md)."""


def expectation_words(plan: Plan, known: Sequence[Expectation] = LEADS) -> str | None:
    """Return what a search by grid can be expected to find out, as a line of text; None where it was not measured.

    A search with more seeds than were measured finds out as much as the one with the most seeds.
    """
    config, budget = plan.config, plan.config.budget
    # Networks that are not grown from a trunk are trained by another recipe under the same name.
    if budget.name not in BUDGETS or budget.recipe.trunk_epochs != BUDGETS[budget.name].recipe.trunk_epochs:
        return None
    measured = [
        one
        for one in known
        if (one.budget, one.version, one.data) == (budget.name, budget.version, embedded_spec(plan.data.name))
        and one.seeds <= plan.scheduler.seeds
    ]
    if not measured or config.scheduler != "adaptive" or not config.kind.recommends or not config.kind.scales:
        return None
    best = max(measured, key=lambda one: one.seeds)
    return (
        f"With {best.seeds} seeds, a lead of {best.lead:g} in accuracy over the second best is called significant "
        f"in {best.lowest} to {best.highest} % of searches (measured for B0 and MobileNetV2)"
    )
