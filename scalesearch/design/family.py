"""Build families: a baseline and its scaled members, from coefficients or as published."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from scalesearch.design.coefficients import LARGEST_MULTIPLIER, Coefficients, Multipliers
from scalesearch.design.decimals import format_decimal, whole_or_fraction
from scalesearch.design.matching import before_match, match_resolutions
from scalesearch.design.member import Member
from scalesearch.design.scaling import Baseline, px_multiplier, scaled
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


def phis_of(coefficients: Coefficients, shrinks: bool = False) -> tuple[int, ...]:
    """Return the φ of the usual members: 1 … 7, as far as no multiplier exceeds `LARGEST_MULTIPLIER`, or -1 … -4.

    With α = 2 (depth alone) they end at φ = 6, since 2⁷ times as many layers are too many to train.

    Args:
        coefficients: the coefficients of the family.
        shrinks: whether the members are smaller than the baseline.
    """
    if shrinks:
        return PHIS_DOWN
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
    base = baseline.architecture
    members = [Member(base, 0, Multipliers(), baseline)]
    if phis is None:
        phis = {member_name(baseline.name, Decimal(phi)): Decimal(phi) for phi in phis_of(coefficients)}
    for name, phi in phis.items():
        try:
            multipliers = coefficients.at(phi)
            network = scaled(base, before_match(multipliers) if match else multipliers, rounding)
        except SpaceError as error:
            raise InputError(f"{name} (φ = {format_decimal(phi)} of {coefficients}): {error}") from error
        if scaling == "v2":
            network = with_late_layers(base, network)
        if match:
            shape = (network.widths, network.depths)
            (network,) = match_resolutions(base, [shape], Decimal(2) ** phi, cost_kind=cost_kind)
        if scaling == "v2":
            network = cap_resolution(base, network)
        scaled_baseline = baseline.member(network, multipliers, rounding, name)
        member_phi = whole_or_fraction(phi)
        members.append(Member(base, member_phi, multipliers.rounded(), scaled_baseline, cost_kind=cost_kind))
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
    base = baseline.architecture
    members = [Member(base, 0, Multipliers(), baseline)]
    for name, width, depth, px in _PUBLISHED[baseline.name]:
        multipliers = Multipliers(Decimal(depth), Decimal(width), px_multiplier(px, base.side))
        members.append(Member(base, None, multipliers, baseline.scale(multipliers, name=name)))
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
