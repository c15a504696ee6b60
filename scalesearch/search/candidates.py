"""Builds the candidates of a search: grid points merged by the network that they round to, matched in cost."""

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
from scalesearch.design.images import size_ratio
from scalesearch.design.matching import TOLERANCE, Shape, before_match, match_resolutions
from scalesearch.design.scaling import Baseline, cost_ratio, flops_ratio, scaled
from scalesearch.search.factory_grid import FactoryBaseline
from scalesearch.search.timings import TIMED_TOLERANCE, LatencyTable

MATCHES = get_args(choices.Match)
COSTS = get_args(choices.Cost)
"""The costs that can be matched: the first two are counted, latency is measured."""

_Key = TypeVar("_Key", bound=Hashable)


NAME_SEPARATOR = " = "
"""Separates the names of rules that give the same network."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """Holds one network of the search and every grid point that rounds to it."""

    architecture: Network
    cost: Cost
    coefficients: Coefficients
    """(α, β): the alias nearest to the realised depth and width. γ: the φ-th root of px over baseline px where the
    resolution was matched, the alias's own otherwise."""
    aliases: tuple[Coefficients, ...]
    flops_ratio: Decimal
    """The counted MACs over the baseline's."""
    name: str = ""
    """The name of its rule in a comparison of rules; `a = b` if several rules give this network."""
    other_ratio: Decimal | None = None
    """The matched cost over the baseline's, where that cost is not MACs."""

    @property
    def matched_ratio(self) -> Decimal:
        """The matched cost over the baseline's."""
        return self.flops_ratio if self.other_ratio is None else self.other_ratio

    @property
    def rules(self) -> tuple[str, ...]:
        """The rules that give this network, in a comparison of rules."""
        return tuple(self.name.split(NAME_SEPARATOR)) if self.name else ()

    @property
    def label(self) -> str:
        """A short label: the coefficients, such as `1.2/1.1/1.1518`, or the rule's name in a comparison."""
        return self.name or str(self.coefficients).strip("()").replace(", ", "/")


@dataclass(frozen=True, slots=True)
class CandidateSet:
    """Holds the candidates of a grid, or of a rule comparison or a sampler."""

    triples: int
    candidates: tuple[Candidate, ...]
    """The candidates that are compared, in order of their coefficients."""
    unmatched: tuple[Candidate, ...]
    """The candidates that no resolution brings within the tolerance of the target cost, at the nearest one."""


def tolerance(cost_kind: str) -> Decimal:
    """Return how far a cost of `COSTS` may be from its target, as a share."""
    return TIMED_TOLERANCE if cost_kind == "latency" else TOLERANCE


def candidates(
    baseline: Baseline | FactoryBaseline,
    grid: Sequence[Coefficients],
    phi: Decimal,
    rule: str = "balanced",
    match: str = "flops",
    cost_kind: str = "macs",
    timings: LatencyTable | None = None,
) -> CandidateSet:
    """Scale the baseline by every grid point at φ, merge equal networks, and match their cost.

    Args:
        baseline: what is scaled.
        grid: the grid points whose nominal cost is near 2; see `grid.triples`.
        phi: the compound coefficient; the target cost is 2^φ × the baseline's.
        rule: the rounding rule.
        match: `flops` sets each network's resolution (never below the baseline's, for φ < 0 never above it) so
            that its cost is nearest to the target; `none` uses γ^φ literally.
        cost_kind: the cost that is matched, one of `COSTS`.
        timings: the measurements, where that cost is latency.
    """
    if isinstance(baseline, FactoryBaseline):
        return _split_by_match(
            len(grid), list(_factory_candidates(baseline, grid, phi, match, cost_kind)), phi, match, cost_kind
        )
    rounding = replace(baseline.rounding, rule=rule)
    multipliers = [(point, point.at(phi) if match == "none" else before_match(point.at(phi))) for point in grid]
    networks = [(point, scaled(baseline.architecture, multiplier, rounding)) for point, multiplier in multipliers]
    if match == "none":
        merged = _merge((network, point) for point, network in networks)
        result = [_literal_candidate(baseline, network, aliases, phi) for network, aliases in merged.items()]
        return _split_by_match(len(grid), result, phi, match, cost_kind)
    shapes = _merge(((network.widths, network.depths), point) for point, network in networks)
    return _split_by_match(
        len(grid), list(_matched_candidates(baseline, shapes, phi, cost_kind, timings)), phi, match, cost_kind
    )


def grid_shapes(baseline: Baseline, grid: Sequence[Coefficients], phi: Decimal, rule: str) -> tuple[Shape, ...]:
    """Return the distinct widths and depths of a grid, in its order: the shapes that must be timed."""
    rounding = replace(baseline.rounding, rule=rule)
    networks = [scaled(baseline.architecture, before_match(point.at(phi)), rounding) for point in grid]
    return tuple(dict.fromkeys((network.widths, network.depths) for network in networks))


def _split_by_match(
    triples: int, candidates: Sequence[Candidate], phi: Decimal, match: str, cost_kind: str
) -> CandidateSet:
    """Separate the candidates that are compared from those whose cost no resolution matches."""
    if match == "none":
        return CandidateSet(triples, _sort_by_coefficients(candidates), ())
    near = [candidate for candidate in candidates if is_near(candidate, phi, cost_kind)]
    return CandidateSet(
        triples,
        _sort_by_coefficients(near),
        _sort_by_coefficients(candidate for candidate in candidates if candidate not in near),
    )


def is_near(candidate: Candidate, phi: Decimal, cost_kind: str) -> bool:
    """Return whether the candidate's cost is within the tolerance of 2^φ × the baseline's."""
    return abs(candidate.matched_ratio / Decimal(2) ** phi - 1) <= tolerance(cost_kind)


def _merge(pairs: Iterable[tuple[_Key, Coefficients]]) -> dict[_Key, list[Coefficients]]:
    merged: dict[_Key, list[Coefficients]] = {}
    for key, point in pairs:
        merged.setdefault(key, []).append(point)
    return merged


def _literal_candidate(
    baseline: Baseline, network: Architecture, aliases: Sequence[Coefficients], phi: Decimal
) -> Candidate:
    coefficients = nearest_alias(baseline.architecture, network, aliases, phi)
    return _candidate(baseline, network, coefficients, aliases)


def _matched_candidates(
    baseline: Baseline,
    shapes: dict[Shape, list[Coefficients]],
    phi: Decimal,
    cost_kind: str,
    timings: LatencyTable | None,
) -> Iterator[Candidate]:
    base = baseline.architecture
    if cost_kind == "latency":
        assert timings is not None, "a question about latency has been timed"
        networks = [base.resized(*shape, timings.entry(shape).resolution) for shape in shapes]
    else:
        networks = match_resolutions(
            base, list(shapes), Decimal(2) ** phi, "resolution" in baseline.axes, cost_kind
        )
    for network, aliases in zip(networks, shapes.values(), strict=True):
        alias = nearest_alias(base, network, aliases, phi)
        resolution_ratio = size_ratio(network.resolution, base.resolution)
        coefficients = replace(alias, gamma=round(resolution_ratio ** (1 / phi), 5))
        yield _candidate(baseline, network, coefficients, aliases, cost_kind, timings)


def _factory_candidates(
    baseline: FactoryBaseline, grid: Sequence[Coefficients], phi: Decimal, match: str, cost_kind: str
) -> Iterator[Candidate]:
    base = baseline.architecture
    for network, (point, aliases) in baseline.networks(grid, phi, match).items():
        resolution_ratio = Decimal(network.resolution) / base.resolution
        coefficients = point if match == "none" else replace(point, gamma=round(resolution_ratio ** (1 / phi), 5))
        yield _candidate(baseline, network, coefficients, aliases, cost_kind)


def _candidate(
    baseline: Baseline | FactoryBaseline,
    network: Network,
    coefficients: Coefficients,
    aliases: Sequence[Coefficients],
    cost_kind: str = "macs",
    timings: LatencyTable | None = None,
) -> Candidate:
    base = baseline.architecture
    matched_ratio = other_ratio(network, base, cost_kind, timings)
    return Candidate(
        network,
        cost(network),
        coefficients,
        tuple(sorted(aliases)),
        flops_ratio(network, base),
        other_ratio=matched_ratio,
    )


def other_ratio(
    network: Network, base: Network, cost_kind: str, timings: LatencyTable | None = None
) -> Decimal | None:
    """Return the matched cost over the baseline's; None for MACs, whose ratio every candidate has anyway."""
    if cost_kind == "macs":
        return None
    return cost_ratio(network, base, cost_kind) if timings is None else timings.ratio(network)


def _sort_by_coefficients(candidates: Iterable[Candidate]) -> tuple[Candidate, ...]:
    return tuple(sorted(candidates, key=lambda candidate: candidate.coefficients))


def nearest_alias(
    baseline: Architecture, network: Architecture, aliases: Sequence[Coefficients], phi: Decimal
) -> Coefficients:
    """Return the alias nearest to the realised log depth ratio (of layers) and log width ratio (of channels).

    Only layers of the stages whose depth may change count; where there are none, depth has not changed.
    """
    free = [index for index, stage in enumerate(baseline.stages) if not stage.depth_fixed]
    layers, base_layers = (sum(net.depths[index] for index in free) for net in (network, baseline))
    depth = log(layers / base_layers) / float(phi) if free else 0.0
    width = log(sum(network.widths) / sum(baseline.widths)) / float(phi)

    def distance(alias: Coefficients) -> tuple[float, Coefficients]:
        return round(hypot(log(alias.alpha) - depth, log(alias.beta) - width), 12), alias

    return min(aliases, key=distance)


def farthest_points(candidates: Sequence[Candidate], count: int) -> tuple[Candidate, ...]:
    """Return `count` candidates far from one another in (log α, log β), in order of their coefficients.

    They are chosen by farthest-point traversal (Gonzalez 1985). It starts from the candidate that comes nearest to
    the paper's idea of scaling all three dimensions alike.
    """
    points = {
        candidate: (log(candidate.coefficients.alpha), log(candidate.coefficients.beta)) for candidate in candidates
    }
    balance = log(2) / 5
    chosen: list[Candidate] = []
    while len(chosen) < min(count, len(candidates)):
        remaining = [candidate for candidate in candidates if candidate not in chosen]
        if chosen:
            taken = [points[candidate] for candidate in chosen]
            chosen.append(
                max(
                    remaining,
                    key=lambda candidate: min(_distance(points[candidate], other) for other in taken),
                )
            )
        else:
            chosen.append(min(remaining, key=lambda candidate: _distance(points[candidate], (balance, balance))))
    return _sort_by_coefficients(chosen)


def _distance(first: tuple[float, float], second: tuple[float, float]) -> float:
    return round(hypot(first[0] - second[0], first[1] - second[1]), 12)
