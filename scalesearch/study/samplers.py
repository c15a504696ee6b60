"""Samplers as a pure function: from the records so far to the next proposals.

For every round a new Optuna study is built in memory from the records, with a seed of its own. A killed search
therefore continues as if it had not been killed, with either runner, and no state of a sampler is stored.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import fmean
from typing import TYPE_CHECKING, Any

from scalesearch.design.architecture import Architecture
from scalesearch.search.canonical import digest
from scalesearch.search.observations import Observation, batch_size, observe, remaining_proposals
from scalesearch.search.plan import Plan
from scalesearch.search.sampler_space import (
    DIRECTIONS,
    ConstraintCheck,
    Interval,
    RelativeTime,
    SamplerSpace,
    Timer,
)
from scalesearch.search.study_config import Point
from scalesearch.search.trial import Outcome

if TYPE_CHECKING:
    import optuna

_MIN_POPULATION = 4
"""The smallest population of NSGA-II; else it is a quarter of all networks, so that there are several
generations."""
_SEED_STRIDE = 1_000_003
"""Larger than the number of proposals of a search, so that no two searches share the seed of a round."""


def next_points(plan: Plan, outcomes: Mapping[str, Outcome], measure: Timer) -> tuple[Point, ...]:
    """Return the sampler's next proposals, including those that break a limit or repeat a known network.

    Args:
        plan: the plan, with all proposals so far; each is trained if it breaks no limit.
        outcomes: the outcomes of finished trials, by trial id.
        measure: measures the time of a network, once per network, if the search weighs a time.
    """
    space = plan.config.space
    assert space is not None, "a grid has no proposals"
    observations = observe(plan, outcomes)
    by_key = {observation.key: observation for observation in reversed(observations)}
    sampler = _Sampler(space, observations, plan.config.count or 0)
    proposals: list[tuple[Point, ConstraintCheck]] = []
    new_keys: set[str] = set()
    num_feasible, target, max_proposals = 0, batch_size(plan), remaining_proposals(plan)
    while num_feasible < target and len(proposals) < max_proposals:
        trial = sampler.ask()
        point = space.point(trial.params)
        (check,) = space.check_constraints([point])
        proposals.append((point, check))
        key = digest(check.network)
        num_feasible += not check.violated and (space.repeats or (key not in by_key and key not in new_keys))
        if check.violated:
            sampler.tell(trial, Observation(point, check, key, None, None))
        elif key in by_key:
            sampler.tell(trial, replace(by_key[key], judged=check))
        else:  # a new network has no result until the next round; until then its trial is running in Optuna
            new_keys.add(key)
    if space.timing is None:
        return tuple(point for point, _ in proposals)
    return _add_times(space, proposals, observations, measure)


def _add_times(
    space: SamplerSpace[Any],
    proposals: Sequence[tuple[Point, ConstraintCheck]],
    observations: Sequence[Observation],
    measure: Timer,
) -> tuple[Point, ...]:
    """Return the proposals with the times of their networks; a proposal that breaks a limit is not measured."""
    assert space.timing is not None, "something is measured"
    times: dict[Architecture, RelativeTime] = {
        observation.judged.network: time
        for observation in observations
        if (time := space.time(observation.point)) is not None
    }
    unmeasured = dict.fromkeys(
        check.network for _, check in proposals if not check.violated and check.network not in times
    )
    times.update(zip(unmeasured, measure(space.timing, list(unmeasured)), strict=True))
    return tuple(space.timed(point, None if check.violated else times[check.network]) for point, check in proposals)


class _Sampler:
    """An Optuna study in memory with all observations so far."""

    def __init__(self, space: SamplerSpace[Any], observations: Sequence[Observation], num_networks: int) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._space, self._objectives = space, space.objectives
        self._distributions = distributions(space)
        values = [observation.values(self._objectives) for observation in observations]
        # A proposal that breaks a limit has no value, but Optuna needs one: the mean favours neither side.
        self._neutral = [fmean(column) for column in zip(*filter(None, values), strict=True)]
        seed = space.seed * _SEED_STRIDE + len(observations)
        sampler = make_sampler(space.sampler, seed % 2**32, num_networks, self._distributions)
        self._study = optuna.create_study(
            directions=[DIRECTIONS[name] for name in self._objectives], sampler=sampler
        )
        # The observations are enqueued with their parameters, so nothing has to be sampled for them.
        self._study.sampler = optuna.samplers.RandomSampler(seed=0)
        for observation in observations:
            self._study.enqueue_trial(space.parameters(observation.point))
            trial = self.ask()
            if isinstance(sampler, optuna.samplers.NSGAIISampler):
                # Optuna gives a generation only to trials whose values it drew; without one there are no parents.
                sampler.get_trial_generation(self._study, self._study.get_trials(deepcopy=False)[-1])
            self.tell(trial, observation)
        self._study.sampler = sampler

    def ask(self) -> optuna.Trial:
        """Return the next proposal, as a running Optuna trial."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # warnings about experimental features of Optuna
            return self._study.ask(self._distributions)

    def tell(self, trial: optuna.Trial, observation: Observation) -> None:
        """Report the result of a proposal."""
        import optuna

        for name, value in observation.judged.excess:
            trial.set_constraint(name, value)
        values = observation.values(self._objectives)
        if observation.judged.violated:
            values = tuple(self._neutral or [0.0] * len(self._objectives))
        if values is None:
            self._study.tell(trial, state=optuna.trial.TrialState.FAIL)
        else:
            self._study.tell(trial, list(values))


def distributions(space: SamplerSpace[Any]) -> dict[str, optuna.distributions.BaseDistribution]:
    """Return the distributions that Optuna samples from, by parameter."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution

    return {
        name: FloatDistribution(dimension.low, dimension.high, log=dimension.log)
        if isinstance(dimension, Interval)
        else CategoricalDistribution(dimension)
        for name, dimension in space.dimensions().items()
    }


def make_sampler(
    name: str, seed: int, num_networks: int, distributions: dict[str, optuna.distributions.BaseDistribution]
) -> optuna.samplers.BaseSampler:
    """Return the sampler of that name.

    Args:
        name: the name; one of `SAMPLERS` or `STAGE_SAMPLERS`.
        seed: the seed of this round.
        num_networks: the number of networks of the whole search.
        distributions: the distributions that are sampled from, by parameter.
    """
    import optuna

    if name == "random":
        return optuna.samplers.RandomSampler(seed=seed)
    if name == "evolution":
        from scalesearch.study.evolution import Evolution

        return Evolution(distributions, seed, num_networks)
    if name == "nsga2":
        return optuna.samplers.NSGAIISampler(seed=seed, population_size=max(_MIN_POPULATION, num_networks // 4))
    if name == "gp":
        return optuna.samplers.GPSampler(seed=seed)
    return optuna.samplers.TPESampler(seed=seed)
