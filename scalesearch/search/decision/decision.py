"""Recommends a candidate and estimates the regret of that choice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from scalesearch.search.decision.posterior import Posterior, posterior
from scalesearch.search.decision.records import FurtherBudgets, study_data
from scalesearch.search.decision.surface import Surface, surface_of
from scalesearch.search.plan import Plan
from scalesearch.search.ranking import Ranking
from scalesearch.search.trial import Outcome

TOLERANCE = 0.05
"""The recommended candidate may fall behind the best by this share of one trial's noise if it is cheaper."""


@dataclass(frozen=True)
class Decision:
    """Holds the posterior of a study and the candidate that is recommended by it."""

    posterior: Posterior
    choice: str
    """The id of the recommended candidate."""
    baseline_mean: float | None
    """The unscaled network's mean, trained as long as the candidates are judged; None: it was not."""

    @cached_property
    def index_by_id(self) -> dict[str, int]:
        """The index of each candidate in the posterior's arrays, by id."""
        return {key: place for place, key in enumerate(self.posterior.candidates)}

    def mean(self, key: str) -> float:
        """Return a candidate's posterior mean of the metric at the end of training."""
        return float(self.posterior.mean[self.index_by_id[key]])

    def error(self, key: str) -> float:
        """Return a candidate's posterior standard deviation."""
        return float(self.posterior.error[self.index_by_id[key]])

    def probability_best(self, key: str) -> float:
        """Return the probability that a candidate is the best of all."""
        return float(self.posterior.probability_best[self.index_by_id[key]])

    def expected_regret(self, key: str) -> float:
        """Return how far the best of all candidates is expected to be above this one, in the metric."""
        return float(self.posterior.expected_regret[self.index_by_id[key]])

    @property
    def regret(self) -> float:
        """The expected regret of the choice."""
        return self.expected_regret(self.choice)

    @cached_property
    def regret_bound(self) -> float:
        """The bound that the regret of the choice does not exceed with 95 % probability."""
        return self.posterior.regret_bound(self.index_by_id[self.choice])

    @cached_property
    def gain_of_another_seed(self) -> float:
        """The expected decrease of the regret if every candidate gets one more training to the end."""
        return self.posterior.value_of_trainings(np.ones(len(self.index_by_id)))

    @cached_property
    def surface(self) -> Surface | None:
        """The smooth part of the posterior; None where there are too few networks or nothing is scaled."""
        return surface_of(self.posterior)


def decide(
    plan: Plan, outcomes: Mapping[str, Outcome], ranking: Ranking, further: FurtherBudgets | None = None
) -> Decision:
    """Return the decision that the outcomes so far support.

    Args:
        plan: the study.
        outcomes: by trial id.
        ranking: the ranking of the candidates that were trained the longest; one of them is chosen.
        further: the study's further budgets; the candidates are then judged after the longer training.
    """
    result = posterior(study_data(plan, outcomes, further))
    means = dict(zip(result.candidates, result.mean, strict=True))
    values = {arm.key: float(means[arm.key]) for arm in ranking.arms}
    best = max(values.values())
    # A reward already includes the cost. Otherwise the cheapest of the near-best candidates is recommended.
    tolerance = TOLERANCE * result.noise if plan.config.kind.scales else 0.0
    near_best = [key for key, value in values.items() if best - value <= tolerance]
    baseline_mean = _baseline_mean(plan, outcomes, further)
    if baseline_mean is not None and best > baseline_mean:
        near_best = [key for key in near_best if values[key] > baseline_mean]

    def cost_of(key: str) -> tuple[int, int, float, str]:
        cost = plan.by_network[key].cost
        return cost.activations, cost.params, -values[key], key

    return Decision(result, min(near_best, key=cost_of), baseline_mean)


def _baseline_mean(plan: Plan, outcomes: Mapping[str, Outcome], further: FurtherBudgets | None) -> float | None:
    if further is None:
        return plan.base_arm(outcomes).mean
    longer = further.longer
    return longer.plan.baseline_on(longer.outcomes, max(0, len(longer.plan.rungs) - 1)).mean
