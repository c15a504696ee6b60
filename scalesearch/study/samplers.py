"""Samplers as a pure function: from what is recorded so far to the next points.

The study that Optuna sees is built anew for every round from the records, with a seed of its own; so a search that
was killed goes on as if it had not been, on either runner, and no sampler's state has to be kept.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import fmean
from typing import TYPE_CHECKING, Any

from scalesearch.design.architecture import Architecture
from scalesearch.search.canonical import digest
from scalesearch.search.observations import Observation, told, tries_left, wanted_next
from scalesearch.search.plan import Plan
from scalesearch.search.sampler_space import DIRECTIONS, Clock, ConstraintCheck, Interval, SamplerSpace, Time
from scalesearch.search.study_config import Point
from scalesearch.search.trial import Outcome

if TYPE_CHECKING:
    import optuna

_POPULATION = 4
"""NSGA-II's, at least; else a quarter of the wanted networks, so that there are several generations."""
_SEEDS_APART = 1_000_003
"""More than a search has suggestions, so that no two searches' rounds share a seed."""


def next_points(plan: Plan, outcomes: Mapping[str, Outcome], measure: Clock) -> tuple[Point, ...]:
    """What the sampler suggests next, those that break a limit or mean a known network included.

    Args:
        plan: with all suggestions so far, each trained where it breaks no limit.
        outcomes: what came of the trials.
        measure: asked where a time is sought, once a network.
    """
    space = plan.config.space
    assert space is not None, "a grid is not suggested"
    known = told(plan, outcomes)
    by_key = {one.key: one for one in reversed(known)}
    sampler = _Sampler(space, known, plan.config.count or 0)
    found: list[tuple[Point, ConstraintCheck]] = []
    new: set[str] = set()
    within, wanted, tries = 0, wanted_next(plan), tries_left(plan)
    while within < wanted and len(found) < tries:
        trial = sampler.ask()
        point = space.point(trial.params)
        (judged,) = space.judge([point])
        found.append((point, judged))
        key = digest(judged.network)
        within += not judged.broken and (space.repeats or (key not in by_key and key not in new))
        if judged.broken:
            sampler.tell(trial, Observation(point, judged, key, None, None))
        elif key in by_key:
            sampler.tell(trial, replace(by_key[key], judged=judged))
        else:  # told in the next round; until then Optuna knows that it is under way
            new.add(key)
    if space.timing is None:
        return tuple(point for point, _ in found)
    return _measured(space, found, known, measure)


def _measured(
    space: SamplerSpace[Any],
    judged: Sequence[tuple[Point, ConstraintCheck]],
    known: Sequence[Observation],
    measure: Clock,
) -> tuple[Point, ...]:
    """The points with their networks' times; what breaks a limit has none."""
    assert space.timing is not None, "something is measured"
    times: dict[Architecture, Time] = {
        one.judged.network: time for one in known if (time := space.time(one.point)) is not None
    }
    new = dict.fromkeys(one.network for _, one in judged if not one.broken and one.network not in times)
    times.update(zip(new, measure(space.timing, list(new)), strict=True))
    return tuple(space.timed(point, None if one.broken else times[one.network]) for point, one in judged)


class _Sampler:
    """An Optuna study in memory that has been told all that is known."""

    def __init__(self, space: SamplerSpace[Any], known: Sequence[Observation], wanted: int) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._space, self._objectives = space, space.objectives
        self._distributions = distributions(space)
        values = [one.values(self._objectives) for one in known]
        # What breaks a limit has no value, but Optuna wants one: the mean says nothing either way.
        self._neutral = [fmean(column) for column in zip(*filter(None, values), strict=True)]
        seed = space.seed * _SEEDS_APART + len(known)
        sampler = make_sampler(space.sampler, seed % 2**32, wanted, self._distributions)
        self._study = optuna.create_study(
            directions=[DIRECTIONS[name] for name in self._objectives], sampler=sampler
        )
        self._study.sampler = optuna.samplers.RandomSampler(seed=0)  # what is known need not be thought about
        for one in known:
            self._study.enqueue_trial(space.parameters(one.point))
            trial = self.ask()
            if isinstance(sampler, optuna.samplers.NSGAIISampler):
                # Optuna gives a generation only to trials whose values it drew; without one there are no parents.
                sampler.get_trial_generation(self._study, self._study.get_trials(deepcopy=False)[-1])
            self.tell(trial, one)
        self._study.sampler = sampler

    def ask(self) -> optuna.Trial:
        """The next point, as a trial under way."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of features that Optuna may still change
            return self._study.ask(self._distributions)

    def tell(self, trial: optuna.Trial, observation: Observation) -> None:
        """What came of a point."""
        import optuna

        for name, value in observation.judged.excess:
            trial.set_constraint(name, value)
        values = observation.values(self._objectives)
        if observation.judged.broken:
            values = tuple(self._neutral or [0.0] * len(self._objectives))
        if values is None:
            self._study.tell(trial, state=optuna.trial.TrialState.FAIL)
        else:
            self._study.tell(trial, list(values))


def distributions(space: SamplerSpace[Any]) -> dict[str, optuna.distributions.BaseDistribution]:
    """What Optuna draws."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution

    return {
        name: FloatDistribution(one.low, one.high, log=one.log)
        if isinstance(one, Interval)
        else CategoricalDistribution(one)
        for name, one in space.dimensions().items()
    }


def make_sampler(
    name: str, seed: int, wanted: int, drawn: dict[str, optuna.distributions.BaseDistribution]
) -> optuna.samplers.BaseSampler:
    """The sampler of that name.

    Args:
        name: of `SAMPLERS` or `STAGE_SAMPLERS`.
        seed: of this round.
        wanted: networks of the whole search.
        drawn: what is drawn, by name.
    """
    import optuna

    if name == "random":
        return optuna.samplers.RandomSampler(seed=seed)
    if name == "evolution":
        from scalesearch.study.evolution import Evolution

        return Evolution(drawn, seed, wanted)
    if name == "nsga2":
        return optuna.samplers.NSGAIISampler(seed=seed, population_size=max(_POPULATION, wanted // 4))
    if name == "gp":
        return optuna.samplers.GPSampler(seed=seed)
    return optuna.samplers.TPESampler(seed=seed)
