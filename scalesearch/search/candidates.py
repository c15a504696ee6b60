"""Networks, not triples: grid points merged by the network that they round to, at equal measured cost."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from math import hypot, log
from typing import TypeVar, get_args

from scalesearch import choices
from scalesearch.design.architecture import Architecture
from scalesearch.design.coefficients import Coefficients
from scalesearch.design.cost import Cost, cost
from scalesearch.design.factory import Network
from scalesearch.design.matching import TOLERANCE, Shape, before_match, match_resolutions
from scalesearch.design.scaling import Baseline, cost_ratio, flops_ratio, scaled
from scalesearch.search.factory_grid import FactoryBaseline
from scalesearch.search.timings import TIMED_TOLERANCE, LatencyTable

MATCHES = get_args(choices.Match)
COSTS = get_args(choices.Cost)
"""What can be matched: the first two are counted, latency is measured."""

_Key = TypeVar("_Key", bound=Hashable)


NAME_SEPARATOR = " = "
"""Between the names of rules that give the same network."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One network of the search and every grid point that means it."""

    architecture: Network
    cost: Cost
    coefficients: Coefficients
    """(α, β): the alias nearest to the realised depth and width; γ: the φ-th root of px over baseline px
    where the resolution was matched, the alias's own otherwise."""
    aliases: tuple[Coefficients, ...]
    flops_ratio: Decimal
    """Measured MACs over the baseline's."""
    name: str = ""
    """Of the rule that it stands for, in a comparison of rules; of several that give one network, `a = b`."""
    other_ratio: Decimal | None = None
    """The matched cost over the baseline's, where that is another than MACs."""

    @property
    def matched_ratio(self) -> Decimal:
        """The cost that is matched over the baseline's."""
        return self.flops_ratio if self.other_ratio is None else self.other_ratio

    @property
    def rules(self) -> tuple[str, ...]:
        """The rules that give this network, in a comparison of rules."""
        return tuple(self.name.split(NAME_SEPARATOR)) if self.name else ()

    @property
    def label(self) -> str:
        """`1.2/1.1/1.1518`: the coefficients, short; in a comparison the rule's name."""
        return self.name or str(self.coefficients).strip("()").replace(", ", "/")


@dataclass(frozen=True, slots=True)
class CandidateSet:
    """What a grid came to."""

    triples: int
    candidates: tuple[Candidate, ...]
    """Those that are compared, in order of their coefficients."""
    unmatched: tuple[Candidate, ...]
    """Those that no resolution brings within the tolerance of the wanted cost, at the nearest one."""


def tolerance(by: str) -> Decimal:
    """How far from the wanted one a cost of `COSTS` may be, as a share."""
    return TIMED_TOLERANCE if by == "latency" else TOLERANCE


def candidates(
    baseline: Baseline | FactoryBaseline,
    grid: Sequence[Coefficients],
    phi: Decimal,
    rule: str = "balanced",
    match: str = "flops",
    by: str = "macs",
    timings: LatencyTable | None = None,
) -> CandidateSet:
    """Scale the baseline by every grid point at φ, merge equal networks, and match their cost.

    Args:
        baseline: what is scaled.
        grid: the points that passed the nominal sieve.
        phi: the compound coefficient; the wanted cost is 2^φ × baseline.
        rule: the rounding rule.
        match: `flops` sets each network's resolution (never below the baseline's, for φ < 0 never above it) so
            that its measured cost is nearest to the wanted one; `none` takes γ^φ literally.
        by: the cost that is matched, one of `COSTS`.
        timings: what was measured, where that is latency.
    """
    if isinstance(baseline, FactoryBaseline):
        return _sorted_out(len(grid), list(_counted(baseline, grid, phi, match, by)), phi, match, by)
    rounding = replace(baseline.rounding, rule=rule)
    multipliers = [(point, point.at(phi) if match == "none" else before_match(point.at(phi))) for point in grid]
    networks = [(point, scaled(baseline.architecture, by_what, rounding)) for point, by_what in multipliers]
    if match == "none":
        merged = _merge((network, point) for point, network in networks)
        found = [_literal(baseline, network, aliases, phi) for network, aliases in merged.items()]
        return _sorted_out(len(grid), found, phi, match, by)
    shapes = _merge(((network.widths, network.depths), point) for point, network in networks)
    return _sorted_out(len(grid), list(_matched(baseline, shapes, phi, by, timings)), phi, match, by)


def grid_shapes(baseline: Baseline, grid: Sequence[Coefficients], phi: Decimal, rule: str) -> tuple[Shape, ...]:
    """The different widths and depths of a grid, in its order: what must be timed."""
    rounding = replace(baseline.rounding, rule=rule)
    networks = [scaled(baseline.architecture, before_match(point.at(phi)), rounding) for point in grid]
    return tuple(dict.fromkeys((network.widths, network.depths) for network in networks))


def _sorted_out(triples: int, candidates: Sequence[Candidate], phi: Decimal, match: str, by: str) -> CandidateSet:
    """Those that are compared, and those whose cost no resolution matches."""
    if match == "none":
        return CandidateSet(triples, _ordered(candidates), ())
    near = [candidate for candidate in candidates if is_near(candidate, phi, by)]
    return CandidateSet(
        triples, _ordered(near), _ordered(candidate for candidate in candidates if candidate not in near)
    )


def is_near(candidate: Candidate, phi: Decimal, by: str) -> bool:
    """Whether its cost is matched: within the tolerance of 2^φ × the baseline's."""
    return abs(candidate.matched_ratio / Decimal(2) ** phi - 1) <= tolerance(by)


def _merge(pairs: Iterable[tuple[_Key, Coefficients]]) -> dict[_Key, list[Coefficients]]:
    merged: dict[_Key, list[Coefficients]] = {}
    for key, point in pairs:
        merged.setdefault(key, []).append(point)
    return merged


def _literal(baseline: Baseline, network: Architecture, aliases: Sequence[Coefficients], phi: Decimal) -> Candidate:
    own = nearest_alias(baseline.architecture, network, aliases, phi)
    return _candidate(baseline, network, own, aliases)


def _matched(
    baseline: Baseline, shapes: dict[Shape, list[Coefficients]], phi: Decimal, by: str, timings: LatencyTable | None
) -> Iterator[Candidate]:
    base = baseline.architecture
    if by == "latency":
        assert timings is not None, "a question about latency has been timed"
        networks = [base.resized(*shape, timings.entry(shape).resolution) for shape in shapes]
    else:
        networks = match_resolutions(base, list(shapes), Decimal(2) ** phi, "resolution" in baseline.axes, by)
    for network, aliases in zip(networks, shapes.values(), strict=True):
        alias = nearest_alias(base, network, aliases, phi)
        sides = Decimal(network.resolution) / base.resolution
        own = replace(alias, gamma=round(sides ** (1 / phi), 5))
        yield _candidate(baseline, network, own, aliases, by, timings)


def _counted(
    baseline: FactoryBaseline, grid: Sequence[Coefficients], phi: Decimal, match: str, by: str
) -> Iterator[Candidate]:
    base = baseline.architecture
    for network, (point, aliases) in baseline.networks(grid, phi, match).items():
        sides = Decimal(network.resolution) / base.resolution
        own = point if match == "none" else replace(point, gamma=round(sides ** (1 / phi), 5))
        yield _candidate(baseline, network, own, aliases, by)


def _candidate(
    baseline: Baseline | FactoryBaseline,
    network: Network,
    coefficients: Coefficients,
    aliases: Sequence[Coefficients],
    by: str = "macs",
    timings: LatencyTable | None = None,
) -> Candidate:
    base = baseline.architecture
    other = other_ratio(network, base, by, timings)
    return Candidate(
        network, cost(network), coefficients, tuple(sorted(aliases)), flops_ratio(network, base), other_ratio=other
    )


def other_ratio(network: Network, base: Network, by: str, timings: LatencyTable | None = None) -> Decimal | None:
    """The matched cost over the baseline's; None where that is MACs, which every candidate has anyway."""
    if by == "macs":
        return None
    return cost_ratio(network, base, by) if timings is None else timings.ratio(network)


def _ordered(candidates: Iterable[Candidate]) -> tuple[Candidate, ...]:
    return tuple(sorted(candidates, key=lambda one: one.coefficients))


def nearest_alias(
    baseline: Architecture, network: Architecture, aliases: Sequence[Coefficients], phi: Decimal
) -> Coefficients:
    """The alias nearest to the realised log depth ratio (of layers) and log width ratio (of channels).

    Layers are those of the stages whose depth is free; where there are none, depth has not changed.
    """
    free = [place for place, stage in enumerate(baseline.stages) if not stage.depth_fixed]
    layers, before = (sum(one.depths[place] for place in free) for one in (network, baseline))
    depth = log(layers / before) / float(phi) if free else 0.0
    width = log(sum(network.widths) / sum(baseline.widths)) / float(phi)

    def distance(alias: Coefficients) -> tuple[float, Coefficients]:
        return round(hypot(log(alias.alpha) - depth, log(alias.beta) - width), 12), alias

    return min(aliases, key=distance)


def farthest_points(candidates: Sequence[Candidate], count: int) -> tuple[Candidate, ...]:
    """`count` candidates far from one another in (log α, log β): farthest-point order from the most balanced.

    Gonzalez 1985; the first is the one nearest to the paper's idea of growing all three alike.
    """
    points = {
        candidate: (log(candidate.coefficients.alpha), log(candidate.coefficients.beta)) for candidate in candidates
    }
    balance = log(2) / 5
    chosen: list[Candidate] = []
    while len(chosen) < min(count, len(candidates)):
        left = [candidate for candidate in candidates if candidate not in chosen]
        if chosen:
            taken = [points[one] for one in chosen]
            chosen.append(max(left, key=lambda one: min(_distance(points[one], other) for other in taken)))
        else:
            chosen.append(min(left, key=lambda one: _distance(points[one], (balance, balance))))
    return _ordered(chosen)


def _distance(first: tuple[float, float], second: tuple[float, float]) -> float:
    return round(hypot(first[0] - second[0], first[1] - second[1]), 12)
