"""Compares named scaling rules at equal measured cost: single dimensions, compound, fast scaling, the user's own.

Every rule is a direction in (log depth, log width, log resolution). Each gets the network along its direction whose
counted cost is nearest to the target, so that the paper's Tables 3 and 7 are compared at equal cost.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from math import log
from typing import Any, ClassVar, Self, TypeVar

from scalesearch.design.architecture import Architecture
from scalesearch.design.coefficients import AXES, LARGEST_COEFFICIENT, LARGEST_MULTIPLIER, Coefficients
from scalesearch.design.cost import cost
from scalesearch.design.decimals import power
from scalesearch.design.factory import FactoryNetwork, Network
from scalesearch.design.images import size_ratio
from scalesearch.design.scaling import Baseline, flops_ratio, scaled
from scalesearch.errors import SpaceError
from scalesearch.search.candidates import NAME_SEPARATOR, Candidate, CandidateSet, is_near, other_ratio
from scalesearch.search.canonical import Json, as_json, from_json
from scalesearch.search.factory_grid import FactoryBaseline, NetworkCounter
from scalesearch.search.kinds.base import ADVICE_OF_COST, StudyKind, scaling_summary
from scalesearch.search.rule_scalers import CountedNetwork, FunctionScaler, RuleScaler, StageScaler
from scalesearch.search.setting import Setting
from scalesearch.search.timings import LatencyMeasurement, LatencyTable, ScalingPath

_ONE = Decimal(1)
_ROOT = power(Decimal(2), Decimal("0.5"))


@dataclass(frozen=True, slots=True)
class ScalingRule:
    """Names a scaling rule and gives its coefficients for twice the cost."""

    name: str
    coefficients: Coefficients


def shares(depth: str, width: str, resolution: str) -> Coefficients:
    """Return the coefficients of d = s^depth, w = s^width, r = s^resolution at s = 2, twice the cost."""
    return Coefficients(*(power(Decimal(2), Decimal(exponent)) for exponent in (depth, width, resolution)))


NAMED = (
    ScalingRule("depth", Coefficients(Decimal(2), _ONE, _ONE)),
    ScalingRule("width", Coefficients(_ONE, _ROOT, _ONE)),
    ScalingRule("resolution", Coefficients(_ONE, _ONE, _ROOT)),
    # Tan & Le 2019, section 5.
    ScalingRule("compound", Coefficients(Decimal("1.2"), Decimal("1.1"), Decimal("1.15"))),
    # Dollár et al. 2021, dWr with α = 0.8: d = s^.1, w = s^.4, r = s^.05.
    ScalingRule("fast", shares("0.1", "0.4", "0.05")),
    # Li et al. 2021, LACS. They published members, not a rule: here d, w and r are powers of the member's nominal
    # cost s = d·w²·r², with exponents from a least-squares fit of the logarithms through the origin. All seven
    # members for GPUs lie on one such line; those for TPUs do up to b4, ten times the cost, and then favour width.
    ScalingRule("lacs-gpu", shares("0.379", "0.211", "0.0995")),
    ScalingRule("lacs-tpu", shares("0.376", "0.187", "0.125")),
)
"""The rules that every comparison contains."""


SINGLE = NAMED[:3]
"""The rules that scale depth, width or resolution alone."""


@dataclass(frozen=True, slots=True)
class RuleComparison(StudyKind):
    """Compares named rules in place of a grid; all of them are trained, and none is recommended."""

    key: ClassVar[str] = "rivals"
    recommends: ClassVar[bool] = False
    no_proxy_validation: ClassVar[str] = "compares rules"
    points_noun: ClassVar[str] = "rules"
    rules: tuple[ScalingRule, ...]

    def validate(self, setting: Setting) -> None:
        """Require one timing, and one counted network of a Python function, for each rule."""
        if isinstance(setting.baseline, FactoryBaseline) and len(setting.baseline.entries) != len(self.rules):
            raise SpaceError(
                f"baseline has {len(setting.baseline.entries)} counted networks, but there are {len(self.rules)} "
                "rules; begin the study anew"
            )
        if setting.timings is not None and len(setting.timings.entries) != len(self.rules):
            raise SpaceError(
                f"timings are of {len(setting.timings.entries)} networks, but there are {len(self.rules)} rules; "
                "begin the study anew"
            )

    def candidates(self, setting: Setting, proposals: Sequence[Any] | None = None) -> CandidateSet:
        """Return each rule's network; see `rule_candidates`."""
        del proposals
        cost_args = setting.cost, setting.timings
        return rule_candidates(setting.baseline, self.rules, setting.phi, setting.rounding, *cost_args)

    def select(self, setting: Setting, candidate_set: CandidateSet) -> tuple[Candidate, ...]:
        """Return all candidates."""
        del setting
        return candidate_set.candidates

    def too_few(self, setting: Setting, count: int, candidate_set: CandidateSet) -> SpaceError:
        """Return the error for a study with fewer than two rules to compare."""
        advice = "a larger baseline" + (ADVICE_OF_COST["latency"] if setting.cost == "latency" else "")
        return SpaceError(
            f"only {count} of {candidate_set.triples} rules gives a network of the wanted cost; take {advice}"
        )

    def count_networks(self, setting: Setting, counter: NetworkCounter) -> tuple[FactoryNetwork, ...]:
        """Return the network that each rule makes of a function, in the order of the rules."""
        base = setting.baseline.architecture
        assert isinstance(base, FactoryNetwork), "a function's networks are counted"
        scaler = FunctionScaler(base, counter, Decimal(2) ** setting.phi, setting.cost)
        return tuple(_scale(base, rule, setting.phi, setting.cost, scaler)[0] for rule in self.rules)

    def paths_to_time(self, setting: Setting) -> list[ScalingPath]:
        """Return one path for each rule, along its direction."""
        assert isinstance(setting.baseline, Baseline), "Python functions are not timed"
        return rule_paths(setting.baseline, self.rules, setting.phi, setting.rounding)

    def to_json(self) -> dict[str, Json]:
        """Return the rules under the kind's key."""
        return {self.key: as_json(self.rules)}

    @classmethod
    def from_json(cls, value: Any) -> Self:
        """Create the comparison that `to_json` wrote."""
        return cls(tuple(from_json(ScalingRule, rule, (cls.key,)) for rule in value))

    def summary(self, setting: Setting) -> dict[str, str]:
        """Return the configuration as names and values."""
        return scaling_summary("comparison of rules", setting)


def transfer_rules(tied: Iterable[Candidate]) -> tuple[ScalingRule, ...]:
    """Return the rules to compare at another φ: the tied candidates' coefficients, and the single dimensions."""
    by_name = {
        name: candidate.coefficients
        for candidate in tied
        if (name := transfer_name(candidate)) not in _SINGLE_NAMES
    }
    return (*(ScalingRule(name, coefficients) for name, coefficients in by_name.items()), *SINGLE)


def transfer_name(candidate: Candidate) -> str:
    """Return the name of a candidate as a rule: its dimension where it scales only one, otherwise its label."""
    coefficients = candidate.coefficients
    grown = [
        name
        for name, coefficient in zip(AXES, (coefficients.alpha, coefficients.beta, coefficients.gamma), strict=True)
        if coefficient > _NO_GROWTH
    ]
    return grown[0] if len(grown) == 1 else candidate.label


_NO_GROWTH = Decimal("1.01")
"""Coefficients up to this do not count as growth: matching the cost may change the side by a px or two."""
_SINGLE_NAMES = tuple(rule.name for rule in SINGLE)


def rule_candidates(
    baseline: Baseline | FactoryBaseline,
    rules: tuple[ScalingRule, ...],
    phi: Decimal,
    rounding_rule: str,
    cost_kind: str = "macs",
    timings: LatencyTable | None = None,
) -> CandidateSet:
    """Return each rule's network at 2^φ × the baseline's cost.

    Depth alone and width alone are matched along their own dimension. Every other rule takes its depth and width
    there (α^φ and β^φ where multiply-adds are matched) and the px at which its cost is nearest to the target. Where
    latency is matched, every rule was followed along its own direction until it took the target time
    (`rule_paths`). The networks of a Python function were counted before the study, one for each rule
    (`RuleComparison.count_networks`). A network whose cost is more than 5 % off (10 % where it is measured) is not
    compared: with few layers or coarse widths, no network of a rule may come close enough. Rules that give the same
    network become one candidate with both names.

    Args:
        baseline: what is scaled.
        rules: the rules.
        phi: the compound coefficient.
        rounding_rule: the rounding rule; a function rounds by itself.
        cost_kind: the cost that is matched, one of `COSTS`.
        timings: the measurement of each rule, where that cost is latency.

    Raises:
        SpaceError: a network that was timed does not belong to its rule.
    """
    if cost_kind == "latency":
        assert timings is not None, "a comparison by latency has been timed"
        assert isinstance(baseline, Baseline), "Python functions are not timed"
        candidates = [
            _timed_candidate(baseline, rule, phi, rounding_rule, timings, entry)
            for rule, entry in zip(rules, timings.entries, strict=True)
        ]
    else:
        scalers = _scalers(baseline, len(rules), phi, rounding_rule, cost_kind)
        candidates = [
            _candidate(baseline.architecture, rule, phi, cost_kind, scaler)
            for rule, scaler in zip(rules, scalers, strict=True)
        ]
    networks: dict[Network, Candidate] = {}
    for candidate in candidates:
        merged = networks.get(candidate.architecture)
        networks[candidate.architecture] = (
            candidate if merged is None else replace(merged, name=merged.name + NAME_SEPARATOR + candidate.name)
        )
    different = tuple(networks.values())
    near = tuple(candidate for candidate in different if is_near(candidate, phi, cost_kind))
    return CandidateSet(len(rules), near, tuple(candidate for candidate in different if candidate not in near))


def _scalers(
    baseline: Baseline | FactoryBaseline, count: int, phi: Decimal, rounding_rule: str, cost_kind: str
) -> list[RuleScaler[Any]]:
    """Return what finds the network of each rule: one scaler of stages for all, or each rule's counted network."""
    if isinstance(baseline, FactoryBaseline):
        return [CountedNetwork(network, Decimal(2) ** phi) for network in baseline.distinct_networks]
    rounding = replace(baseline.rounding, rule=rounding_rule)
    return [StageScaler(baseline, rounding, Decimal(2) ** phi, cost_kind)] * count


def _candidate(
    base: Network, rule: ScalingRule, phi: Decimal, cost_kind: str, scaler: RuleScaler[Any]
) -> Candidate:
    network, coefficients = _scale(base, rule, phi, cost_kind, scaler)
    matched_ratio = other_ratio(network, base, cost_kind)
    return Candidate(
        network, cost(network), coefficients, (coefficients,), flops_ratio(network, base), rule.name, matched_ratio
    )


_AnyNetwork = TypeVar("_AnyNetwork", Architecture, FactoryNetwork)


def _scale(
    base: Network, rule: ScalingRule, phi: Decimal, cost_kind: str, scaler: RuleScaler[_AnyNetwork]
) -> tuple[_AnyNetwork, Coefficients]:
    """Return the network of a rule at the scaler's target, and its coefficients to five decimal places."""
    direction = rule.coefficients
    if direction.gamma == 1 and direction.alpha == 1:
        nominal = power(scaler.target, 1 / _cost_exponent("width", cost_kind))
        multiplier, network = scaler.along("width", nominal)
        coefficients = replace(direction, beta=_coefficient(multiplier, phi))
    elif direction.gamma == 1 and direction.beta == 1:
        multiplier, network = scaler.along("depth", scaler.target)
        coefficients = replace(direction, alpha=_coefficient(multiplier, phi))
    else:
        direction = _for_twice_the_cost(direction, cost_kind)
        network = scaler.compound(direction, phi)
        coefficients = replace(direction, gamma=_coefficient(size_ratio(network.resolution, base.resolution), phi))
    values = (coefficients.alpha, coefficients.beta, coefficients.gamma)
    return network, Coefficients(*(round(coefficient, 5) for coefficient in values))


def rule_paths(
    baseline: Baseline, rules: tuple[ScalingRule, ...], phi: Decimal, rounding_rule: str
) -> list[ScalingPath]:
    """Return each rule's networks from the baseline up to 2^(3φ) × its nominal cost (depth alone: 2^(2φ)).

    Latency does not depend on one dimension alone: a wider layer may take no longer on a GPU. So the search follows
    the whole rule, with all three of its dimensions, and not only the px.
    """
    target = Decimal(2) ** phi
    return [_rule_path(baseline, rule, phi, rounding_rule).to_time(baseline.architecture, target) for rule in rules]


@dataclass(frozen=True, slots=True)
class _RulePath:
    """A rule's networks in rising order, and the φ at which each occurs first on the way from the baseline."""

    phis: tuple[Decimal, ...]
    networks: tuple[Architecture, ...]

    def to_time(self, base: Architecture, target: Decimal) -> ScalingPath:
        """Return the path to time, starting where the multiply-adds match the target."""
        misses = [abs(flops_ratio(network, base) - target) for network in self.networks]
        extents = [2 ** float(phi) for phi in self.phis]
        return ScalingPath(extents, self.networks.__getitem__, misses.index(min(misses)), 1.0)


def _rule_path(baseline: Baseline, rule: ScalingRule, phi: Decimal, rounding_rule: str) -> _RulePath:
    rounding = replace(baseline.rounding, rule=rounding_rule)
    coefficients = rule.coefficients
    steepest = log(max(_ROOT, coefficients.alpha, coefficients.beta, coefficients.gamma))
    size = abs(phi)
    # Neither a multiplier at the end of the path nor the coefficient that gives it may be too large.
    longest = min(
        3 * float(size), log(LARGEST_MULTIPLIER) / steepest, log(LARGEST_COEFFICIENT) / steepest * float(size)
    )
    last_phi = max(size, Decimal(repr(round(longest - 1e-6, 6)))).copy_sign(phi)
    first_phis: dict[Architecture, Decimal] = {}
    for step in range(_PATH_STEPS + 1):
        path_phi = last_phi * step / _PATH_STEPS
        multipliers = coefficients.at(path_phi)
        if "resolution" not in baseline.axes:
            multipliers = replace(multipliers, resolution=_ONE)
        try:
            first_phis.setdefault(scaled(baseline.architecture, multipliers, rounding), path_phi)
        except SpaceError:
            if phi > 0:
                raise
            break  # the side is too small for the network
    if phi < 0:
        first_phis = dict(reversed(first_phis.items()))
    return _RulePath(tuple(first_phis.values()), tuple(first_phis))


_PATH_STEPS = 240
"""The number of steps of φ along a rule's path."""


def _timed_candidate(
    baseline: Baseline,
    rule: ScalingRule,
    phi: Decimal,
    rounding_rule: str,
    timings: LatencyTable,
    entry: LatencyMeasurement,
) -> Candidate:
    """Return the candidate for the network of a rule that was measured to take the target time."""
    base, path = baseline.architecture, _rule_path(baseline, rule, phi, rounding_rule)
    network = base.resized(entry.widths, entry.depths, entry.resolution)
    if network not in path.networks:
        raise SpaceError(f"{rule.name} with layers {entry.depths} was not timed; begin the study anew")
    exponent = path.phis[path.networks.index(network)] / phi
    values = (rule.coefficients.alpha, rule.coefficients.beta, rule.coefficients.gamma)
    coefficients = Coefficients(*(round(power(value, exponent), 5) for value in values))
    matched_ratio = other_ratio(network, base, "latency", timings)
    return Candidate(
        network, cost(network), coefficients, (coefficients,), flops_ratio(network, base), rule.name, matched_ratio
    )


def _cost_exponent(axis: str, cost_kind: str) -> Decimal:
    """Return the exponent of an axis in a plain ConvNet's cost: MACs grow as d·w²·r², activations as d·w·r²."""
    return Decimal(1 if axis == "depth" or (axis == "width" and cost_kind == "activations") else 2)


def _for_twice_the_cost(rule: Coefficients, cost_kind: str) -> Coefficients:
    """Return coefficients in the rule's direction that double the nominal cost of this kind.

    Rules are stated for multiply-adds. Dollár's rule for twice the multiply-adds gives 1.52 times the activations;
    for twice the activations it is scaled further in the same direction.
    """
    if cost_kind == "macs":
        return rule
    values = (rule.alpha, rule.beta, rule.gamma)
    growth = sum(
        float(_cost_exponent(axis, cost_kind)) * log(value) for axis, value in zip(AXES, values, strict=True)
    )
    exponent = Decimal(repr(round(log(2) / growth, 9))) if growth > 0 else _ONE
    return Coefficients(*(power(value, exponent) for value in values))


def _coefficient(multiplier: Decimal, phi: Decimal) -> Decimal:
    """Return the coefficient whose φ-th power is the multiplier; 1 if the multiplier is on the other side of 1."""
    return power(multiplier, 1 / phi) if (multiplier > 1) == (phi > 0) and multiplier != 1 else _ONE
