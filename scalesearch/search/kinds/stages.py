"""Defines the architecture search over a baseline's stages: sampler, reward, limits, and the networks of points."""

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
from scalesearch.design.decimals import format_decimal
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
"""Random search, the tree-structured Parzen estimator, regularised evolution, and the genetic algorithm NSGA-II."""

_UNSCALED = Coefficients(Decimal(1), Decimal(1), Decimal(1))


@dataclass(frozen=True, slots=True)
class StageSearch(StudyKind):
    """Searches the architecture of the baseline's stages in place of a grid; φ is 1 and nothing is scaled."""

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
    """Limit of the bytes for training the network itself, at the recipe's batch; see `Cost.memory_bytes`."""
    seed: int = 0
    """The random seed of the sampler."""

    def __post_init__(self) -> None:
        if self.sampler not in STAGE_SAMPLERS:
            raise SpaceError(f"sampler is {self.sampler!r}, but it must be one of {', '.join(STAGE_SAMPLERS)}")

    def validate(self, setting: Setting) -> None:
        """Require a baseline file, φ = 1, costs that are not matched, and a metric above 0."""
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
        """Return the space of the baseline's stages."""
        assert isinstance(setting.baseline, Baseline), "checked by `validate`"
        return NasSpace(setting.baseline, self, setting.budget.recipe.batch)

    def candidates(self, setting: Setting, proposals: Sequence[Any] | None = None) -> CandidateSet:
        """Return the networks of the proposals, or of random points before the search starts."""
        points = self.placeholder_points(setting) if proposals is None else proposals
        return self.proposal_space(setting).candidates(points)

    def proposals_from_json(self, tree: Any) -> tuple[StagePoint, ...]:
        """Return the proposals that a study file holds."""
        return from_json(tuple[StagePoint, ...], tree)

    def placeholder_points(self, setting: Setting) -> tuple[StagePoint, ...]:
        """Return random points."""
        return self.proposal_space(setting).random_points(self.count(setting) or FEWEST)

    def select(self, setting: Setting, candidate_set: CandidateSet) -> tuple[Candidate, ...]:
        """Return all candidates."""
        del setting
        return candidate_set.candidates

    def num_feasible(self, candidate_set: CandidateSet) -> int:
        """Return how many networks within the limits have been proposed."""
        return len(candidate_set.candidates)

    def too_few(self, setting: Setting, count: int, candidate_set: CandidateSet) -> SpaceError:
        """Return the error for a study with fewer than two candidates."""
        del setting
        return SpaceError(
            f"only {count} of {candidate_set.triples} points gives a network within the limits; take larger "
            "limits or another --space"
        )

    def reward_factors(self, setting: Setting, proposals: Sequence[Any]) -> Mapping[Network, float]:
        """Return reward over accuracy for each network within the limits and for the baseline."""
        points = [proposal for proposal in proposals if isinstance(proposal, StagePoint)]
        return dict[Network, float](self.proposal_space(setting).reward_factors(points).items())

    def value_name(self, setting: Setting) -> str:
        """Return the name of the reward."""
        del setting
        return "reward"

    @property
    def objectives(self) -> tuple[str, ...]:
        """The objectives that the reward combines."""
        return self.reward.objectives

    def summary(self, setting: Setting) -> dict[str, str]:
        """Return the configuration as names and values."""
        del setting
        unit = "s" if self.reward.kind == "latency" else "multiply-adds"
        target = self.reward.target
        return {
            "kind": "search of stages",
            "space": self.space.name,
            "sampler": self.sampler,
            "seed of the sampler": str(self.seed),
            "reward": self.reward.formula,
            "target of the reward": "the baseline's cost" if target is None else f"{format_decimal(target)} {unit}",
            "limit of multiply-adds": "" if self.max_macs is None else f"{self.max_macs:,}",
            **limits_summary(self.max_params, self.max_memory),
        }


@dataclass(frozen=True, slots=True)
class NasSpace:
    """Defines the search space of a baseline's stages; see `SamplerSpace`."""

    baseline: Baseline
    asked: StageSearch
    batch: int
    """Images of a training step, for the training memory and for step times."""
    repeats: bool = field(default=False, init=False)
    """A network that was suggested before does not count again: a budget counts different networks."""

    def __post_init__(self) -> None:
        options(self.asked.space, self.baseline)

    @property
    def sampler(self) -> str:
        """The name of the sampler."""
        return self.asked.sampler

    @property
    def seed(self) -> int:
        """The random seed of the sampler."""
        return self.asked.seed

    @property
    def objectives(self) -> tuple[str, ...]:
        """The reward or, for a Pareto front, the objectives that it combines."""
        return self.asked.reward.objectives if self.sampler == "nsga2" else ("reward",)

    @property
    def timing(self) -> TimingRequest | None:
        """The measurement that the reward needs of each network; None: none."""
        quantity = self.asked.reward.measured
        return None if quantity is None else TimingRequest(quantity, self.baseline.architecture, self.batch)

    def dimensions(self) -> dict[str, Dimension]:
        """Return the values of every option that may vary, under names such as `stages.2.kernel`."""
        stage_options = options(self.asked.space, self.baseline)
        return {
            f"stages.{index}.{key}": options_of_key
            for index, stage in enumerate(stage_options)
            for key, options_of_key in stage.items()
            if len(options_of_key) > 1
        }

    def point(self, drawn: Mapping[str, Any]) -> StagePoint:
        """Return the point for the drawn values; options that cannot vary take their only value."""
        stage_options = options(self.asked.space, self.baseline)
        return StagePoint(
            tuple(
                parse_choice({key: drawn.get(f"stages.{index}.{key}", values[0]) for key, values in stage.items()})
                for index, stage in enumerate(stage_options)
            )
        )

    def parameters(self, point: StagePoint) -> dict[str, float | str]:
        """Return the values for which a sampler would have drawn this point."""
        dimensions = self.dimensions()
        return {
            name: value
            for index, choice in enumerate(point.choices)
            for key, value in format_choice(choice).items()
            if (name := f"stages.{index}.{key}") in dimensions
        }

    def check_constraints(self, points: Sequence[StagePoint]) -> list[ConstraintCheck]:
        """Return the points' networks and their constraint violations."""
        return [self._check_network(network_of(self.asked.space, self.baseline, point)) for point in points]

    def _check_network(self, network: Architecture) -> ConstraintCheck:
        search, network_cost = self.asked, cost(network)
        limits = {
            "max-flops": (network_cost.macs, search.max_macs),
            "max-params": (network_cost.params, search.max_params),
            "max-memory": (network_cost.memory_bytes(self.batch), search.max_memory),
        }
        excess = ((name, value / limit - 1) for name, (value, limit) in limits.items() if limit is not None)
        return ConstraintCheck(network, tuple(excess))

    def timed(self, point: StagePoint, time: RelativeTime | None) -> StagePoint:
        """Return the point with its network's time."""
        return replace(point, time=time)

    def time(self, point: StagePoint) -> RelativeTime | None:
        """Return the time of the point's network."""
        return point.time

    def candidates(self, points: Sequence[StagePoint]) -> CandidateSet:
        """Return the networks within the limits, named n1, n2, … in the order of their first suggestion."""
        networks = dict.fromkeys(check.network for check in self.check_constraints(points) if not check.violated)
        base = self.baseline.architecture
        numbered = (
            Candidate(network, cost(network), _UNSCALED, (), flops_ratio(network, base), f"n{index}")
            for index, network in enumerate(networks, 1)
        )
        return CandidateSet(len(points), tuple(numbered), ())

    def random_points(self, count: int, seed: int = 0) -> tuple[StagePoint, ...]:
        """Draw points uniformly until `count` networks are within the limits or the tries are used up."""
        generator = Random(seed)  # noqa: S311 (no secret)
        dimensions = {name: values for name, values in self.dimensions().items() if isinstance(values, tuple)}
        points: list[StagePoint] = []
        networks: set[Architecture] = set()
        while len(networks) < count and len(points) < count * TRIES:
            point = self.point({name: generator.choice(values) for name, values in dimensions.items()})
            (check,) = self.check_constraints([point])
            points.append(point)
            if not check.violated:
                networks.add(check.network)
        return tuple(points)

    def reward_factors(self, points: Sequence[StagePoint]) -> dict[Architecture, float]:
        """Return reward over accuracy for each network within the limits and for the baseline."""
        base, reward, times = self.baseline.architecture, self.asked.reward, self.times(points)
        feasible = (check.network for check in self.check_constraints(points) if not check.violated)
        networks = (base, *(network for network in feasible if network != base))
        return {network: reward.factor(network, base, times.get(network)) for network in networks}

    def times(self, points: Sequence[StagePoint]) -> dict[Architecture, RelativeTime]:
        """Return the measured times of the networks within the limits, and the baseline's time that they imply."""
        checked = zip(points, self.check_constraints(points), strict=True)
        by_network = {
            check.network: point.time for point, check in checked if point.time is not None and not check.violated
        }
        baseline_time = _baseline_time(list(by_network.values()))
        return by_network if baseline_time is None else {self.baseline.architecture: baseline_time, **by_network}


def _baseline_time(times: Sequence[RelativeTime]) -> RelativeTime | None:
    """Return the baseline's time: the median of each network's time over its ratio to the baseline."""
    if not times:
        return None
    seconds = sorted(time.seconds / time.ratio for time in times)
    return RelativeTime(seconds[len(seconds) // 2], 1.0)
