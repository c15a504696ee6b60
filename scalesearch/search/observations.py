"""What a sampler is told of a continuous search so far, and how many networks it is asked for next; pure."""

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
    """A suggestion and what came of it."""

    point: Point
    judged: ConstraintCheck
    key: str
    """The id of its network."""
    accuracy: float | None
    """Mean over the network's seeds; None: a limit is broken, or no trial completed."""
    score: float | None
    """The accuracy, adjusted for what the proxy costs as the ranking is."""
    worth: float = 1.0
    """What an accuracy of the network is multiplied by to be its reward."""

    def values(self, objectives: tuple[str, ...], score: bool = True) -> tuple[float, ...] | None:
        """What was sought, in order; None where nothing was measured."""
        reached = self.score if score else self.accuracy
        if reached is None:
            return None
        price, time = cost(self.judged.network), self.point.latency
        known = {
            "accuracy": reached,
            "reward": reached * self.worth,
            "macs": float(price.macs),
            "params": float(price.params),
            "latency": time,
            "step": time,
        }
        return tuple(value for name in objectives if (value := known[name]) is not None)


def observe(plan: Plan, outcomes: Mapping[str, Outcome]) -> tuple[Observation, ...]:
    """Every suggestion so far, in order; two that mean one network have one accuracy."""
    space = plan.config.space
    assert space is not None, "a grid has no suggestions"
    arms = plan.arms(outcomes)
    slope = macs_slope(arms, plan.base_arm(outcomes))
    means = {arm.key: plan.accuracy(arm) for arm in arms}
    scores = {arm.key: means[arm.key] - slope * log(arm.macs_ratio) for arm in arms}
    found = []
    for point, judged in zip(plan.suggested, space.check_constraints(plan.suggested), strict=True):
        key = digest(judged.network)
        own = None if judged.violated else key
        found.append(
            Observation(point, judged, key, means.get(own or ""), scores.get(own or ""), plan.reward_factor(key))
        )
    return tuple(found)


def batch_size(plan: Plan) -> int:
    """How many suggestions within the limits the next round has: a fifth of all, or what is left of them.

    A number of the configuration, not of the machine: the same search on one core and on a cluster.
    """
    wanted = plan.config.count or 0
    return min(max(_FEWEST, wanted // _ROUNDS), wanted - plan.num_feasible)


def remaining_samples(plan: Plan) -> int:
    """After how many more suggestions the search ends, however many are within the limits."""
    return TRIES * (plan.config.count or 0) - len(plan.suggested)


def placeholder_points(config: StudyConfig) -> tuple[Point, ...]:
    """Points spread over what the search can come to, as many as it will have: for an estimate before it begins."""
    return config.kind.placeholder_points(config)


def pareto(plan: Plan, outcomes: Mapping[str, Outcome]) -> tuple[Observation, ...]:
    """The networks that no other beats in all objectives, most accurate first; measured means, no error bars."""
    objectives = plan.config.kind.objectives
    first: dict[str, Observation] = {}
    for one in observe(plan, outcomes):
        if one.accuracy is not None:
            first.setdefault(one.key, one)
    values = [(key, one.values(objectives, score=False) or ()) for key, one in first.items()]
    kept = pareto_front(values, [DIRECTIONS[name] for name in objectives])
    return tuple(sorted((first[key] for key in kept), key=lambda one: (-(one.accuracy or 0), one.key)))
