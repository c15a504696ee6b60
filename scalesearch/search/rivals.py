"""Named scaling rules at one measured cost: single dimensions, the paper's compound rule, fast scaling, one's own.

Every rule is a direction in (log depth, log width, log resolution); each gets the network along it whose counted
multiply-adds are nearest to the wanted ones, so that the paper's Tables 3 and 7 are compared at equal cost.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

from scalesearch.design.architecture import Architecture
from scalesearch.design.coefficients import AXES, Coefficients, Multipliers
from scalesearch.design.cost import cost
from scalesearch.design.exact import power
from scalesearch.design.matching import TOLERANCE, match_resolutions
from scalesearch.design.rounding import Rounding
from scalesearch.design.scaling import Baseline, flops_ratio, scaled
from scalesearch.search.candidates import Candidate, CandidateSet

_ONE = Decimal(1)
_ROOT = power(Decimal(2), Decimal("0.5"))
_STEPS = 500
"""Multipliers that are tried along a single dimension, from 1 to the largest that can be needed."""
_NEARBY = 20
_PER_CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Rival:
    """A named rule, by what it multiplies by for twice the cost."""

    name: str
    coefficients: Coefficients


NAMED = (
    Rival("depth", Coefficients(Decimal(2), _ONE, _ONE)),
    Rival("width", Coefficients(_ONE, _ROOT, _ONE)),
    Rival("resolution", Coefficients(_ONE, _ONE, _ROOT)),
    # Tan & Le 2019, section 5.
    Rival("compound", Coefficients(Decimal("1.2"), Decimal("1.1"), Decimal("1.15"))),
    # Dollár et al. 2021, dWr with α = 0.8: d = s^.1, w = s^.4, r = s^.05.
    Rival("fast", Coefficients(*(power(Decimal(2), Decimal(share)) for share in ("0.1", "0.4", "0.05")))),
)
"""The rules that every comparison has."""


SINGLE = NAMED[:3]
"""Depth, width and resolution alone."""


def transfer_rivals(tied: Iterable[Candidate]) -> tuple[Rival, ...]:
    """Who competes at another φ: the tied set of a search, by its coefficients, and the single dimensions."""
    own = {name: one.coefficients for one in tied if (name := transfer_name(one)) not in _SINGLE_NAMES}
    return (*(Rival(name, coefficients) for name, coefficients in own.items()), *SINGLE)


def transfer_name(candidate: Candidate) -> str:
    """What a candidate is called among the rivals: its dimension where it grows one alone, else its label."""
    own = candidate.coefficients
    grown = [name for name, one in zip(AXES, (own.alpha, own.beta, own.gamma), strict=True) if one > _NOTHING]
    return grown[0] if len(grown) == 1 else candidate.label


_NOTHING = Decimal("1.01")
"""A px or two that a single dimension took to match the cost is not growth."""
_SINGLE_NAMES = tuple(one.name for one in SINGLE)


def rival_candidates(baseline: Baseline, rivals: tuple[Rival, ...], phi: Decimal, rule: str) -> CandidateSet:
    """Each rule's network at 2^φ × the baseline's multiply-adds.

    Depth alone and width alone are matched along themselves; every other rule takes α^φ and β^φ, and the px at
    which its cost is nearest. What is more than 5 % off is not compared: a network of few layers or coarse widths
    may have none.

    Args:
        baseline: what is scaled.
        rivals: the rules.
        phi: the compound coefficient.
        rule: the rounding rule.
    """
    wanted = Decimal(2) ** phi
    found = tuple(_candidate(baseline, rival, phi, rule) for rival in rivals)
    near = tuple(one for one in found if abs(one.flops_ratio / wanted - 1) <= TOLERANCE)
    return CandidateSet(len(rivals), near, tuple(one for one in found if one not in near))


def _candidate(baseline: Baseline, rival: Rival, phi: Decimal, rule: str) -> Candidate:
    base, asked = baseline.architecture, rival.coefficients
    scale = _Scale(baseline, replace(baseline.rounding, rule=rule), Decimal(2) ** phi)
    if asked.gamma == 1 and asked.alpha == 1:
        multiplier, network = scale.along("width", power(scale.wanted, Decimal("0.5")))
        own = replace(asked, beta=_base(multiplier, phi))
    elif asked.gamma == 1 and asked.beta == 1:
        multiplier, network = scale.along("depth", scale.wanted)
        own = replace(asked, alpha=_base(multiplier, phi))
    else:
        network = scale.compound(asked, phi)
        own = replace(asked, gamma=_base(Decimal(network.resolution) / base.resolution, phi))
    own = Coefficients(*(round(one, 5) for one in (own.alpha, own.beta, own.gamma)))
    return Candidate(network, cost(network), own, (own,), flops_ratio(network, base), rival.name)


def _base(multiplier: Decimal, phi: Decimal) -> Decimal:
    """The coefficient whose φ-th power is the multiplier."""
    return power(multiplier, 1 / phi) if multiplier > 1 else _ONE


@dataclass(frozen=True, slots=True)
class _Scale:
    baseline: Baseline
    rounding: Rounding
    wanted: Decimal

    def _miss(self, network: Architecture) -> Decimal:
        return abs(flops_ratio(network, self.baseline.architecture) / self.wanted - 1)

    def along(self, axis: str, nominal: Decimal) -> tuple[Decimal, Architecture]:
        """The multiplier of one dimension, and its network, nearest to the wanted cost; the smaller of equals."""
        found: dict[Architecture, Decimal] = {}
        for multiplier in _multipliers(nominal):
            by = Multipliers(**{axis: multiplier})
            found.setdefault(scaled(self.baseline.architecture, by, self.rounding), multiplier)
        network = min(found, key=lambda one: (self._miss(one), found[one]))
        return found[network], network

    def compound(self, rule: Coefficients, phi: Decimal) -> Architecture:
        """The rule's depth and width at φ with the px that matches the cost.

        Where no px does, at the φ nearest to it where one does: rounding may have made depth and width alone
        too dear.
        """
        tried = []
        for step in sorted(range(-_NEARBY, _NEARBY + 1), key=lambda one: (abs(one), one)):
            shape = scaled(self.baseline.architecture, rule.at(phi * (1 + step * _PER_CENT)), self.rounding)
            (network,) = match_resolutions(
                self.baseline.architecture, [(shape.widths, shape.depths)], self.wanted, "resolution" in self.axes
            )
            if self._miss(network) <= TOLERANCE:
                return network
            tried.append(network)
        return min(tried, key=self._miss)

    @property
    def axes(self) -> tuple[str, ...]:
        return self.baseline.axes


def _multipliers(nominal: Decimal) -> Iterator[Decimal]:
    """From 1 to a third beyond the nominal one: ceilings, stems and heads make costs differ from it."""
    top = (nominal - 1) * 4 / 3
    return (round(1 + top * step / _STEPS, 6) for step in range(_STEPS + 1))
