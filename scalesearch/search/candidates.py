"""Networks, not triples: grid points merged by the network that they round to, at equal measured cost."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from math import hypot, log
from typing import TypeVar

from scalesearch.design.architecture import Architecture
from scalesearch.design.coefficients import Coefficients
from scalesearch.design.cost import Cost, cost
from scalesearch.design.factory import Network
from scalesearch.design.matching import TOLERANCE, Shape, match_resolutions
from scalesearch.design.scaling import Baseline, flops_ratio, scaled
from scalesearch.errors import SpaceError
from scalesearch.search.catalogue import FactoryBaseline

MATCHES = ("flops", "none")

_Key = TypeVar("_Key", bound=Hashable)


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
    """Of the rule that it stands for, in a comparison of rules."""

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
    """Those that no resolution brings within 5 % of the wanted cost, at the nearest one."""


def candidates(
    baseline: Baseline | FactoryBaseline,
    grid: Sequence[Coefficients],
    phi: Decimal,
    rule: str = "balanced",
    match: str = "flops",
) -> CandidateSet:
    """Scale the baseline by every grid point at φ, merge equal networks, and match their cost.

    Args:
        baseline: what is scaled.
        grid: the points that passed the nominal sieve.
        phi: the compound coefficient; the wanted cost is 2^φ × baseline.
        rule: the rounding rule.
        match: `flops` sets each network's resolution (never below the baseline's) so that its measured
            MACs are nearest to the wanted cost; `none` takes γ^φ literally.
    """
    if match not in MATCHES:
        raise SpaceError(f"match is {match!r}, but it must be one of {', '.join(MATCHES)}")
    if isinstance(baseline, FactoryBaseline):
        return _sorted_out(len(grid), list(_counted(baseline, grid, phi, match)), phi, match)
    rounding = replace(baseline.rounding, rule=rule)
    networks = [(point, scaled(baseline.architecture, point.at(phi), rounding)) for point in grid]
    if match == "none":
        merged = _merge((network, point) for point, network in networks)
        found = [_literal(baseline, network, aliases, phi) for network, aliases in merged.items()]
        return _sorted_out(len(grid), found, phi, match)
    shapes = _merge(((network.widths, network.depths), point) for point, network in networks)
    return _sorted_out(len(grid), list(_matched(baseline, shapes, phi)), phi, match)


def _sorted_out(triples: int, found: Sequence[Candidate], phi: Decimal, match: str) -> CandidateSet:
    """Those that are compared, and those whose cost no resolution matches."""
    if match == "none":
        return CandidateSet(triples, _ordered(found), ())
    wanted = Decimal(2) ** phi
    near = [one for one in found if abs(one.flops_ratio / wanted - 1) <= TOLERANCE]
    far = [one for one in found if abs(one.flops_ratio / wanted - 1) > TOLERANCE]
    return CandidateSet(triples, _ordered(near), _ordered(far))


def _merge(pairs: Iterable[tuple[_Key, Coefficients]]) -> dict[_Key, list[Coefficients]]:
    merged: dict[_Key, list[Coefficients]] = {}
    for key, point in pairs:
        merged.setdefault(key, []).append(point)
    return merged


def _literal(baseline: Baseline, network: Architecture, aliases: Sequence[Coefficients], phi: Decimal) -> Candidate:
    own = nearest_alias(baseline.architecture, network, aliases, phi)
    return _candidate(baseline, network, own, aliases)


def _matched(baseline: Baseline, shapes: dict[Shape, list[Coefficients]], phi: Decimal) -> Iterator[Candidate]:
    base = baseline.architecture
    grows = "resolution" in baseline.axes
    networks = match_resolutions(base, list(shapes), Decimal(2) ** phi, grows)
    for network, aliases in zip(networks, shapes.values(), strict=True):
        alias = nearest_alias(base, network, aliases, phi)
        sides = Decimal(network.resolution) / base.resolution
        own = replace(alias, gamma=round(sides ** (1 / phi), 5))
        yield _candidate(baseline, network, own, aliases)


def _counted(
    baseline: FactoryBaseline, grid: Sequence[Coefficients], phi: Decimal, match: str
) -> Iterator[Candidate]:
    base = baseline.architecture
    for network, (point, aliases) in baseline.networks(grid, phi, match).items():
        sides = Decimal(network.resolution) / base.resolution
        own = point if match == "none" else replace(point, gamma=round(sides ** (1 / phi), 5))
        yield _candidate(baseline, network, own, aliases)


def _candidate(
    baseline: Baseline | FactoryBaseline, network: Network, own: Coefficients, aliases: Sequence[Coefficients]
) -> Candidate:
    ratio = flops_ratio(network, baseline.architecture)
    return Candidate(network, cost(network), own, tuple(sorted(aliases)), ratio)


def _ordered(found: Iterable[Candidate]) -> tuple[Candidate, ...]:
    return tuple(sorted(found, key=lambda one: one.coefficients))


def nearest_alias(
    baseline: Architecture, network: Architecture, aliases: Sequence[Coefficients], phi: Decimal
) -> Coefficients:
    """The alias nearest to the realised log depth ratio (of layers) and log width ratio (of channels)."""
    depth = log(sum(network.depths) / sum(baseline.depths)) / float(phi)
    width = log(sum(network.widths) / sum(baseline.widths)) / float(phi)

    def distance(alias: Coefficients) -> tuple[float, Coefficients]:
        return round(hypot(log(alias.alpha) - depth, log(alias.beta) - width), 12), alias

    return min(aliases, key=distance)


def spread(found: Sequence[Candidate], count: int) -> tuple[Candidate, ...]:
    """`count` candidates far from one another in (log α, log β): farthest-point order from the most balanced.

    Gonzalez 1985; the first is the one nearest to the paper's idea of growing all three alike.
    """
    points = {one: (log(one.coefficients.alpha), log(one.coefficients.beta)) for one in found}
    balance = log(2) / 5
    chosen: list[Candidate] = []
    while len(chosen) < min(count, len(found)):
        left = [one for one in found if one not in chosen]
        if chosen:
            taken = [points[one] for one in chosen]
            chosen.append(max(left, key=lambda one: min(_distance(points[one], other) for other in taken)))
        else:
            chosen.append(min(left, key=lambda one: _distance(points[one], (balance, balance))))
    return _ordered(chosen)


def _distance(first: tuple[float, float], second: tuple[float, float]) -> float:
    return round(hypot(first[0] - second[0], first[1] - second[1]), 12)
