"""Computes what a sampler has observed of a search so far, and how many networks it proposes next; pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import log

from scalesearch.design.cost import cost
from scalesearch.search.canonical import digest
from scalesearch.search.kinds.sampler import pareto_front
from scalesearch.search.plan import Plan
from scalesearch.search.ranking import macs_slope
from scalesearch.search.sampler_space import DIRECTIONS, TRIES, ConstraintCheck
from scalesearch.search.study_config import Point, StudyConfig
from scalesearch.search.trial import Outcome

_ROUNDS = 5
_FEWEST = 2


@dataclass(frozen=True, slots=True)
class Observation:
    """Holds a suggestion and its result."""

    point: Point
    judged: ConstraintCheck
    key: str
    """The id of the suggestion's network."""
    accuracy: float | None
    """Mean over the network's seeds; None: a limit is violated, or no trial completed."""
    score: float | None
    """The accuracy, adjusted for the proxy's cost as in the ranking."""
    worth: float = 1.0
    """The factor that turns an accuracy of the network into its reward."""

    def values(self, objectives: tuple[str, ...], score: bool = True) -> tuple[float, ...] | None:
        """Return the values of the objectives, in order; None where nothing was measured.

        Args:
            objectives: names of the objectives; an objective that was not measured is left out.
            score: whether to use the adjusted score in place of the accuracy.
        """
        measured = self.score if score else self.accuracy
        if measured is None:
            return None
        network_cost, time = cost(self.judged.network), self.point.latency
        known = {
            "accuracy": measured,
            "reward": measured * self.worth,
            "macs": float(network_cost.macs),
            "params": float(network_cost.params),
            "latency": time,
            "step": time,
        }
        return tuple(value for name in objectives if (value := known[name]) is not None)


def observe(plan: Plan, outcomes: Mapping[str, Outcome]) -> tuple[Observation, ...]:
    """Return every suggestion so far, in order, with its result; those of the same network share one accuracy."""
    space = plan.config.space
    assert space is not None, "a grid has no proposals"
    arms = plan.arms(outcomes)
    slope = macs_slope(arms, plan.base_arm(outcomes))
    means = {arm.key: plan.accuracy(arm) for arm in arms}
    scores = {arm.key: means[arm.key] - slope * log(arm.macs_ratio) for arm in arms}
    observations = []
    for point, check in zip(plan.suggested, space.check_constraints(plan.suggested), strict=True):
        key = digest(check.network)
        measured_key = None if check.violated else key
        observations.append(
            Observation(
                point,
                check,
                key,
                means.get(measured_key or ""),
                scores.get(measured_key or ""),
                plan.reward_factor(key),
            )
        )
    return tuple(observations)


def batch_size(plan: Plan) -> int:
    """Return how many suggestions within the limits the next round has: a fifth of all, or the remaining ones.

    The number depends on the configuration, not on the machine, so that a search is the same on one core and on a
    cluster.
    """
    target = plan.config.count or 0
    return min(max(_FEWEST, target // _ROUNDS), target - plan.num_feasible)


def remaining_proposals(plan: Plan) -> int:
    """Return after how many more suggestions the search ends, however many are within the limits."""
    return TRIES * (plan.config.count or 0) - len(plan.suggested)


def placeholder_points(config: StudyConfig) -> tuple[Point, ...]:
    """Return points spread over the search space, as many as the search will have, for an estimate in advance."""
    return config.kind.placeholder_points(config)


def pareto(plan: Plan, outcomes: Mapping[str, Outcome]) -> tuple[Observation, ...]:
    """Return the Pareto-optimal networks, most accurate first; by measured means, without error bars."""
    objectives = plan.config.kind.objectives
    first: dict[str, Observation] = {}
    for observation in observe(plan, outcomes):
        if observation.accuracy is not None:
            first.setdefault(observation.key, observation)
    values = [(key, observation.values(objectives, score=False) or ()) for key, observation in first.items()]
    optimal = pareto_front(values, [DIRECTIONS[name] for name in objectives])
    return tuple(
        sorted(
            (first[key] for key in optimal), key=lambda observation: (-(observation.accuracy or 0), observation.key)
        )
    )
