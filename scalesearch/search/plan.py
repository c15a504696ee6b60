"""What a study asks and, from the outcomes so far, which trials it still needs: pure, so resume is free."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property
from math import log

from scalesearch.design.architecture import Architecture
from scalesearch.design.cost import cost
from scalesearch.design.factory import Network
from scalesearch.design.rounding import ROUNDING_RULES
from scalesearch.design.scaling import Baseline
from scalesearch.errors import SpaceError
from scalesearch.search.budget import Budget
from scalesearch.search.candidates import MATCHES, Candidate, CandidateSet, candidates, spread
from scalesearch.search.canonical import digest
from scalesearch.search.catalogue import FactoryBaseline
from scalesearch.search.grid import triples
from scalesearch.search.ranking import Arm, Ranking, leaders, rank
from scalesearch.search.rivals import Rival, rival_candidates
from scalesearch.search.shrink import shrink
from scalesearch.search.surface import Point, Surface, shares_of, surface
from scalesearch.search.trial import Outcome, TrialSpec


@dataclass(frozen=True, slots=True)
class Question:
    """What was asked, without the data."""

    baseline: Baseline | FactoryBaseline
    phi: Decimal
    budget: Budget
    rounding: str = "balanced"
    match: str = "flops"
    rivals: tuple[Rival, ...] = ()
    """The named rules that are compared, in place of a grid."""

    def __post_init__(self) -> None:
        if self.rivals and isinstance(self.baseline, FactoryBaseline):
            raise SpaceError("baseline is a Python function, but rules are compared on baseline files only")
        if not (self.phi.is_finite() and 0 < self.phi <= 10):
            raise SpaceError(f"phi is {self.phi}, but it must be above 0 and at most 10")
        for name, value, known in (("rounding", self.rounding, ROUNDING_RULES), ("match", self.match, MATCHES)):
            if value not in known:
                raise SpaceError(f"{name} is {value!r}, but it must be one of {', '.join(known)}")


def find(question: Question) -> CandidateSet:
    """Every candidate of the question's grid, matched or not."""
    budget, baseline = question.budget, question.baseline
    if question.rivals and isinstance(baseline, Baseline):
        return rival_candidates(baseline, question.rivals, question.phi, question.rounding)
    grid = triples(budget.step, budget.tolerance, question.baseline.axes)
    return candidates(question.baseline, grid, question.phi, question.rounding, question.match)


def choose(question: Question, found: CandidateSet) -> tuple[Candidate, ...]:
    """The candidates that are trained: all, or as many as the budget says, spread over the grid.

    Raises:
        SpaceError: fewer than two can be compared.
    """
    count = None if question.rivals else question.budget.candidates
    chosen = found.candidates if count is None else spread(found.candidates, count)
    if len(chosen) < _FEWEST:
        what = "rules" if question.rivals else "grid points"
        advice = (
            "a larger baseline" if question.rivals else "a smaller --step, a larger --tolerance or --match none"
        )
        raise SpaceError(
            f"only {len(chosen)} of {found.triples} {what} gives a network of the wanted cost; take {advice}"
        )
    return chosen


def image_px(question: Question) -> int:
    """The side at which images are kept: that of the largest proxy, so that none is scaled up."""
    networks = [
        question.baseline.architecture,
        *(one.architecture for one in choose(question, find(question))),
    ]
    return max(_proxy(question, network, 2).resolution for network in networks)


def _proxy(question: Question, network: Network, classes: int) -> Network:
    budget, baseline = question.budget, question.baseline
    if isinstance(baseline, FactoryBaseline):
        return baseline.proxy_of(network)
    assert isinstance(network, Architecture), "a baseline file's networks are architectures"
    return shrink(network, baseline, budget.width_divisor, budget.resolution, classes)


_FEWEST = 2


@dataclass(frozen=True, slots=True)
class DataFacts:
    """What the plan must know of the data set."""

    name: str
    fingerprint: str
    classes: int
    train: int
    val: int


@dataclass(frozen=True)
class Plan:
    """A question about a data set: its candidates and its trials."""

    question: Question
    data: DataFacts

    @cached_property
    def found(self) -> CandidateSet:
        """Every candidate of the grid, matched or not."""
        return find(self.question)

    @cached_property
    def chosen(self) -> tuple[Candidate, ...]:
        """The candidates that are trained; see `choose`."""
        return choose(self.question, self.found)

    @cached_property
    def by_network(self) -> dict[str, Candidate]:
        """The trained candidates by the id of their network."""
        return {digest(one.architecture): one for one in self.chosen}

    @property
    def base_id(self) -> str:
        """The id of the unscaled network."""
        return digest(self.question.baseline.architecture)

    def spec(self, network: Network, seed: int) -> TrialSpec:
        """The trial of one network with one seed."""
        proxy = _proxy(self.question, network, self.data.classes)
        return TrialSpec(network, proxy, self.question.budget.recipe, self.data.fingerprint, seed)

    def proxy_macs_ratio(self, network: Network) -> float:
        """MACs of the network's proxy over 2^φ × those of the baseline's proxy."""
        base = cost(self.spec(self.question.baseline.architecture, 0).proxy).macs
        return cost(self.spec(network, 0).proxy).macs / base / 2 ** float(self.question.phi)

    def first_wave(self) -> tuple[TrialSpec, ...]:
        """The baseline and every candidate with the budget's seeds, dearest first."""
        networks = [self.question.baseline.architecture, *(one.architecture for one in self.chosen)]
        seeds = range(self.question.budget.seeds)
        return _dearest_first([self.spec(network, seed) for network in networks for seed in seeds])

    def second_wave(self, outcomes: Mapping[str, Outcome]) -> tuple[TrialSpec, ...]:
        """More seeds for the best, once the first wave is over."""
        budget = self.question.budget
        arms = self.arms(outcomes, budget.seeds)
        if budget.finalists == 0 or budget.final_seeds <= budget.seeds or not arms:
            return ()
        best = leaders(arms, budget.finalists, self.base_arm(outcomes))
        seeds = range(budget.seeds, budget.final_seeds)
        return _dearest_first([self.spec(self.by_network[key].architecture, s) for key in best for s in seeds])

    def planned(self, outcomes: Mapping[str, Outcome]) -> tuple[TrialSpec, ...]:
        """Every trial known so far: the first wave, and the second where the first is over."""
        first = self.first_wave()
        over = all(spec.id in outcomes for spec in first)
        return first + (self.second_wave(outcomes) if over else ())

    def left(self, outcomes: Mapping[str, Outcome]) -> tuple[TrialSpec, ...]:
        """The trials that are known to be needed and have no outcome yet; empty: the study is over."""
        return tuple(spec for spec in self.planned(outcomes) if spec.id not in outcomes)

    def total_trials(self) -> int:
        """How many trials the study will have, finalists' further seeds included, if every candidate completes."""
        budget = self.question.budget
        more = max(0, budget.final_seeds - budget.seeds) * min(budget.finalists, len(self.chosen))
        return budget.seeds * (len(self.chosen) + 1) + more

    def arms(self, outcomes: Mapping[str, Outcome], seeds: int | None = None) -> list[Arm]:
        """The candidates with a completed trial, as the ranking sees them.

        Args:
            outcomes: by trial id.
            seeds: only look at this many seeds; None: all.
        """
        budget = self.question.budget
        count = max(budget.seeds, budget.final_seeds) if seeds is None else seeds
        found = [self._arm(one.architecture, outcomes, count) for one in self.chosen]
        return [arm for arm in found if arm.accuracies]

    def base_arm(self, outcomes: Mapping[str, Outcome]) -> Arm:
        """The unscaled network's trials."""
        return self._arm(self.question.baseline.architecture, outcomes, self.question.budget.seeds)

    def _arm(self, network: Network, outcomes: Mapping[str, Outcome], seeds: int) -> Arm:
        accuracies = {}
        for seed in range(seeds):
            outcome = outcomes.get(self.spec(network, seed).id)
            if outcome is not None and outcome.accuracy is not None:
                accuracies[seed] = outcome.accuracy
        # The literal protocol compares what it compares; only matched candidates are adjusted for cost.
        literal = self.question.match == "none"
        price = cost(network)
        ratio = 1.0 if literal else self.proxy_macs_ratio(network)
        return Arm(digest(network), accuracies, ratio, price.activations, price.params)

    def ranking(self, outcomes: Mapping[str, Outcome]) -> Ranking | None:
        """The answer; None while no candidate has a completed trial."""
        arms = self.arms(outcomes)
        return rank(arms, self.data.val, self.base_arm(outcomes)) if arms else None

    def surface(self, outcomes: Mapping[str, Outcome]) -> Surface | None:
        """The smooth surface through the candidates, adjusted as the ranking is; None where they are too few."""
        ranking = self.ranking(outcomes)
        if ranking is None:
            return None
        points = []
        for arm in self.arms(outcomes):
            worth = ranking.macs_slope * log(arm.macs_ratio)
            values = {seed: value - worth for seed, value in arm.accuracies.items()}
            points.append(Point(arm.key, shares_of(self.by_network[arm.key].coefficients), values))
        return surface(points)

    def recommended(self, ranking: Ranking) -> Candidate:
        """The candidate that the ranking recommends."""
        return self.by_network[ranking.recommended]


def _dearest_first(specs: list[TrialSpec]) -> tuple[TrialSpec, ...]:
    """Long trials early leave no core idle at the end."""
    return tuple(sorted(specs, key=lambda spec: (-cost(spec.proxy).macs, spec.id)))


def with_overrides(budget: Budget, step: Decimal | None, tolerance: Decimal | None, seeds: int | None) -> Budget:
    """The budget with what the command line said in its place."""
    changed = budget
    if step is not None:
        changed = replace(changed, step=step)
    if tolerance is not None:
        changed = replace(changed, tolerance=tolerance)
    if seeds is not None:
        changed = replace(changed, seeds=seeds)
    return changed
