"""Defines the search of continuous (α, β) by a sampler: the search space, its networks, and their limits.

γ follows from αβ²γ² = 2 (Tan & Le 2019, eq. 3). A suggestion is then rounded and matched in cost like a grid point,
so that the candidates are still networks. The samplers themselves are in `study.samplers`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import ROUND_FLOOR, Decimal
from math import log
from typing import Any, ClassVar

from scalesearch.design.architecture import Architecture
from scalesearch.design.coefficients import AXES, Coefficients, nominal_product
from scalesearch.design.cost import cost
from scalesearch.design.decimals import power
from scalesearch.design.factory import FactoryNetwork
from scalesearch.design.matching import TOLERANCE, before_match, match_resolutions
from scalesearch.design.scaling import Baseline, flops_ratio, scaled
from scalesearch.errors import SpaceError
from scalesearch.search.candidates import CandidateSet, candidates
from scalesearch.search.canonical import from_json
from scalesearch.search.factory_grid import FactoryBaseline, NetworkCounter
from scalesearch.search.kinds.base import PROPOSALS, StudyKind, limits_summary, scaling_summary
from scalesearch.search.sampler_space import (
    DIRECTIONS,
    ConstraintCheck,
    Dimension,
    Interval,
    RelativeTime,
    TimingRequest,
)
from scalesearch.search.setting import Setting

SAMPLERS = ("tpe", "gp", "nsga2")
"""The tree-structured Parzen estimator, the Gaussian process, and the genetic algorithm NSGA-II."""

OBJECTIVES = {name: DIRECTIONS[name] for name in ("accuracy", "macs", "latency")}
"""The possible objectives and their directions; MACs and latency are those of the network, not of its proxy."""

LARGEST = 2
"""The largest α: α = 2 alone doubles the cost."""

_NO_FUNCTION = (
    "baseline is a Python function, whose networks are counted before the search, but a sampler proposes them "
    "during it; take --sampler grid, with a smaller --step for more candidates"
)

_PLACES = 4
_GAMMA_PLACES = 5


@dataclass(frozen=True, slots=True)
class CoefficientSearch(StudyKind):
    """Searches (α, β) with a sampler in place of a grid, for some objectives and within some limits."""

    key: ClassVar[str] = "continuum"
    proposes: ClassVar[bool] = True
    enlarges_proxies: ClassVar[bool] = True
    default_count: ClassVar[int] = PROPOSALS
    exports_proposals: ClassVar[bool] = True
    no_proxy_validation: ClassVar[str] = "was searched by a sampler"
    points_noun: ClassVar[str] = "points"
    sampler: str
    objectives: tuple[str, ...] = ("accuracy",)
    max_params: int | None = None
    max_memory: int | None = None
    """Limit of the bytes for training the network itself, at the recipe's batch; see `Cost.memory_bytes`."""

    def __post_init__(self) -> None:
        if self.sampler not in SAMPLERS:
            raise SpaceError(f"sampler is {self.sampler!r}, but it must be one of {', '.join(SAMPLERS)}")
        known = ", ".join(OBJECTIVES)
        for objective in self.objectives:
            if objective not in OBJECTIVES:
                raise SpaceError(f"objective is {objective!r}, but it must be one of {known}")
        if "accuracy" not in self.objectives or len(set(self.objectives)) < len(self.objectives):
            raise SpaceError(f"objectives must be different ones of {known}, accuracy among them")

    def validate(self, setting: Setting) -> None:
        """Require a baseline file that scales in all dimensions, and full training of the proposals."""
        axes = setting.baseline.axes
        if isinstance(setting.baseline, FactoryBaseline):
            raise SpaceError(_NO_FUNCTION)
        if set(axes) != set(AXES):
            raise SpaceError(f"baseline grows in {', '.join(axes)} alone, but (α, β) are searched where all grow")
        if setting.scheduler != "grid":
            raise SpaceError(f"scheduler is {setting.scheduler}, but proposed networks are trained to the end")
        if "macs" in self.objectives and setting.match != "none":
            raise SpaceError(f"match is {setting.match}, but where MACs are an objective they are not matched")

    def count_networks(self, setting: Setting, counter: NetworkCounter) -> tuple[FactoryNetwork, ...]:
        """Refuse a Python function: its networks would have to be known before they are proposed."""
        del setting, counter
        raise SpaceError(_NO_FUNCTION)

    def proposal_space(self, setting: Setting) -> CoefficientSpace:
        """Return the space of (α, β) at the study's φ."""
        assert isinstance(setting.baseline, Baseline), "checked by `validate`"
        batch = setting.budget.recipe.batch
        return CoefficientSpace(setting.baseline, setting.phi, setting.rounding, setting.match, batch, self)

    def candidates(self, setting: Setting, proposals: Sequence[Any] | None = None) -> CandidateSet:
        """Return the networks of the proposals, or of reference points before the search starts."""
        return suggested_candidates(
            self.proposal_space(setting), reference_points() if proposals is None else proposals
        )

    def proposals_from_json(self, tree: Any) -> tuple[Suggestion, ...]:
        """Return the proposals that a study file holds."""
        return from_json(tuple[Suggestion, ...], tree)

    def placeholder_points(self, setting: Setting) -> tuple[Suggestion, ...]:
        """Return one alias of each of as many candidates as there will be."""
        aliases = [candidate.aliases[0] for candidate in self.select(setting, self.candidates(setting))]
        return tuple(Suggestion(alias.alpha, alias.beta) for alias in aliases)

    def too_few(self, setting: Setting, count: int, candidate_set: CandidateSet) -> SpaceError:
        """Return the error for a study with fewer than two candidates."""
        del setting
        return SpaceError(
            f"only {count} of {candidate_set.triples} points gives a network within the limits; take larger "
            "limits, another --rounding or --match none"
        )

    @property
    def name_suffix(self) -> str:
        """The name of the sampler."""
        return self.sampler

    def summary(self, setting: Setting) -> dict[str, str]:
        """Return the configuration as names and values."""
        sampler_options = {"sampler": self.sampler, "objectives": ", ".join(self.objectives)}
        scaling = scaling_summary("search of (α, β)", setting)
        return {**scaling, **sampler_options, **limits_summary(self.max_params, self.max_memory)}


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Holds a point that a sampler proposed."""

    alpha: Decimal
    beta: Decimal
    latency: float | None = None
    """Seconds that its network takes for one image, where that is an objective; measured before training."""

    @property
    def gamma(self) -> Decimal:
        """The γ that solves αβ²γ² = 2, to five places."""
        gamma_squared = Decimal(LARGEST) / nominal_product(self.alpha, self.beta, Decimal(1))
        return round(power(gamma_squared, Decimal("0.5")), _GAMMA_PLACES)

    @property
    def coefficients(self) -> Coefficients:
        """The coefficients: α, β and the γ that follows from them."""
        return Coefficients(self.alpha, self.beta, self.gamma)

    @property
    def width_share(self) -> float:
        """The share 2 log β / log(2/α), in 0 … 1, of the log-cost left by depth that goes to width."""
        remaining = log(LARGEST / self.alpha)
        return min(1.0, 2 * log(self.beta) / remaining) if remaining > 0 else 0.0


def suggestion(alpha: float, width_share: float) -> Suggestion:
    """Return the point for a sampler's two numbers, to four places, rounded down so that γ is at least 1.

    Because αβ² ≤ 2, the points (α, β) fill a triangle, but samplers need a box. So β is given by its share of the
    log-cost that α leaves.

    Args:
        alpha: 1 … 2.
        width_share: 0 … 1; see `Suggestion.width_share`.
    """
    depth = _floor(Decimal(alpha))
    return Suggestion(depth, _floor(power(LARGEST / depth, Decimal(width_share) / 2)))


@dataclass(frozen=True, slots=True)
class CoefficientSpace:
    """Defines the search space of (α, β) for a baseline at φ; see `SamplerSpace`."""

    baseline: Baseline
    phi: Decimal
    rounding: str
    match: str
    batch: int
    """Images of a training step, for the training memory."""
    search: CoefficientSearch
    repeats: bool = field(default=True, init=False)
    """A point that rounds to a known network counts as a point of the search, as in a grid."""
    seed: int = field(default=0, init=False)

    @property
    def sampler(self) -> str:
        """The name of the sampler."""
        return self.search.sampler

    @property
    def objectives(self) -> tuple[str, ...]:
        """The objectives of the search."""
        return self.search.objectives

    @property
    def timing(self) -> TimingRequest | None:
        """The measurement of latency, where that is an objective; otherwise None."""
        timed = "latency" in self.objectives
        return TimingRequest("latency", self.baseline.architecture, self.batch) if timed else None

    def dimensions(self) -> dict[str, Dimension]:
        """Return the two dimensions: α, log-uniform, and the share of the rest that goes to width."""
        return {"alpha": Interval(1, LARGEST, log=True), "width_share": Interval(0, 1)}

    def point(self, drawn: Mapping[str, Any]) -> Suggestion:
        """Return the point for the drawn values; see `suggestion`."""
        return suggestion(drawn["alpha"], drawn["width_share"])

    def parameters(self, point: Suggestion) -> dict[str, float | str]:
        """Return the values for which a sampler would have drawn this point."""
        return {"alpha": float(point.alpha), "width_share": point.width_share}

    def check_constraints(self, points: Sequence[Suggestion]) -> list[ConstraintCheck]:
        """Return the points' networks and their constraint violations; see `check_constraints`."""
        return check_constraints(self, points)

    def timed(self, point: Suggestion, time: RelativeTime | None) -> Suggestion:
        """Return the point with its network's latency."""
        return replace(point, latency=None if time is None else time.seconds)

    def time(self, point: Suggestion) -> RelativeTime | None:
        """Return the point's latency; its ratio is not stored, so it is set to 1."""
        return None if point.latency is None else RelativeTime(point.latency, 1.0)


def check_constraints(space: CoefficientSpace, points: Sequence[Suggestion]) -> list[ConstraintCheck]:
    """Return the networks of suggestions and their constraint violations, in closed form, without training."""
    base = space.baseline.architecture
    rounding = replace(space.baseline.rounding, rule=space.rounding)
    multipliers = [point.coefficients.at(space.phi) for point in points]
    if space.match == "flops":
        multipliers = [before_match(multiplier) for multiplier in multipliers]
    networks = [scaled(base, multiplier, rounding) for multiplier in multipliers]
    if space.match == "flops":
        shapes = [(network.widths, network.depths) for network in networks]
        networks = match_resolutions(base, shapes, Decimal(2) ** space.phi)
    return [_check_network(space, network) for network in networks]


def _check_network(space: CoefficientSpace, network: Architecture) -> ConstraintCheck:
    base, search, network_cost = space.baseline.architecture, space.search, cost(network)
    target = Decimal(2) ** space.phi
    excess = {}
    if space.match == "flops":
        excess["cost"] = float(abs(flops_ratio(network, base) / target - 1) - TOLERANCE)
    if search.max_params is not None:
        excess["max-params"] = network_cost.params / search.max_params - 1
    if search.max_memory is not None:
        excess["max-memory"] = network_cost.memory_bytes(space.batch) / search.max_memory - 1
    return ConstraintCheck(network, tuple(excess.items()))


def suggested_candidates(space: CoefficientSpace, points: Sequence[Suggestion]) -> CandidateSet:
    """Return the candidates of the suggestions within the limits, matched in cost or not."""
    checked = zip(points, check_constraints(space, points), strict=True)
    within = [point for point, check in checked if set(check.violated) <= {"cost"}]
    triples = [point.coefficients for point in within]
    candidate_set = candidates(space.baseline, triples, space.phi, space.rounding, space.match)
    return replace(candidate_set, triples=len(points))


def reference_points(steps: int = 10) -> tuple[Suggestion, ...]:
    """Return points spread over the whole search space, corners included, to represent it before the search starts.

    The shares of log 2 that go to α, β² and γ² are the multiples of 1/steps.
    """

    def point(depth: int, width: int) -> Suggestion:
        alpha = power(Decimal(LARGEST), Decimal(depth) / steps)
        beta = power(Decimal(LARGEST), Decimal(width) / (2 * steps))
        return Suggestion(_floor(alpha), _floor(beta))

    return tuple(point(depth, width) for depth in range(steps + 1) for width in range(steps + 1 - depth))


def _floor(value: Decimal) -> Decimal:
    """Round down to four places."""
    return value.quantize(Decimal(1).scaleb(-_PLACES), rounding=ROUND_FLOOR)


def pareto_front(values: Iterable[tuple[str, Sequence[float]]], directions: Sequence[str]) -> tuple[str, ...]:
    """Return the keys that no other key dominates, in the order given.

    A key dominates another if it is at least as good in every value and better in one.

    Args:
        values: the key and the values of each.
        directions: `maximize` or `minimize`, for each value.
    """
    signs = [1 if direction == "minimize" else -1 for direction in directions]
    minimized = [(key, [sign * value for sign, value in zip(signs, row, strict=True)]) for key, row in values]

    def dominated(row: Sequence[float]) -> bool:
        return any(other != row and all(a <= b for a, b in zip(other, row, strict=True)) for _, other in minimized)

    return tuple(key for key, row in minimized if not dominated(row))
