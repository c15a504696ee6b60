"""Which candidate to take, and what that may cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from scalesearch.search.decision.posterior import Posterior, posterior
from scalesearch.search.decision.records import study_data
from scalesearch.search.decision.surface import Surface, surface_of
from scalesearch.search.plan import Plan
from scalesearch.search.ranking import Ranking
from scalesearch.search.trial import Outcome

TOLERANCE = 0.05
"""The least expected regret may be exceeded by so much of one trial's noise where that is cheaper."""


@dataclass(frozen=True)
class Decision:
    """What all records of a study together say."""

    posterior: Posterior
    choice: str
    """The id of the recommended candidate."""

    @cached_property
    def index_by_id(self) -> dict[str, int]:
        """By id: the index into the posterior's arrays."""
        return {key: place for place, key in enumerate(self.posterior.candidates)}

    def mean(self, key: str) -> float:
        """A candidate's posterior mean in the metric, at the end of training."""
        return float(self.posterior.mean[self.index_by_id[key]])

    def error(self, key: str) -> float:
        """Its posterior standard deviation."""
        return float(self.posterior.error[self.index_by_id[key]])

    def probability_best(self, key: str) -> float:
        """The probability that it is the best of all candidates."""
        return float(self.posterior.probability_best[self.index_by_id[key]])

    def expected_regret(self, key: str) -> float:
        """How far the best of all candidates is expected to be above it."""
        return float(self.posterior.expected_regret[self.index_by_id[key]])

    @property
    def regret(self) -> float:
        """The expected regret of the choice."""
        return self.expected_regret(self.choice)

    @cached_property
    def regret_bound(self) -> float:
        """What the regret of the choice stays below with 95 %."""
        return self.posterior.regret_bound(self.index_by_id[self.choice])

    @cached_property
    def gain_of_another_seed(self) -> float:
        """How much the expected regret is to fall if every candidate gets one more training to the end."""
        return self.posterior.gain(np.ones(len(self.index_by_id)))

    @cached_property
    def surface(self) -> Surface | None:
        """Its smooth part; None where the networks are too few, or nothing is scaled."""
        return surface_of(self.posterior)


def decide(plan: Plan, outcomes: Mapping[str, Outcome], ranking: Ranking) -> Decision:
    """The decision so far.

    Args:
        plan: the study.
        outcomes: by trial id.
        ranking: of the candidates that were trained the longest: one of these is chosen.
    """
    found = posterior(study_data(plan, outcomes))
    means = dict(zip(found.candidates, found.mean, strict=True))
    values = {arm.key: float(means[arm.key]) for arm in ranking.arms}
    best = max(values.values())
    # A reward has weighed the cost already; among networks of one cost the cheaper of equals is better.
    tolerance = TOLERANCE * found.noise if plan.config.kind.scales else 0.0
    close = [key for key, value in values.items() if best - value <= tolerance]
    unscaled = plan.base_arm(outcomes).mean
    if unscaled is not None and best > unscaled:
        close = [key for key in close if values[key] > unscaled]

    def cost_of(key: str) -> tuple[int, int, float, str]:
        cost = plan.by_network[key].cost
        return cost.activations, cost.params, -values[key], key

    return Decision(found, min(close, key=cost_of))
