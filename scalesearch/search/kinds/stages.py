"""A search over a factorised space: who suggests, for which reward, under which limits; and what points come to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from random import Random
from typing import Any, ClassVar, get_args

from scalesearch import choices
from scalesearch.design.architecture import Architecture
from scalesearch.design.coefficients import Coefficients
from scalesearch.design.cost import cost
from scalesearch.design.exact import plain
from scalesearch.design.factory import Network
from scalesearch.design.scaling import Baseline, flops_ratio
from scalesearch.errors import SpaceError
from scalesearch.search.candidates import Candidate, CandidateSet
from scalesearch.search.canonical import from_json
from scalesearch.search.factory_grid import FactoryBaseline
from scalesearch.search.kinds.base import FEWEST, PROPOSALS, StudyKind, limits_summary
from scalesearch.search.metrics import LOSS
from scalesearch.search.rewards import Reward
from scalesearch.search.sampler_space import TRIES, ConstraintCheck, Dimension, RelativeTime, TimingRequest
from scalesearch.search.setting import Setting
from scalesearch.search.stage_space import StagePoint, StageSpace, format_choice, network_of, options, parse_choice

STAGE_SCHEDULERS = get_args(choices.StageScheduler)
STAGE_SAMPLERS = get_args(choices.StageSampler)
"""Chance, the tree-structured Parzen estimator, regularised evolution, and the genetic algorithm NSGA-II."""

_UNSCALED = Coefficients(Decimal(1), Decimal(1), Decimal(1))


@dataclass(frozen=True, slots=True)
class StageSearch(StudyKind):
    """A search of the baseline's own stages, in place of a grid; φ is 1 and nothing is scaled."""

    key: ClassVar[str] = "stages"
    proposes: ClassVar[bool] = True
    scales: ClassVar[bool] = False
    default_count: ClassVar[int] = PROPOSALS
    no_proxy_validation: ClassVar[str] = "was searched by a sampler"
    points_noun: ClassVar[str] = "points"
    space: StageSpace
    sampler: str
    reward: Reward
    max_macs: int | None = None
    max_params: int | None = None
    max_memory: int | None = None
    """Bytes of training the network itself, at the recipe's batch; see `Cost.memory_bytes`."""
    seed: int = 0
    """Of the sampler."""

    def __post_init__(self) -> None:
        if self.sampler not in STAGE_SAMPLERS:
            raise SpaceError(f"sampler is {self.sampler!r}, but it must be one of {', '.join(STAGE_SAMPLERS)}")

    def validate(self, setting: Setting) -> None:
        """Stages need a baseline file, φ = 1, costs that are not matched, and a metric above 0."""
        if isinstance(setting.baseline, FactoryBaseline):
            raise SpaceError("baseline is a Python function, but stages are searched on baseline files only")
        if setting.match != "none" or setting.phi != 1:
            raise SpaceError("stages are searched at phi 1 with match none")
        if setting.scheduler not in STAGE_SCHEDULERS:
            raise SpaceError(f"scheduler is {setting.scheduler}, but stages are searched by halving or to the end")
        if setting.metric == LOSS:
            raise SpaceError(
                "metric is loss, but a reward weighs what is above 0; take accuracy or balanced-accuracy"
            )

    def proposal_space(self, setting: Setting) -> NasSpace:
        """The baseline's stages."""
        assert isinstance(setting.baseline, Baseline), "checked by `validate`"
        return NasSpace(setting.baseline, self, setting.budget.recipe.batch)

    def candidates(self, setting: Setting, proposals: Sequence[Any] | None = None) -> CandidateSet:
        """The networks of the proposals, or before the search of points drawn by chance."""
        points = self.placeholder_points(setting) if proposals is None else proposals
        return self.proposal_space(setting).candidates(points)

    def proposals_from_json(self, tree: Any) -> tuple[StagePoint, ...]:
        """Proposals as they were written."""
        return from_json(tuple[StagePoint, ...], tree)

    def placeholder_points(self, setting: Setting) -> tuple[StagePoint, ...]:
        """Points drawn by chance."""
        return self.proposal_space(setting).random_points(self.count(setting) or FEWEST)

    def select(self, setting: Setting, candidate_set: CandidateSet) -> tuple[Candidate, ...]:
        """All."""
        del setting
        return candidate_set.candidates

    def num_feasible(self, candidate_set: CandidateSet) -> int:
        """How many networks have been proposed."""
        return len(candidate_set.candidates)

    def too_few(self, setting: Setting, count: int, candidate_set: CandidateSet) -> SpaceError:
        """The error where fewer than two candidates can be compared."""
        del setting
        return SpaceError(
            f"only {count} of {candidate_set.triples} points gives a network within the limits; take larger "
            "limits or another --space"
        )

    def reward_factors(self, setting: Setting, proposals: Sequence[Any]) -> Mapping[Network, float]:
        """The reward over the accuracy, of each network within the limits and of the baseline."""
        points = [proposal for proposal in proposals if isinstance(proposal, StagePoint)]
        return dict[Network, float](self.proposal_space(setting).reward_factors(points).items())

    def value_name(self, setting: Setting) -> str:
        """The reward."""
        del setting
        return "reward"

    @property
    def objectives(self) -> tuple[str, ...]:
        """What the reward weighs."""
        return self.reward.objectives

    def summary(self, setting: Setting) -> dict[str, str]:
        """What was asked, by name."""
        del setting
        unit = "s" if self.reward.kind == "latency" else "multiply-adds"
        target = self.reward.target
        return {
            "kind": "search of stages",
            "space": self.space.name,
            "sampler": self.sampler,
            "seed of the sampler": str(self.seed),
            "reward": self.reward.formula,
            "target of the reward": "the baseline's cost" if target is None else f"{plain(target)} {unit}",
            "limit of multiply-adds": "" if self.max_macs is None else f"{self.max_macs:,}",
            **limits_summary(self.max_params, self.max_memory),
        }


@dataclass(frozen=True, slots=True)
class NasSpace:
    """A baseline's stages as a space that is sought in; see `SamplerSpace`."""

    baseline: Baseline
    asked: StageSearch
    batch: int
    """Images of a training step, for the memory and for step times."""
    repeats: bool = field(default=False, init=False)
    """A network that was suggested before is none of those that are wanted: a budget buys networks."""

    def __post_init__(self) -> None:
        options(self.asked.space, self.baseline)

    @property
    def sampler(self) -> str:
        """Who suggests."""
        return self.asked.sampler

    @property
    def seed(self) -> int:
        """Of the sampler."""
        return self.asked.seed

    @property
    def objectives(self) -> tuple[str, ...]:
        """The reward, or for a front what it weighs."""
        return self.asked.reward.objectives if self.sampler == "nsga2" else ("reward",)

    @property
    def timing(self) -> TimingRequest | None:
        """What the reward has to know of a network beside its sizes."""
        what = self.asked.reward.measured
        return None if what is None else TimingRequest(what, self.baseline.architecture, self.batch)

    def dimensions(self) -> dict[str, Dimension]:
        """What may differ, as `stages.2.kernel`: its words."""
        every = options(self.asked.space, self.baseline)
        return {
            f"stages.{index}.{key}": words
            for index, stage in enumerate(every)
            for key, words in stage.items()
            if len(words) > 1
        }

    def point(self, drawn: Mapping[str, Any]) -> StagePoint:
        """The choices that the drawn words mean; what cannot differ is what it must be."""
        every = options(self.asked.space, self.baseline)
        return StagePoint(
            tuple(
                parse_choice({key: drawn.get(f"stages.{index}.{key}", words[0]) for key, words in stage.items()})
                for index, stage in enumerate(every)
            )
        )

    def parameters(self, point: StagePoint) -> dict[str, float | str]:
        """The words that mean the point."""
        known = self.dimensions()
        return {
            name: word
            for index, choice in enumerate(point.choices)
            for key, word in format_choice(choice).items()
            if (name := f"stages.{index}.{key}") in known
        }

    def check_constraints(self, points: Sequence[StagePoint]) -> list[ConstraintCheck]:
        """The points' networks, and how they stand to the limits."""
        return [self._judged(network_of(self.asked.space, self.baseline, point)) for point in points]

    def _judged(self, network: Architecture) -> ConstraintCheck:
        asked, price = self.asked, cost(network)
        limits = {
            "max-flops": (price.macs, asked.max_macs),
            "max-params": (price.params, asked.max_params),
            "max-memory": (price.memory_bytes(self.batch), asked.max_memory),
        }
        excess = ((name, own / most - 1) for name, (own, most) in limits.items() if most is not None)
        return ConstraintCheck(network, tuple(excess))

    def timed(self, point: StagePoint, time: RelativeTime | None) -> StagePoint:
        """The point with its network's time."""
        return replace(point, time=time)

    def time(self, point: StagePoint) -> RelativeTime | None:
        """Its network's time."""
        return point.time

    def candidates(self, points: Sequence[StagePoint]) -> CandidateSet:
        """The networks that break no limit, in the order in which they were first suggested: n1, n2, …."""
        networks = dict.fromkeys(one.network for one in self.check_constraints(points) if not one.violated)
        base = self.baseline.architecture
        found = (
            Candidate(one, cost(one), _UNSCALED, (), flops_ratio(one, base), f"n{index}")
            for index, one in enumerate(networks, 1)
        )
        return CandidateSet(len(points), tuple(found), ())

    def random_points(self, count: int, seed: int = 0) -> tuple[StagePoint, ...]:
        """Points drawn evenly, until so many networks are within the limits or the tries are used up."""
        draw = Random(seed)  # noqa: S311 (no secret)
        known = {name: words for name, words in self.dimensions().items() if isinstance(words, tuple)}
        found: list[StagePoint] = []
        networks: set[Architecture] = set()
        while len(networks) < count and len(found) < count * TRIES:
            point = self.point({name: draw.choice(words) for name, words in known.items()})
            (judged,) = self.check_constraints([point])
            found.append(point)
            if not judged.violated:
                networks.add(judged.network)
        return tuple(found)

    def reward_factors(self, points: Sequence[StagePoint]) -> dict[Architecture, float]:
        """What an accuracy of each network within the limits, and of the baseline, is multiplied by."""
        base, reward, times = self.baseline.architecture, self.asked.reward, self.times(points)
        within = (one.network for one in self.check_constraints(points) if not one.violated)
        networks = (base, *(one for one in within if one != base))
        return {network: reward.factor(network, base, times.get(network)) for network in networks}

    def times(self, points: Sequence[StagePoint]) -> dict[Architecture, RelativeTime]:
        """What was measured of each network within the limits, and what that says of the baseline."""
        judged = zip(points, self.check_constraints(points), strict=True)
        own = {one.network: point.time for point, one in judged if point.time is not None and not one.violated}
        base = _of_the_baseline(list(own.values()))
        return own if base is None else {self.baseline.architecture: base, **own}


def _of_the_baseline(times: Sequence[RelativeTime]) -> RelativeTime | None:
    """The baseline's time: the middle one of those that the networks' times and ratios say."""
    if not times:
        return None
    seconds = sorted(time.seconds / time.ratio for time in times)
    return RelativeTime(seconds[len(seconds) // 2], 1.0)
