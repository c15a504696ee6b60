"""A search of (α, β) in the continuum: what may be suggested, what that comes to, and which limits it breaks.

γ follows from αβ²γ² = 2 (Tan & Le 2019, eq. 3), and the suggestion is then rounded and matched in cost as a grid
point is: the unit stays the network. Who suggests is another room's business.
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
from scalesearch.design.exact import power
from scalesearch.design.matching import TOLERANCE, before_match, match_resolutions
from scalesearch.design.scaling import Baseline, flops_ratio, scaled
from scalesearch.errors import SpaceError
from scalesearch.search.candidates import CandidateSet, candidates
from scalesearch.search.canonical import from_json
from scalesearch.search.factory_grid import FactoryBaseline
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
"""Tree-structured Parzen estimator, Gaussian process, and the genetic algorithm NSGA-II."""

OBJECTIVES = {name: DIRECTIONS[name] for name in ("accuracy", "macs", "latency")}
"""What may be sought, and which way; MACs and latency are those of the network, not of its proxy."""

LARGEST = 2
"""α = 2 alone spends the whole budget."""

_PLACES = 4
_GAMMA_PLACES = 5


@dataclass(frozen=True, slots=True)
class CoefficientSearch(StudyKind):
    """A search of (α, β) by a sampler in place of a grid: for what, and under which limits."""

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
    """Bytes of training the network itself, at the recipe's batch; see `Cost.memory_bytes`."""

    def __post_init__(self) -> None:
        if self.sampler not in SAMPLERS:
            raise SpaceError(f"sampler is {self.sampler!r}, but it must be one of {', '.join(SAMPLERS)}")
        known = ", ".join(OBJECTIVES)
        for one in self.objectives:
            if one not in OBJECTIVES:
                raise SpaceError(f"objective is {one!r}, but it must be one of {known}")
        if "accuracy" not in self.objectives or len(set(self.objectives)) < len(self.objectives):
            raise SpaceError(f"objectives must be different ones of {known}, accuracy among them")

    def validate(self, setting: Setting) -> None:
        """(α, β) need a baseline file that grows in all dimensions; what is proposed is trained to the end."""
        grown = setting.baseline.axes
        if isinstance(setting.baseline, FactoryBaseline):
            raise SpaceError("baseline is a Python function, but (α, β) are searched on baseline files only")
        if set(grown) != set(AXES):
            raise SpaceError(f"baseline grows in {', '.join(grown)} alone, but (α, β) are searched where all grow")
        if setting.scheduler != "grid":
            raise SpaceError(f"scheduler is {setting.scheduler}, but what is suggested is trained to the end")
        if "macs" in self.objectives and setting.match != "none":
            raise SpaceError(f"match is {setting.match}, but where MACs are an objective they are not matched")

    def proposal_space(self, setting: Setting) -> CoefficientSpace:
        """(α, β) at the study's φ."""
        assert isinstance(setting.baseline, Baseline), "checked by `validate`"
        batch = setting.budget.recipe.batch
        return CoefficientSpace(setting.baseline, setting.phi, setting.rounding, setting.match, batch, self)

    def candidates(self, setting: Setting, proposals: Sequence[Any] | None = None) -> CandidateSet:
        """The networks of the proposals, or before the search of points spread over all."""
        return suggested_candidates(
            self.proposal_space(setting), reference_points() if proposals is None else proposals
        )

    def proposals_from_json(self, tree: Any) -> tuple[Suggestion, ...]:
        """Proposals as they were written."""
        return from_json(tuple[Suggestion, ...], tree)

    def placeholder_points(self, setting: Setting) -> tuple[Suggestion, ...]:
        """One alias of each of as many candidates as there will be."""
        aliases = [one.aliases[0] for one in self.select(setting, self.candidates(setting))]
        return tuple(Suggestion(alias.alpha, alias.beta) for alias in aliases)

    def too_few(self, setting: Setting, count: int, candidate_set: CandidateSet) -> SpaceError:
        """The error where fewer than two candidates can be compared."""
        del setting
        return SpaceError(
            f"only {count} of {candidate_set.triples} points gives a network within the limits; take larger "
            "limits, another --rounding or --match none"
        )

    @property
    def name_suffix(self) -> str:
        """The sampler's name."""
        return self.sampler

    def summary(self, setting: Setting) -> dict[str, str]:
        """What was asked, by name."""
        sought = {"sampler": self.sampler, "objectives": ", ".join(self.objectives)}
        own = scaling_summary("search of (α, β)", setting)
        return {**own, **sought, **limits_summary(self.max_params, self.max_memory)}


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A point that a sampler came to."""

    alpha: Decimal
    beta: Decimal
    latency: float | None = None
    """Seconds for one image of its network, where that is an objective; measured before it is trained."""

    @property
    def gamma(self) -> Decimal:
        """The solution of αβ²γ² = 2, to five places."""
        rest = Decimal(LARGEST) / nominal_product(self.alpha, self.beta, Decimal(1))
        return round(power(rest, Decimal("0.5")), _GAMMA_PLACES)

    @property
    def coefficients(self) -> Coefficients:
        """α, β and the γ that follows."""
        return Coefficients(self.alpha, self.beta, self.gamma)

    @property
    def width_share(self) -> float:
        """2 log β / log(2/α): what width has of that which depth leaves, 0 … 1."""
        left = log(LARGEST / self.alpha)
        return min(1.0, 2 * log(self.beta) / left) if left > 0 else 0.0


def suggestion(alpha: float, width_share: float) -> Suggestion:
    """The point of a sampler's two numbers, to four places, rounded down so that γ is at least 1.

    (α, β) fill a triangle, as αβ² ≤ 2, but samplers want a box: so β is told by its share of what α leaves.

    Args:
        alpha: 1 … 2.
        width_share: 0 … 1; see `Suggestion.width_share`.
    """
    depth = _floored(Decimal(alpha))
    return Suggestion(depth, _floored(power(LARGEST / depth, Decimal(width_share) / 2)))


@dataclass(frozen=True, slots=True)
class CoefficientSpace:
    """(α, β) of a baseline at φ as a space that is sought in; see `SamplerSpace`."""

    baseline: Baseline
    phi: Decimal
    rounding: str
    match: str
    batch: int
    """Images of a training step, for the memory."""
    search: CoefficientSearch
    repeats: bool = field(default=True, init=False)
    """A triple that means a known network is a point of the search all the same, as in a grid."""
    seed: int = field(default=0, init=False)

    @property
    def sampler(self) -> str:
        """Who suggests."""
        return self.search.sampler

    @property
    def objectives(self) -> tuple[str, ...]:
        """What is sought."""
        return self.search.objectives

    @property
    def timing(self) -> TimingRequest | None:
        """Latency, where that is an objective."""
        timed = "latency" in self.objectives
        return TimingRequest("latency", self.baseline.architecture, self.batch) if timed else None

    def dimensions(self) -> dict[str, Dimension]:
        """α, even in its logarithm, and the share that width has of the rest."""
        return {"alpha": Interval(1, LARGEST, log=True), "width_share": Interval(0, 1)}

    def point(self, drawn: Mapping[str, Any]) -> Suggestion:
        """See `suggestion`."""
        return suggestion(drawn["alpha"], drawn["width_share"])

    def parameters(self, point: Suggestion) -> dict[str, float | str]:
        """A point as it would have been drawn."""
        return {"alpha": float(point.alpha), "width_share": point.width_share}

    def check_constraints(self, points: Sequence[Suggestion]) -> list[ConstraintCheck]:
        """See `check_constraints`."""
        return check_constraints(self, points)

    def timed(self, point: Suggestion, time: RelativeTime | None) -> Suggestion:
        """The point with its network's latency."""
        return replace(point, latency=None if time is None else time.seconds)

    def time(self, point: Suggestion) -> RelativeTime | None:
        """Its latency; the ratio is of no use here and not kept."""
        return None if point.latency is None else RelativeTime(point.latency, 1.0)


def check_constraints(space: CoefficientSpace, points: Sequence[Suggestion]) -> list[ConstraintCheck]:
    """The networks that suggestions mean, and how they stand to the limits; the closed form, no training."""
    base = space.baseline.architecture
    rounding = replace(space.baseline.rounding, rule=space.rounding)
    multipliers = [point.coefficients.at(space.phi) for point in points]
    if space.match == "flops":
        multipliers = [before_match(multiplier) for multiplier in multipliers]
    networks = [scaled(base, multiplier, rounding) for multiplier in multipliers]
    if space.match == "flops":
        shapes = [(network.widths, network.depths) for network in networks]
        networks = match_resolutions(base, shapes, Decimal(2) ** space.phi)
    return [_judged(space, network) for network in networks]


def _judged(space: CoefficientSpace, network: Architecture) -> ConstraintCheck:
    base, asked, price = space.baseline.architecture, space.search, cost(network)
    wanted = Decimal(2) ** space.phi
    excess = {}
    if space.match == "flops":
        excess["cost"] = float(abs(flops_ratio(network, base) / wanted - 1) - TOLERANCE)
    if asked.max_params is not None:
        excess["max-params"] = price.params / asked.max_params - 1
    if asked.max_memory is not None:
        excess["max-memory"] = price.memory_bytes(space.batch) / asked.max_memory - 1
    return ConstraintCheck(network, tuple(excess.items()))


def suggested_candidates(space: CoefficientSpace, points: Sequence[Suggestion]) -> CandidateSet:
    """The networks of the suggestions that break no limit; those that no resolution matches stand apart."""
    judged = zip(points, check_constraints(space, points), strict=True)
    within = [point for point, found in judged if set(found.violated) <= {"cost"}]
    triples = [one.coefficients for one in within]
    found = candidates(space.baseline, triples, space.phi, space.rounding, space.match)
    return replace(found, triples=len(points))


def reference_points(steps: int = 10) -> tuple[Suggestion, ...]:
    """Points spread over all that may be suggested, corners included: what a search can come to, before it begins.

    The shares of log 2 that α, β² and γ² have are the multiples of 1/steps.
    """

    def point(depth: int, width: int) -> Suggestion:
        alpha = power(Decimal(LARGEST), Decimal(depth) / steps)
        beta = power(Decimal(LARGEST), Decimal(width) / (2 * steps))
        return Suggestion(_floored(alpha), _floored(beta))

    return tuple(point(depth, width) for depth in range(steps + 1) for width in range(steps + 1 - depth))


def _floored(value: Decimal) -> Decimal:
    """To four places, down."""
    return value.quantize(Decimal(1).scaleb(-_PLACES), rounding=ROUND_FLOOR)


def pareto_front(values: Iterable[tuple[str, Sequence[float]]], directions: Sequence[str]) -> tuple[str, ...]:
    """The keys that no other beats or equals in every value and beats in one, in the order given.

    Args:
        values: key and values of each.
        directions: `maximize` or `minimize`, for each value.
    """
    signs = [1 if direction == "minimize" else -1 for direction in directions]
    placed = [(key, [sign * one for sign, one in zip(signs, own, strict=True)]) for key, own in values]

    def dominated(own: Sequence[float]) -> bool:
        return any(other != own and all(a <= b for a, b in zip(other, own, strict=True)) for _, other in placed)

    return tuple(key for key, own in placed if not dominated(own))
