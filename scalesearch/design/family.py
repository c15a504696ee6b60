"""Families: a baseline and its scaled members, from coefficients or as published."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from scalesearch.design.coefficients import LARGEST_MULTIPLIER, Coefficients, Multipliers
from scalesearch.design.exact import plain, whole_or_fraction
from scalesearch.design.matching import TOLERANCE, before_match, match_resolutions
from scalesearch.design.scaling import Baseline, cost_ratio, scaled
from scalesearch.design.v2_rule import with_late_layers, within_px
from scalesearch.errors import InputError, SpaceError

PHIS = tuple(range(1, 8))
PHIS_DOWN = (-1, -2, -3, -4)
"""Of the members that are smaller than the baseline."""

# Width, depth, px: tensorflow/tpu `efficientnet_builder.py`, `efficientnet_params`; google/automl
# `effnetv2_configs.py`, `efficientnetv2_params` (evaluation sizes).
# tensorflow/tpu `lite/efficientnet_lite_builder.py`, `efficientnet_lite_params`.
_PUBLISHED = {
    "b0": (
        ("b1", "1.0", "1.1", 240),
        ("b2", "1.1", "1.2", 260),
        ("b3", "1.2", "1.4", 300),
        ("b4", "1.4", "1.8", 380),
        ("b5", "1.6", "2.2", 456),
        ("b6", "1.8", "2.6", 528),
        ("b7", "2.0", "3.1", 600),
    ),
    "efficientnet_v2_b0": (
        ("efficientnet_v2_b1", "1.0", "1.1", 240),
        ("efficientnet_v2_b2", "1.1", "1.2", 260),
        ("efficientnet_v2_b3", "1.2", "1.4", 300),
    ),
    "efficientnet_lite0": (
        ("efficientnet_lite1", "1.0", "1.1", 240),
        ("efficientnet_lite2", "1.1", "1.2", 260),
        ("efficientnet_lite3", "1.2", "1.4", 280),
        ("efficientnet_lite4", "1.4", "1.8", 300),
    ),
}


def phis_of(coefficients: Coefficients) -> tuple[int, ...]:
    """The φ of the members: 1 … 7, or as far as no dimension is multiplied beyond the largest multiplier.

    α = 2, depth alone, ends at φ = 6: 2⁷ layers for each are no network to train.
    """
    largest = max(coefficients.alpha, coefficients.beta, coefficients.gamma)
    return tuple(phi for phi in PHIS if largest**phi <= LARGEST_MULTIPLIER)


def smaller_members(baseline: Baseline) -> dict[str, Decimal]:
    """The φ of the usual members below 0, by name."""
    return {member_name(baseline, Decimal(phi)): Decimal(phi) for phi in PHIS_DOWN}


def published_names() -> list[str]:
    """The names of the published members of the shipped baselines."""
    return [name for members in _PUBLISHED.values() for name, *_ in members]


def published_baseline(name: str) -> str:
    """The name of the baseline that the published member `name` belongs to."""
    return next(base for base, members in _PUBLISHED.items() if name in [one for one, *_ in members])


def has_published(baseline: Baseline) -> bool:
    """Whether a family of this baseline has been published."""
    return baseline.name in _PUBLISHED


@dataclass(frozen=True, slots=True)
class Member:
    """One network of a family and how its cost stands to the rule's."""

    baseline: Baseline
    phi: Decimal | int | None
    """The compound coefficient; None where the publication gives multipliers that are of no one φ."""
    nominal_flops_ratio: Decimal
    flops_ratio: Decimal
    resolution_multiplier: Decimal
    """Its px over the baseline's, to five places."""
    implied_gamma: Decimal | None
    """The φ-th root of the resolution multiplier: the γ that this member really has."""
    matched: bool
    """Whether its counted cost is within 5 % of 2^φ (of the nominal ratio where there is no φ)."""
    activations_ratio: Decimal = Decimal(1)


def family(
    baseline: Baseline,
    coefficients: Coefficients,
    rule: str = "balanced",
    match: bool = True,
    by: str = "macs",
    scaling: str = "v1",
    phis: Mapping[str, Decimal] | None = None,
) -> tuple[Member, ...]:
    """The baseline (φ = 0) and the members of other φ.

    Below φ = 0 members are smaller than the baseline: depths, widths and px fall, down to one layer a stage and one
    multiple of the divisor.

    Args:
        baseline: what is scaled.
        coefficients: depth α^φ and width β^φ; resolution γ^φ only without `match`.
        rule: the rounding rule.
        match: take for every member the px at which its measured cost is nearest to 2^φ × baseline, so
            that a step really doubles the budget.
        by: the cost, `macs` or `activations`.
        scaling: `v2`: extra layers in the last two stages, at most 480 px (`v2_rule`); a member that 480 px keep
            below 2^φ is not matched. Below φ = 0 there are no extra layers.
        phis: the φ of each member by its name; None: 1 … 7 (`phis_of`).
    """
    rounding = replace(baseline.rounding, rule=rule)
    members = [_member(baseline, baseline, Multipliers(), 0, Decimal(1))]
    if phis is None:
        phis = {member_name(baseline, Decimal(phi)): Decimal(phi) for phi in phis_of(coefficients)}
    for name, phi in phis.items():
        try:
            multipliers = coefficients.at(phi)
            network = scaled(baseline.architecture, before_match(multipliers) if match else multipliers, rounding)
        except SpaceError as error:
            raise InputError(f"{name} (φ = {plain(phi)} of {coefficients}): {error}") from error
        if scaling == "v2":
            network = with_late_layers(baseline.architecture, network)
        wanted = Decimal(2) ** phi
        if match:
            shape = (network.widths, network.depths)
            (network,) = match_resolutions(baseline.architecture, [shape], wanted, by=by)
        if scaling == "v2":
            network = within_px(baseline.architecture, network)
        named = baseline.member(network, multipliers, rounding, name)
        members.append(_member(baseline, named, multipliers, whole_or_fraction(phi), wanted, by))
    return tuple(members)


def published(baseline: Baseline) -> tuple[Member, ...]:
    """The members as published, rounded by the file's own rule.

    Raises:
        InputError: no family of this baseline has been published.
    """
    if not has_published(baseline):
        known = ", ".join(_PUBLISHED)
        raise InputError(
            f"baseline {baseline.name!r}: has no published family, only {known} have; give --coefficients α β γ"
        )
    members = [_member(baseline, baseline, Multipliers(), 0, Decimal(1))]
    side = baseline.architecture.resolution
    for name, width, depth, px in _PUBLISHED[baseline.name]:
        resolution = round(Decimal(px) / side, 12)
        multipliers = Multipliers(Decimal(depth), Decimal(width), resolution)
        named = baseline.scale(multipliers, name=name)
        members.append(_member(baseline, named, multipliers, None, multipliers.nominal_flops_ratio))
    return tuple(members)


def member_name(baseline: Baseline, phi: Decimal) -> str:
    """b1 … b7 of b0, phi1 … phi7 of any other; of a member that is scaled again its own name goes before."""
    shown = plain(phi)
    if baseline.name == "b0":
        return f"b{shown}"
    end = f"phi{shown}"
    return f"{baseline.name[: 62 - len(end)]}-{end}" if baseline.name.startswith("phi") else end


def _member(
    baseline: Baseline,
    named: Baseline,
    multipliers: Multipliers,
    phi: Decimal | int | None,
    wanted: Decimal,
    by: str = "macs",
) -> Member:
    ratio = named.origin.flops_ratio if named.origin and named is not baseline else Decimal(1)
    other = cost_ratio(named.architecture, baseline.architecture, "activations")
    sides = Decimal(named.architecture.resolution) / baseline.architecture.resolution
    gamma = round(sides ** (Decimal(1) / phi), 5) if phi else None
    matched = abs((ratio if by == "macs" else other) / wanted - 1) <= TOLERANCE
    nominal = round(multipliers.nominal_flops_ratio, 5)
    return Member(named, phi, nominal, ratio, round(sides, 5), gamma, matched, other)


def coefficients_from(values: Sequence[str]) -> Coefficients:
    """α, β, γ as a person writes them.

    Raises:
        InputError: not three plain decimal numbers.
    """
    try:
        alpha, beta, gamma = (Decimal(value) for value in values)
    except (ArithmeticError, ValueError) as error:
        shown = " ".join(values)
        raise InputError(f"coefficients {shown!r}: must be three numbers, such as 1.2 1.1 1.15") from error
    return Coefficients(alpha, beta, gamma)


def described(member: Member) -> str:
    """`b1: depth 1.2, width 1.1, 240 px`."""
    by = member.baseline.origin.multipliers if member.baseline.origin else Multipliers()
    name, px = member.baseline.name, member.baseline.architecture.resolution
    return f"{name}: depth {plain(by.depth)}, width {plain(by.width)}, {px} px"
