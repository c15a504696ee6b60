"""Named scaling rules at one measured cost: single dimensions, the paper's compound rule, fast scaling, one's own.

Every rule is a direction in (log depth, log width, log resolution); each gets the network along it whose counted
cost is nearest to the wanted one, so that the paper's Tables 3 and 7 are compared at equal cost.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, Decimal
from math import log
from typing import Any, ClassVar, Self

from scalesearch.design.architecture import Architecture
from scalesearch.design.coefficients import AXES, LARGEST_COEFFICIENT, LARGEST_MULTIPLIER, Coefficients, Multipliers
from scalesearch.design.cost import cost
from scalesearch.design.exact import power
from scalesearch.design.factory import Network
from scalesearch.design.matching import TOLERANCE, before_match, match_resolutions
from scalesearch.design.rounding import Rounding
from scalesearch.design.scaling import Baseline, cost_ratio, flops_ratio, scaled
from scalesearch.errors import SpaceError
from scalesearch.search.candidates import NAME_SEPARATOR, Candidate, CandidateSet, is_near, other_ratio
from scalesearch.search.canonical import Json, as_json, from_json
from scalesearch.search.factory_grid import FactoryBaseline
from scalesearch.search.kinds.base import ADVICE_OF_COST, StudyKind, scaling_summary
from scalesearch.search.setting import Setting
from scalesearch.search.timings import LatencyMeasurement, LatencyTable, ScalingPath

_ONE = Decimal(1)
_ROOT = power(Decimal(2), Decimal("0.5"))
_STEPS = 500
"""Multipliers that are tried along a single dimension, from 1 to the largest that can be needed."""
_NEARBY = 20
_PER_CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class ScalingRule:
    """A named rule, by what it multiplies by for twice the cost."""

    name: str
    coefficients: Coefficients


def shares(depth: str, width: str, resolution: str) -> Coefficients:
    """The rule d = s^depth, w = s^width, r = s^resolution, for s = 2 times the cost."""
    return Coefficients(*(power(Decimal(2), Decimal(share)) for share in (depth, width, resolution)))


NAMED = (
    ScalingRule("depth", Coefficients(Decimal(2), _ONE, _ONE)),
    ScalingRule("width", Coefficients(_ONE, _ROOT, _ONE)),
    ScalingRule("resolution", Coefficients(_ONE, _ONE, _ROOT)),
    # Tan & Le 2019, section 5.
    ScalingRule("compound", Coefficients(Decimal("1.2"), Decimal("1.1"), Decimal("1.15"))),
    # Dollár et al. 2021, dWr with α = 0.8: d = s^.1, w = s^.4, r = s^.05.
    ScalingRule("fast", shares("0.1", "0.4", "0.05")),
    # Li et al. 2021, LACS. Published are members, not a rule: d, w and r as powers of the member's own nominal cost
    # s = d·w²·r², exponents by least squares of the logarithms through the origin. All seven members for GPUs lie
    # on one such line; those for TPUs do up to b4, ten times the cost, where they turn to width.
    ScalingRule("lacs-gpu", shares("0.379", "0.211", "0.0995")),
    ScalingRule("lacs-tpu", shares("0.376", "0.187", "0.125")),
)
"""The rules that every comparison has."""


SINGLE = NAMED[:3]
"""Depth, width and resolution alone."""


@dataclass(frozen=True, slots=True)
class RuleComparison(StudyKind):
    """Named rules in place of a grid; all of them are trained, and none is recommended."""

    key: ClassVar[str] = "rivals"
    recommends: ClassVar[bool] = False
    no_proxy_validation: ClassVar[str] = "compares rules"
    points_noun: ClassVar[str] = "rules"
    rules: tuple[ScalingRule, ...]

    def validate(self, setting: Setting) -> None:
        """Rules need a baseline file, and as many timings as there are rules."""
        if isinstance(setting.baseline, FactoryBaseline):
            raise SpaceError("baseline is a Python function, but rules are compared on baseline files only")
        if setting.timings is not None and len(setting.timings.entries) != len(self.rules):
            raise SpaceError(
                f"timings are of {len(setting.timings.entries)} networks, but there are {len(self.rules)} rules; "
                "begin the study anew"
            )

    def candidates(self, setting: Setting, proposals: Sequence[Any] | None = None) -> CandidateSet:
        """Each rule's network; see `rule_candidates`."""
        del proposals
        assert isinstance(setting.baseline, Baseline), "checked by `validate`"
        by = setting.cost, setting.timings
        return rule_candidates(setting.baseline, self.rules, setting.phi, setting.rounding, *by)

    def select(self, setting: Setting, candidate_set: CandidateSet) -> tuple[Candidate, ...]:
        """All."""
        del setting
        return candidate_set.candidates

    def too_few(self, setting: Setting, count: int, candidate_set: CandidateSet) -> SpaceError:
        """The error where fewer than two rules can be compared."""
        advice = "a larger baseline" + (ADVICE_OF_COST["latency"] if setting.cost == "latency" else "")
        return SpaceError(
            f"only {count} of {candidate_set.triples} rules gives a network of the wanted cost; take {advice}"
        )

    def paths_to_time(self, setting: Setting) -> list[ScalingPath]:
        """Each rule's direction."""
        assert isinstance(setting.baseline, Baseline), "checked by `validate`"
        return rule_paths(setting.baseline, self.rules, setting.phi, setting.rounding)

    def to_json(self) -> dict[str, Json]:
        """The rules."""
        return {self.key: as_json(self.rules)}

    @classmethod
    def from_json(cls, value: Any) -> Self:
        """The comparison that `to_json` wrote."""
        return cls(tuple(from_json(ScalingRule, one, (cls.key,)) for one in value))

    def summary(self, setting: Setting) -> dict[str, str]:
        """What was asked, by name."""
        return scaling_summary("comparison of rules", setting)


def transfer_rules(tied: Iterable[Candidate]) -> tuple[ScalingRule, ...]:
    """Who competes at another φ: the tied set of a search, by its coefficients, and the single dimensions."""
    own = {name: one.coefficients for one in tied if (name := transfer_name(one)) not in _SINGLE_NAMES}
    return (*(ScalingRule(name, coefficients) for name, coefficients in own.items()), *SINGLE)


def transfer_name(candidate: Candidate) -> str:
    """What a candidate is called among the rules: its dimension where it grows one alone, else its label."""
    own = candidate.coefficients
    grown = [name for name, one in zip(AXES, (own.alpha, own.beta, own.gamma), strict=True) if one > _NOTHING]
    return grown[0] if len(grown) == 1 else candidate.label


_NOTHING = Decimal("1.01")
"""A px or two that a single dimension took to match the cost is not growth."""
_SINGLE_NAMES = tuple(one.name for one in SINGLE)


def rule_candidates(
    baseline: Baseline,
    rules: tuple[ScalingRule, ...],
    phi: Decimal,
    rounding_rule: str,
    by: str = "macs",
    timings: LatencyTable | None = None,
) -> CandidateSet:
    """Each rule's network at 2^φ × the baseline's cost.

    Depth alone and width alone are matched along themselves; every other rule takes its depth and width there,
    α^φ and β^φ where multiply-adds are matched, and the px at which its cost is nearest. Where latency is matched,
    every rule was taken along its own direction until it took the wanted time (`rule_paths`). What is more than
    5 % off (10 % where it is measured) is not compared: a network of few layers or coarse widths may have none.
    Rules that give the same network are one candidate of both names.

    Args:
        baseline: what is scaled.
        rules: the rules.
        phi: the compound coefficient.
        rounding_rule: the rounding rule.
        by: the cost, one of `COSTS`.
        timings: what was measured of each rule, where that is latency.

    Raises:
        SpaceError: a network that was timed is none of its rule's.
    """
    if by == "latency":
        assert timings is not None, "a comparison by latency has been timed"
        each = [
            _timed(baseline, rule, phi, rounding_rule, timings, entry)
            for rule, entry in zip(rules, timings.entries, strict=True)
        ]
    else:
        each = [_candidate(baseline, rule, phi, rounding_rule, by) for rule in rules]
    networks: dict[Network, Candidate] = {}
    for one in each:
        known = networks.get(one.architecture)
        networks[one.architecture] = (
            one if known is None else replace(known, name=known.name + NAME_SEPARATOR + one.name)
        )
    found = tuple(networks.values())
    near = tuple(one for one in found if is_near(one, phi, by))
    return CandidateSet(len(rules), near, tuple(one for one in found if one not in near))


def _candidate(baseline: Baseline, rule: ScalingRule, phi: Decimal, rounding_rule: str, by: str) -> Candidate:
    base, asked = baseline.architecture, rule.coefficients
    scale = _Scale(baseline, replace(baseline.rounding, rule=rounding_rule), Decimal(2) ** phi, by)
    if asked.gamma == 1 and asked.alpha == 1:
        multiplier, network = scale.along("width", power(scale.wanted, 1 / _growth("width", by)))
        own = replace(asked, beta=_base(multiplier, phi))
    elif asked.gamma == 1 and asked.beta == 1:
        multiplier, network = scale.along("depth", scale.wanted)
        own = replace(asked, alpha=_base(multiplier, phi))
    else:
        asked = _stretched(asked, by)
        network = scale.compound(asked, phi)
        own = replace(asked, gamma=_base(Decimal(network.resolution) / base.resolution, phi))
    own = Coefficients(*(round(one, 5) for one in (own.alpha, own.beta, own.gamma)))
    other = other_ratio(network, base, by)
    return Candidate(network, cost(network), own, (own,), flops_ratio(network, base), rule.name, other)


def rule_paths(
    baseline: Baseline, rules: tuple[ScalingRule, ...], phi: Decimal, rounding_rule: str
) -> list[ScalingPath]:
    """Each rule's networks from the baseline on to 2^(3φ) × its nominal cost (depth alone: 2^(2φ)).

    How long a network takes is no matter of one dimension: a wider layer may take no longer on a GPU. So it is the
    whole rule that is taken further, as all three of its dimensions grow, and not its px alone.
    """
    wanted = Decimal(2) ** phi
    return [_line(baseline, rule, phi, rounding_rule).to_time(baseline.architecture, wanted) for rule in rules]


@dataclass(frozen=True, slots=True)
class _Line:
    """A rule's networks, rising, and the φ at which each of them is met first on the way from the baseline."""

    phis: tuple[Decimal, ...]
    networks: tuple[Architecture, ...]

    def to_time(self, base: Architecture, wanted: Decimal) -> ScalingPath:
        """Begun where the multiply-adds are as wanted."""
        misses = [abs(flops_ratio(network, base) - wanted) for network in self.networks]
        extents = [2 ** float(phi) for phi in self.phis]
        return ScalingPath(extents, self.networks.__getitem__, misses.index(min(misses)), 1.0)


def _line(baseline: Baseline, rule: ScalingRule, phi: Decimal, rounding_rule: str) -> _Line:
    rounding = replace(baseline.rounding, rule=rounding_rule)
    own = rule.coefficients
    steepest = log(max(_ROOT, own.alpha, own.beta, own.gamma))
    size = abs(phi)
    # Neither a multiplier at the end of the line nor the coefficient that gives it may be too large.
    longest = min(
        3 * float(size), log(LARGEST_MULTIPLIER) / steepest, log(LARGEST_COEFFICIENT) / steepest * float(size)
    )
    top = max(size, Decimal(repr(round(longest - 1e-6, 6)))).copy_sign(phi)
    met: dict[Architecture, Decimal] = {}
    for step in range(_PLACES + 1):
        here = top * step / _PLACES
        multipliers = own.at(here)
        if "resolution" not in baseline.axes:
            multipliers = replace(multipliers, resolution=_ONE)
        try:
            met.setdefault(scaled(baseline.architecture, multipliers, rounding), here)
        except SpaceError:
            if phi > 0:
                raise
            break  # the side is too small for the network
    if phi < 0:
        met = dict(reversed(met.items()))
    return _Line(tuple(met.values()), tuple(met))


_PLACES = 240
"""φ that are tried on a rule's line."""


def _timed(
    baseline: Baseline,
    rule: ScalingRule,
    phi: Decimal,
    rounding_rule: str,
    timings: LatencyTable,
    entry: LatencyMeasurement,
) -> Candidate:
    """The network of a rule that was found to take the wanted time."""
    base, line = baseline.architecture, _line(baseline, rule, phi, rounding_rule)
    network = base.resized(entry.widths, entry.depths, entry.resolution)
    if network not in line.networks:
        raise SpaceError(f"{rule.name} with layers {entry.depths} was not timed; begin the study anew")
    longer = line.phis[line.networks.index(network)] / phi
    values = (rule.coefficients.alpha, rule.coefficients.beta, rule.coefficients.gamma)
    own = Coefficients(*(round(power(value, longer), 5) for value in values))
    other = other_ratio(network, base, "latency", timings)
    return Candidate(network, cost(network), own, (own,), flops_ratio(network, base), rule.name, other)


def _growth(axis: str, by: str) -> Decimal:
    """The power of a multiplier by which a plain ConvNet's cost grows: MACs as d·w²·r², activations as d·w·r²."""
    return Decimal(1 if axis == "depth" or (axis == "width" and by == "activations") else 2)


def _stretched(rule: Coefficients, by: str) -> Coefficients:
    """The rule's coefficients for twice the nominal cost, in the same direction.

    A rule is stated for multiply-adds. Dollár's for twice of those has 1.52 times the activations; for twice the
    activations it is taken further.
    """
    if by == "macs":
        return rule
    values = (rule.alpha, rule.beta, rule.gamma)
    grown = sum(float(_growth(axis, by)) * log(value) for axis, value in zip(AXES, values, strict=True))
    longer = Decimal(repr(round(log(2) / grown, 9))) if grown > 0 else _ONE
    return Coefficients(*(power(value, longer) for value in values))


def _base(multiplier: Decimal, phi: Decimal) -> Decimal:
    """The coefficient whose φ-th power is the multiplier; 1 where the multiplier is on the other side of 1."""
    return power(multiplier, 1 / phi) if (multiplier > 1) == (phi > 0) and multiplier != 1 else _ONE


@dataclass(frozen=True, slots=True)
class _Scale:
    baseline: Baseline
    rounding: Rounding
    wanted: Decimal
    by: str

    def _miss(self, network: Architecture) -> Decimal:
        return abs(cost_ratio(network, self.baseline.architecture, self.by) / self.wanted - 1)

    def along(self, axis: str, nominal: Decimal) -> tuple[Decimal, Architecture]:
        """The multiplier of one dimension, and its network, nearest to the wanted cost; the smaller of equals."""
        found: dict[Architecture, Decimal] = {}
        # What does not grow (stem, head) has a few per cent of the multiply-adds, but a fifth of the activations.
        for multiplier in _multipliers(nominal, _FURTHER[self.by]):
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
            multipliers = before_match(rule.at(phi * (1 + step * _PER_CENT)))
            shape = scaled(self.baseline.architecture, multipliers, self.rounding)
            shapes, grows = [(shape.widths, shape.depths)], "resolution" in self.axes
            (network,) = match_resolutions(self.baseline.architecture, shapes, self.wanted, grows, self.by)
            if self._miss(network) <= TOLERANCE:
                return network
            tried.append(network)
        return min(tried, key=self._miss)

    @property
    def axes(self) -> tuple[str, ...]:
        return self.baseline.axes


_FURTHER = {"macs": Decimal(4) / 3, "activations": Decimal(2)}
"""How far beyond the nominal multiplier is looked, by cost."""


def _multipliers(nominal: Decimal, further: Decimal) -> Iterator[Decimal]:
    """From 1 to beyond the nominal one: ceilings, stems and heads make costs differ from it."""
    if nominal < 1:  # in powers, which end above 0; rounded up, so that the coefficient is not too large
        steps = (power(nominal, further * step / _STEPS) for step in range(1, _STEPS + 1))
        return iter([_ONE, *(one.quantize(_MILLIONTH, rounding=ROUND_CEILING) for one in steps)])
    top = (nominal - 1) * further
    return (round(1 + top * step / _STEPS, 6) for step in range(_STEPS + 1))


_MILLIONTH = Decimal("0.000001")
