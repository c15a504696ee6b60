"""From a question and the outcomes so far: which trials it still needs, and the answer; pure, so resume is free."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import log
from types import MappingProxyType

from scalesearch.design.cost import cost
from scalesearch.design.factory import Network
from scalesearch.search.candidates import Candidate, CandidateSet
from scalesearch.search.canonical import digest
from scalesearch.search.chance import Chance, chance
from scalesearch.search.grid_waves import grid_first, grid_second, grid_total
from scalesearch.search.halving import (
    Climb,
    Entry,
    Ladder,
    Score,
    climb,
    climb_all,
    ladder,
    ladder_images,
    ladder_trials,
    opening,
)
from scalesearch.search.metrics import ImagesError, images_error
from scalesearch.search.proxies import DataFacts, Proxies
from scalesearch.search.question import Point, Question, choose, find
from scalesearch.search.ranking import Arm, Ranking, macs_slope, rank
from scalesearch.search.sought import TRIES
from scalesearch.search.stage_search import Stages
from scalesearch.search.stage_space import StagePoint
from scalesearch.search.trial import Outcome, TrialSpec


@dataclass(frozen=True)
class Plan:
    """A question about a data set: its candidates and its trials."""

    question: Question
    data: DataFacts
    suggested: tuple[Point, ...] = ()
    """So far, where there is no grid."""

    @cached_property
    def found(self) -> CandidateSet:
        """Every candidate of the grid, or that was suggested, matched or not."""
        return find(self.question, self.suggested)

    @cached_property
    def chosen(self) -> tuple[Candidate, ...]:
        """The candidates that are trained; see `choose`."""
        if self.open:
            return self.found.candidates
        return choose(self.question, self.found)

    @cached_property
    def open(self) -> bool:
        """Whether more points are still to be suggested; a grid has none."""
        wanted = self.question.count
        if not self.question.suggests or wanted is None:
            return False
        return self.within < wanted and len(self.suggested) < wanted * TRIES

    @property
    def within(self) -> int:
        """How many of those that are wanted have been suggested: (α, β) within the limits, or networks."""
        found = self.found.candidates
        return len(found) if self.question.stages else sum(len(one.aliases) for one in found)

    @cached_property
    def by_network(self) -> dict[str, Candidate]:
        """The trained candidates by the id of their network."""
        return {digest(one.architecture): one for one in self.chosen}

    @cached_property
    def base_id(self) -> str:
        """The id of the unscaled network."""
        return digest(self.question.baseline.architecture)

    @cached_property
    def ladder(self) -> Ladder | None:
        """The rungs of successive halving; None where every candidate is trained to the end."""
        if self.question.scheduler == "grid":
            return None
        everyone = self.question.scheduler == "curves"
        entering = max(len(self.chosen), self.question.count or 0) if self.open else len(self.chosen)
        return ladder(self.question.budget, self.data.train, entering, everyone)

    @cached_property
    def _networks(self) -> dict[str, Network]:
        """All that is trained, by id."""
        return {
            self.base_id: self.question.baseline.architecture,
            **{key: one.architecture for key, one in self.by_network.items()},
        }

    @cached_property
    def proxies(self) -> Proxies:
        """What is trained in place of the networks."""
        return Proxies(self.question, self.data, self._networks)

    def spec(self, network: Network, seed: int) -> TrialSpec:
        """The trial of one network with one seed, trained to the end."""
        return self.proxies.spec(digest(network), seed)

    def rung_spec(self, entry: Entry) -> TrialSpec:
        """The trial of one network on one rung."""
        assert self.ladder is not None, "only halving has rungs"
        rungs = self.ladder.rungs
        since = rungs[entry.rung - 1].forked if entry.rung > entry.joined else 0
        return replace(self.proxies.spec(entry.key, entry.seed), samples=rungs[entry.rung].samples, since=since)

    def worth(self, key: str) -> float:
        """What a network's accuracy is multiplied by to be ranked: 1, or its reward's factor."""
        return self._worths.get(key, 1.0)

    @cached_property
    def _worths(self) -> dict[str, float]:
        space = self.question.space
        if not isinstance(space, Stages):
            return {}
        points = [one for one in self.suggested if isinstance(one, StagePoint)]
        return {digest(network): one for network, one in space.worths(points).items()}

    def waves(self, outcomes: Mapping[str, Outcome]) -> tuple[tuple[TrialSpec, ...], ...]:
        """Every trial known so far, in the order in which one wave must be over before the next; dearest first."""
        if self.open and not self.suggested:
            return ()
        if self.ladder is None:
            first = grid_first(self._networks, self.question.budget, self.proxies.spec)
            if self.open or not all(spec.id in outcomes for spec in first):
                return (self._dearest_first(first),)
            arms = self.rung_arms(outcomes, None, self.question.budget.seeds)
            second = grid_second(arms, self.question.budget, self.base_arm(outcomes), self.proxies.spec)
            return self._dearest_first(first), *([self._dearest_first(second)] if second else [])
        found = self.climb(outcomes)
        return tuple(self._dearest_first([self.rung_spec(one) for one in wave]) for wave in found.entries)

    def climb(self, outcomes: Mapping[str, Outcome]) -> Climb:
        """How far a search by halving has come."""
        assert self.ladder is not None, "only halving has rungs"
        candidates = list(self.by_network)
        if self.open:
            return opening(self.ladder, candidates, self.base_id)

        def over(entry: Entry) -> bool:
            return self.rung_spec(entry).id in outcomes

        if self.ladder.everyone:
            return climb_all(self.ladder, [*candidates, self.base_id], over)
        return climb(
            self.ladder,
            candidates,
            self.base_id,
            over,
            lambda rung: self._scores(outcomes, rung),
            lambda rung: list(self.base_on(outcomes, rung).accuracies.values()),
            self.data.val,
            self.images_error,
            lambda rung: self.question.prolongs and not self.chance.is_left_by_any(self.reached(outcomes, rung)),
        )

    @cached_property
    def chance(self) -> Chance:
        """What a network reaches on this data that has learned nothing."""
        return chance(self.question.metric, self.data)

    def reached(self, outcomes: Mapping[str, Outcome], rung: int) -> list[float]:
        """What the candidates' first seeds came to on a rung, as chance is measured."""
        specs = (self.rung_spec(Entry(key, 0, rung, 0)) for key in self.by_network)
        done = (outcomes[spec.id] for spec in specs if spec.id in outcomes)
        return [score for one in done if (score := self.chance.score(one)) is not None]

    def _scores(self, outcomes: Mapping[str, Outcome], rung: int) -> dict[str, Score]:
        """What the candidates came to on a rung with the first seed, adjusted as in the ranking."""
        arms = self.rung_arms(outcomes, rung, 1)
        slope = macs_slope(arms, self.base_on(outcomes, rung))
        found = {}
        for arm in arms:
            epochs = outcomes[self.rung_spec(Entry(arm.key, 0, rung, 0)).id].epochs
            found[arm.key] = Score(arm.accuracies[0] - slope * log(arm.macs_ratio), epochs[-1].train_loss)
        return found

    def planned(self, outcomes: Mapping[str, Outcome]) -> tuple[TrialSpec, ...]:
        """Every trial known so far."""
        return tuple(spec for wave in self.waves(outcomes) for spec in wave)

    def may_have(self, spec: TrialSpec) -> bool:
        """Whether the trial is one of this study's, however its rungs go; a rung's records need not be there."""
        key, budget = spec.network_id, self.question.budget
        if key not in self._networks:
            return False
        if self.ladder is None:
            return spec.seed < max(budget.seeds, budget.final_seeds) and spec == self.proxies.spec(key, spec.seed)
        every = (
            Entry(key, spec.seed, rung, at) for rung in range(len(self.ladder.rungs)) for at in range(rung + 1)
        )
        return spec.seed < self.ladder.seeds and any(spec == self.rung_spec(one) for one in every)

    def left(self, outcomes: Mapping[str, Outcome]) -> tuple[TrialSpec, ...]:
        """The trials that are known to be needed and have no outcome yet; see `over`."""
        return tuple(spec for spec in self.planned(outcomes) if spec.id not in outcomes)

    def over(self, outcomes: Mapping[str, Outcome]) -> bool:
        """Whether nothing is left to suggest or to run."""
        return not self.open and not self.left(outcomes)

    def total_trials(self, outcomes: Mapping[str, Outcome] = MappingProxyType({})) -> int:
        """How many trials the study will have if every candidate completes and no rung is left out.

        Args:
            outcomes: so far; a rung that they prolong has more.
        """
        if self.ladder is None:
            wanted = (self.question.count or 0) if self.open else 0
            return grid_total(self.question.budget, max(wanted, len(self.chosen)))
        return ladder_trials(self.ladder, len(self._networks)) + sum(self._more_trials(outcomes))

    def _more_trials(self, outcomes: Mapping[str, Outcome]) -> list[int]:
        """By rung, beyond what was planned."""
        if self.ladder is None or not outcomes:
            return []
        return self.climb(outcomes).more_trials(self.ladder)

    def total_images(self, outcomes: Mapping[str, Outcome] = MappingProxyType({})) -> int:
        """How many training images those trials see in all."""
        if self.ladder is None:
            return self.total_trials() * self.proxies.images(self.proxies.spec(self.base_id, 0))
        rungs = self.ladder.rungs
        more = sum(
            count * (rungs[index].samples - rungs[index - 1].forked)
            for index, count in enumerate(self._more_trials(outcomes))
            if count
        )
        return ladder_images(self.ladder, len(self._networks)) + more

    def arms(self, outcomes: Mapping[str, Outcome]) -> list[Arm]:
        """The candidates with a completed trial, as the ranking sees them; by halving, on the reached rung."""
        budget = self.question.budget
        rung = None if self.ladder is None else self.climb(outcomes).reached
        return self.rung_arms(outcomes, rung, max(budget.seeds, budget.final_seeds))

    def base_arm(self, outcomes: Mapping[str, Outcome]) -> Arm:
        """The unscaled network's trials, trained as long as those that are ranked."""
        if self.ladder is not None:
            return self.base_on(outcomes, self.climb(outcomes).reached)
        return self._arm(self.base_id, [self.proxies.spec(self.base_id, s) for s in self._first_seeds], outcomes)

    @property
    def _first_seeds(self) -> range:
        return range(self.question.budget.seeds)

    def base_on(self, outcomes: Mapping[str, Outcome], rung: int) -> Arm:
        """The unscaled network's trials on a rung."""
        assert self.ladder is not None, "only halving has rungs"
        own = [self.rung_spec(Entry(self.base_id, seed, rung, 0)) for seed in range(self.ladder.seeds)]
        return self._arm(self.base_id, own, outcomes)

    def rung_arms(self, outcomes: Mapping[str, Outcome], rung: int | None, seeds: int) -> list[Arm]:
        """The candidates with a completed trial on a rung, or at the end of training."""
        found = []
        for key in self.by_network:
            if self.ladder is None or rung is None:
                own = [self.proxies.spec(key, seed) for seed in range(seeds)]
            else:
                joined = [self.ladder.joined(seed, rung) for seed in range(seeds)]
                own = [self.rung_spec(Entry(key, seed, rung, at)) for seed, at in enumerate(joined)]
            found.append(self._arm(key, own, outcomes))
        return [arm for arm in found if arm.accuracies]

    def _arm(self, key: str, specs: Sequence[TrialSpec], outcomes: Mapping[str, Outcome]) -> Arm:
        accuracies = {}
        for spec in specs:
            outcome = outcomes.get(spec.id)
            if outcome is not None and outcome.score is not None:
                accuracies[spec.seed] = outcome.score * self.worth(key)
        price = cost(self._networks[key])
        return Arm(key, accuracies, self.proxies.adjusted_ratio(key), price.activations, price.params)

    def accuracy(self, arm: Arm) -> float:
        """An arm's mean of the metric, without the worth that a reward weighs it by."""
        return sum(arm.accuracies.values()) / len(arm.accuracies) / self.worth(arm.key)

    @property
    def images_error(self) -> ImagesError | None:
        """The error that the validation images make by the metric; None: it does not follow from them."""
        return images_error(self.question.metric, self.data.sizes)

    def ranking(self, outcomes: Mapping[str, Outcome]) -> Ranking | None:
        """The answer; None while no candidate has a completed trial."""
        arms = self.arms(outcomes)
        if not arms:
            return None
        found = rank(arms, self.images_error, self.base_arm(outcomes))
        # A reward has weighed the cost already; among networks of one cost the cheaper of equals is better.
        return replace(found, recommended=found.arms[0].key) if self.question.stages else found

    def recommended(self, ranking: Ranking) -> Candidate:
        """The candidate that the ranking recommends."""
        return self.by_network[ranking.recommended]

    def _dearest_first(self, specs: Sequence[TrialSpec]) -> tuple[TrialSpec, ...]:
        """Long trials early leave no core idle at the end."""
        return tuple(sorted(specs, key=lambda spec: (-cost(spec.proxy).macs * self.proxies.images(spec), spec.id)))
