"""Build families: a baseline and its scaled members, from coefficients or as published."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from scalesearch.design.architecture import Architecture
from scalesearch.design.coefficients import LARGEST_MULTIPLIER, Coefficients, Multipliers
from scalesearch.design.decimals import format_decimal, whole_or_fraction
from scalesearch.design.matching import TOLERANCE, before_match, match_resolutions
from scalesearch.design.scaling import Baseline, cost_ratio, scaled
from scalesearch.design.v2_rule import cap_resolution, with_late_layers
from scalesearch.errors import InputError, SpaceError

PHIS = tuple(range(1, 8))
"""The φ of the usual members that are larger than the baseline."""
PHIS_DOWN = (-1, -2, -3, -4)
"""The φ of the usual members that are smaller than the baseline."""

# Width, depth and px. Sources: tensorflow/tpu `efficientnet_builder.py`, `efficientnet_params`; google/automl
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
    """Return the φ of the usual larger members: 1 … 7, as far as no multiplier exceeds `LARGEST_MULTIPLIER`.

    With α = 2 (depth alone) they end at φ = 6, since 2⁷ times as many layers are too many to train.
    """
    largest = max(coefficients.alpha, coefficients.beta, coefficients.gamma)
    return tuple(phi for phi in PHIS if largest**phi <= LARGEST_MULTIPLIER)


def smaller_members(baseline: Baseline) -> dict[str, Decimal]:
    """Return the φ of the usual smaller members by name."""
    return {member_name(baseline.name, Decimal(phi)): Decimal(phi) for phi in PHIS_DOWN}


def published_names() -> list[str]:
    """Return the names of the published members of the shipped baselines."""
    return [name for members in _PUBLISHED.values() for name, *_ in members]


def published_baseline(name: str) -> str:
    """Return the name of the baseline that the published member `name` belongs to."""
    return next(base for base, members in _PUBLISHED.items() if name in [member for member, *_ in members])


def has_published(baseline: Baseline) -> bool:
    """Return whether a family of this baseline has been published."""
    return baseline.name in _PUBLISHED


@dataclass(frozen=True, slots=True)
class Member:
    """A member is one network of a family, with its cost relative to the one that φ promises."""

    baseline: Baseline
    phi: Decimal | int | None
    """The compound coefficient; None for published multipliers that no single φ gives."""
    nominal_flops_ratio: Decimal
    """The ratio d·w²·r² of the multipliers, to five decimal places."""
    flops_ratio: Decimal
    """The counted multiply-adds over the baseline's, to five decimal places."""
    resolution_multiplier: Decimal
    """The image side over the baseline's, to five decimal places."""
    implied_gamma: Decimal | None
    """The effective γ of this member: the φ-th root of the resolution multiplier; None where there is no φ."""
    matched: bool
    """Whether the counted cost is within 5 % of 2^φ (of the nominal ratio where there is no φ)."""
    activations_ratio: Decimal = Decimal(1)
    """The activations over the baseline's, to five decimal places."""

    @property
    def name(self) -> str:
        """The name, such as `phi1`."""
        return self.baseline.name

    @property
    def architecture(self) -> Architecture:
        """The network."""
        return self.baseline.architecture

    @property
    def multipliers(self) -> Multipliers:
        """The multipliers; 1 for the baseline, even if it was itself scaled from another."""
        origin = self.baseline.origin
        return origin.multipliers if origin and self.phi != 0 else Multipliers()


def family(
    baseline: Baseline,
    coefficients: Coefficients,
    rule: str = "balanced",
    match: bool = True,
    cost_kind: str = "macs",
    scaling: str = "v1",
    phis: Mapping[str, Decimal] | None = None,
) -> tuple[Member, ...]:
    """Return the baseline (φ = 0) and its members of other φ.

    Below φ = 0, members are smaller than the baseline. Depths, widths and px fall, down to one block a stage and
    one multiple of the divisor.

    Args:
        baseline: the network to scale.
        coefficients: they give depth α^φ and width β^φ, and resolution γ^φ only without `match`.
        rule: the rounding rule.
        match: whether each member takes the px at which its measured cost is nearest to 2^φ × the baseline's, so
            that each step of φ doubles the cost.
        cost_kind: the cost to match, `macs` or `activations`.
        scaling: the scaling rule, `v1` or `v2`. With `v2`, extra layers go to the last two stages, and images have
            at most 480 px (`v2_rule`). A member that needs more px to cost 2^φ is not matched. Below φ = 0 there
            are no extra layers.
        phis: the φ of each member by its name; None: 1 … 7 (`phis_of`).

    Raises:
        InputError: a member has a multiplier or a size that is out of range.
    """
    rounding = replace(baseline.rounding, rule=rule)
    members = [_member(baseline, baseline, Multipliers(), 0, Decimal(1))]
    if phis is None:
        phis = {member_name(baseline.name, Decimal(phi)): Decimal(phi) for phi in phis_of(coefficients)}
    for name, phi in phis.items():
        try:
            multipliers = coefficients.at(phi)
            network = scaled(baseline.architecture, before_match(multipliers) if match else multipliers, rounding)
        except SpaceError as error:
            raise InputError(f"{name} (φ = {format_decimal(phi)} of {coefficients}): {error}") from error
        if scaling == "v2":
            network = with_late_layers(baseline.architecture, network)
        target = Decimal(2) ** phi
        if match:
            shape = (network.widths, network.depths)
            (network,) = match_resolutions(baseline.architecture, [shape], target, cost_kind=cost_kind)
        if scaling == "v2":
            network = cap_resolution(baseline.architecture, network)
        scaled_baseline = baseline.member(network, multipliers, rounding, name)
        members.append(_member(baseline, scaled_baseline, multipliers, whole_or_fraction(phi), target, cost_kind))
    return tuple(members)


def published(baseline: Baseline) -> tuple[Member, ...]:
    """Return the baseline and its members as published, rounded by the baseline file's own rule.

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
        scaled_baseline = baseline.scale(multipliers, name=name)
        members.append(_member(baseline, scaled_baseline, multipliers, None, multipliers.nominal_flops_ratio))
    return tuple(members)


def member_name(baseline_name: str, phi: Decimal) -> str:
    """Return the name of a member: b1 … b7 for b0, and phi1 … phi7 for any other baseline.

    The name of a member that is scaled again begins with its own name, as in `phi1-phi2`.
    """
    phi_text = format_decimal(phi)
    if baseline_name == "b0":
        return f"b{phi_text}"
    suffix = f"phi{phi_text}"
    return f"{baseline_name[: 62 - len(suffix)]}-{suffix}" if baseline_name.startswith("phi") else suffix


def _member(
    baseline: Baseline,
    scaled_baseline: Baseline,
    multipliers: Multipliers,
    phi: Decimal | int | None,
    target: Decimal,
    cost_kind: str = "macs",
) -> Member:
    ratio = (
        scaled_baseline.origin.flops_ratio
        if scaled_baseline.origin and scaled_baseline is not baseline
        else Decimal(1)
    )
    activations_ratio = cost_ratio(scaled_baseline.architecture, baseline.architecture, "activations")
    px_ratio = Decimal(scaled_baseline.architecture.resolution) / baseline.architecture.resolution
    gamma = round(px_ratio ** (Decimal(1) / phi), 5) if phi else None
    matched = abs((ratio if cost_kind == "macs" else activations_ratio) / target - 1) <= TOLERANCE
    nominal = round(multipliers.nominal_flops_ratio, 5)
    return Member(scaled_baseline, phi, nominal, ratio, round(px_ratio, 5), gamma, matched, activations_ratio)


def coefficients_from(values: Sequence[str]) -> Coefficients:
    """Parse α, β and γ, as a person writes them.

    Raises:
        InputError: the values are not three plain decimal numbers.
    """
    try:
        alpha, beta, gamma = (Decimal(value) for value in values)
    except (ArithmeticError, ValueError) as error:
        text = " ".join(values)
        raise InputError(f"coefficients {text!r}: must be three numbers, such as 1.2 1.1 1.15") from error
    return Coefficients(alpha, beta, gamma)


def describe_member(member: Member) -> str:
    """Return a line such as `b1: depth 1.2, width 1.1, 240 px`."""
    multipliers = member.baseline.origin.multipliers if member.baseline.origin else Multipliers()
    name, px = member.baseline.name, member.baseline.architecture.resolution
    return f"{name}: depth {format_decimal(multipliers.depth)}, width {format_decimal(multipliers.width)}, {px} px"
