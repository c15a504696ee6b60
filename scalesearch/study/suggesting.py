"""Optuna's samplers as a pure function: from what is recorded so far to the next points.

The study that Optuna sees is built anew for every round from the records, with a seed of its own; so a search that
was killed goes on as if it had not been, on either runner, and no sampler's state has to be kept.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from statistics import fmean
from typing import TYPE_CHECKING

from scalesearch.design.architecture import Architecture
from scalesearch.search.canonical import digest
from scalesearch.search.continuum import LARGEST, OBJECTIVES, Judged, Suggestion, judge, suggestion
from scalesearch.search.growth import Told, told, tries_left, wanted_next
from scalesearch.search.plan import Plan
from scalesearch.search.trial import Outcome

if TYPE_CHECKING:
    import optuna

_POPULATION = 4
"""NSGA-II's, at least; else a quarter of the wanted networks, so that there are several generations."""

Latencies = Callable[[Sequence[Architecture]], list[float]]
"""Seconds for one image of each network."""


def next_points(plan: Plan, outcomes: Mapping[str, Outcome], measure: Latencies) -> tuple[Suggestion, ...]:
    """What the sampler suggests next, those that break a limit or mean a known network included.

    Args:
        plan: with all suggestions so far, each trained where it breaks no limit.
        outcomes: what came of the trials.
        measure: asked where latency is an objective, once a network.
    """
    space = plan.question.space
    assert space is not None, "a grid is not suggested"
    known = told(plan, outcomes)
    sampler = _Sampler(plan, known)
    found: list[tuple[Suggestion, Judged]] = []
    within, wanted, tries = 0, wanted_next(plan), tries_left(plan)
    while within < wanted and len(found) < tries:
        trial = sampler.ask()
        point = suggestion(trial.params["alpha"], trial.params["width_share"])
        (judged,) = judge(space, [point])
        found.append((point, judged))
        within += not judged.broken
        key = digest(judged.network)
        before = next((one for one in known if one.key == key), None)
        if judged.broken:
            sampler.tell(trial, Told(point, judged, key, None, None))
        elif before is not None:
            sampler.tell(trial, replace(before, judged=judged))
        # What is new is told in the next round; until then Optuna knows that it is under way.
    if "latency" not in space.continuum.objectives:
        return tuple(point for point, _ in found)
    return _measured(found, known, measure)


def _measured(
    found: Sequence[tuple[Suggestion, Judged]], known: Sequence[Told], measure: Latencies
) -> tuple[Suggestion, ...]:
    """The points with their networks' latencies; what breaks a limit has none."""
    times = {one.judged.network: one.point.latency for one in known if one.point.latency is not None}
    new = dict.fromkeys(one.network for _, one in found if not one.broken and one.network not in times)
    times.update(zip(new, measure(list(new)), strict=True))
    return tuple(replace(point, latency=None if one.broken else times[one.network]) for point, one in found)


class _Sampler:
    """An Optuna study in memory that has been told all that is known."""

    def __init__(self, plan: Plan, known: Sequence[Told]) -> None:
        import optuna

        asked, wanted = plan.question.continuum, plan.question.count
        assert asked is not None
        assert wanted is not None
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._objectives = asked.objectives
        values = [one.values(asked.objectives) for one in known]
        # What breaks a limit has no value, but Optuna wants one: the mean says nothing either way.
        self._neutral = [fmean(column) for column in zip(*filter(None, values), strict=True)]
        sampler = make_sampler(asked.sampler, len(plan.suggested), max(_POPULATION, wanted // 4))
        self._study = optuna.create_study(
            directions=[OBJECTIVES[name] for name in asked.objectives], sampler=sampler
        )
        if asked.sampler != "nsga2":  # whose trials carry their generation
            self._study.sampler = optuna.samplers.RandomSampler(seed=0)
        for one in known:
            self._study.enqueue_trial(parameters(one.point))
            self.tell(self.ask(), one)
        self._study.sampler = sampler

    def ask(self) -> optuna.Trial:
        """The next point, as a trial under way."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of features that Optuna may still change
            return self._study.ask(distributions())

    def tell(self, trial: optuna.Trial, one: Told) -> None:
        """What came of a point."""
        import optuna

        for name, value in one.judged.excess:
            trial.set_constraint(name, value)
        values = one.values(self._objectives)
        if one.judged.broken:
            values = tuple(self._neutral or [0.0] * len(self._objectives))
        if values is None:
            self._study.tell(trial, state=optuna.trial.TrialState.FAIL)
        else:
            self._study.tell(trial, list(values))


def distributions() -> dict[str, optuna.distributions.BaseDistribution]:
    """What Optuna draws: α, even in its logarithm, and the share that width has of the rest."""
    from optuna.distributions import FloatDistribution

    return {"alpha": FloatDistribution(1, LARGEST, log=True), "width_share": FloatDistribution(0, 1)}


def parameters(point: Suggestion) -> dict[str, float]:
    """A point as Optuna would have drawn it."""
    return {"alpha": float(point.alpha), "width_share": point.width_share}


def make_sampler(name: str, seed: int, population: int) -> optuna.samplers.BaseSampler:
    """Optuna's sampler of that name."""
    import optuna

    if name == "nsga2":
        return optuna.samplers.NSGAIISampler(seed=seed, population_size=population)
    if name == "gp":
        return optuna.samplers.GPSampler(seed=seed)
    return optuna.samplers.TPESampler(seed=seed)
