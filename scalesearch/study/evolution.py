"""Regularised evolution as a sampler of Optuna's: the young are kept, not the best."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.samplers import BaseSampler
from optuna.trial import TrialState

_SHARE = 5
_FEWEST = 4


class Evolution(BaseSampler):
    """Of the youngest few a tournament; a copy of its winner with one choice changed is next.

    Real et al. 2019 (arXiv 1802.01548), algorithm 1; ours draws the tournament without replacement, knows the
    mutation "another word for one choice" alone, and has a population that suits tens of networks, not thousands:
    a fifth of all, of which a half, at least two, are in a tournament.
    """

    def __init__(self, drawn: Mapping[str, BaseDistribution], seed: int, wanted: int) -> None:
        self._drawn = {name: one for name, one in drawn.items() if isinstance(one, CategoricalDistribution)}
        self._draw = Random(seed)  # noqa: S311 (no secret)
        self._population = max(_FEWEST, wanted // _SHARE)

    def infer_relative_search_space(self, *_: object) -> dict[str, BaseDistribution]:
        """All choices: a mutation is of the whole."""
        return dict(self._drawn)

    def sample_relative(self, study: optuna.Study, *_: object) -> dict[str, Any]:
        """A mutated copy of a tournament's winner; chance while the population is not full."""
        done = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        alive = [one for one in done if all(value <= 0 for value in one.constraints.values())][-self._population :]
        if len(alive) < self._population or not self._drawn:
            return {name: self._draw.choice(one.choices) for name, one in self._drawn.items()}
        tournament = self._draw.sample(alive, max(2, self._population // 2))
        child = dict(max(tournament, key=lambda one: one.value or 0.0).params)
        name = self._draw.choice(list(self._drawn))
        child[name] = self._draw.choice([choice for choice in self._drawn[name].choices if choice != child[name]])
        return child

    def sample_independent(self, *_: object) -> Any:
        """Nothing is drawn alone."""
        raise AssertionError("every choice is drawn with the others")
