"""Regularised evolution as an Optuna sampler: the oldest trials leave the population, not the worst."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.samplers import BaseSampler
from optuna.trial import TrialState

_POPULATION_SHARE = 5
"""The population is this fraction (1 / 5) of all networks of the search."""
_MIN_POPULATION = 4
"""The population has at least this many networks."""


class Evolution(BaseSampler):
    """Regularised evolution: mutate one choice of the winner of a tournament among the youngest trials.

    Real et al. 2019 (arXiv 1802.01548), algorithm 1. This version draws the tournament without replacement and has
    a single mutation, another value for one choice. Its population suits tens of networks, not thousands: a fifth
    of all, of which half, at least two, are in a tournament.
    """

    def __init__(self, distributions: Mapping[str, BaseDistribution], seed: int, num_networks: int) -> None:
        self._distributions = {
            name: distribution
            for name, distribution in distributions.items()
            if isinstance(distribution, CategoricalDistribution)
        }
        self._random = Random(seed)  # noqa: S311 (no secret)
        self._population_size = max(_MIN_POPULATION, num_networks // _POPULATION_SHARE)

    def infer_relative_search_space(self, *_: object) -> dict[str, BaseDistribution]:
        """Return all choices: a mutation copies the parent's other choices."""
        return dict(self._distributions)

    def sample_relative(self, study: optuna.Study, *_: object) -> dict[str, Any]:
        """Return a mutated copy of a tournament's winner, or a random network while the population is not full."""
        done = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        population = [trial for trial in done if all(value <= 0 for value in trial.constraints.values())][
            -self._population_size :
        ]
        if len(population) < self._population_size or not self._distributions:
            return {
                name: self._random.choice(distribution.choices)
                for name, distribution in self._distributions.items()
            }
        tournament = self._random.sample(population, max(2, self._population_size // 2))
        child = dict(max(tournament, key=lambda trial: trial.value or 0.0).params)
        name = self._random.choice(list(self._distributions))
        child[name] = self._random.choice(
            [choice for choice in self._distributions[name].choices if choice != child[name]]
        )
        return child

    def sample_independent(self, *_: object) -> Any:
        """Raise an error: no choice is drawn independently of the others."""
        raise AssertionError("every choice is drawn with the others")
