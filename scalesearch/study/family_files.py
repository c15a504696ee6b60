"""The files of a family: baselines, or for a user's own function the calls that give its networks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from scalesearch.design.baseline_file import baseline_text
from scalesearch.design.coefficients import Coefficients
from scalesearch.design.cost import cost
from scalesearch.design.exact import plain
from scalesearch.design.family import Member, family, phis_of, smaller_members
from scalesearch.search.factory_grid import FactoryBaseline, literal_px
from scalesearch.search.plan import Plan
from scalesearch.study.files import make_folder, replace_atomically


def found_family(plan: Plan, coefficients: Coefficients) -> tuple[Member, ...]:
    """The members that the coefficients give, by the rounding and matching of the search.

    Those of a search at φ < 0 are smaller than the baseline. Latency of the members is not measured: there each
    member's px is γ^φ.

    None for a user's own function, for a comparison of rules, and for stages: a grid finds what scales them.
    """
    config = plan.config
    if isinstance(config.baseline, FactoryBaseline) or not config.kind.has_family:
        return ()
    timed = config.cost == "latency"
    matched = config.match == "flops" and not timed
    by = "macs" if timed else config.cost
    phis = smaller_members(config.baseline) if config.shrinks else None
    return family(config.baseline, coefficients, config.rounding, matched, by, phis=phis)


def write_family(folder: Path, members: Sequence[Member]) -> tuple[Path, ...]:
    """Write one baseline file a member, and return their paths."""
    if members:
        make_folder(folder)
    paths = tuple(folder / f"{member.baseline.name}.yaml" for member in members)
    for path, one in zip(paths, members, strict=True):
        replace_atomically(path, member_text(one))
    return paths


def family_texts(plan: Plan, coefficients: Coefficients) -> dict[str, str]:
    """The files of the family by name: baselines, or for a user's own function the calls that give them."""
    baseline = plan.config.baseline
    if not plan.config.kind.has_family:
        return {}
    if not isinstance(baseline, FactoryBaseline):
        by = plan.config.cost
        return {one.baseline.name: member_text(one, by) for one in found_family(plan, coefficients)}
    return {f"phi{phi}": _call_text(baseline, coefficients, phi) for phi in phis_of(coefficients)}


def _call_text(baseline: FactoryBaseline, coefficients: Coefficients, phi: int) -> str:
    by, base = coefficients.at(phi).rounded(), baseline.architecture
    return (
        "# px follows from γ; what it really costs stands in costs.csv\n"
        f"factory: {base.factory}\n"
        f"depth: {plain(by.depth)}\n"
        f"width: {plain(by.width)}\n"
        f"resolution: {literal_px(base.resolution, by.resolution)}\n"
        f"nominal_flops_ratio: {plain(round(by.nominal_flops_ratio, 5))}\n"
    )


def _gamma(member: Member) -> str:
    return "" if member.implied_gamma is None else f", γ {member.implied_gamma}"


def member_text(member: Member, by: str = "macs") -> str:
    """A member as a baseline file, with its cost in a comment on top.

    Args:
        member: what is written.
        by: the cost that its search matched.
    """
    price = cost(member.baseline.architecture)
    off = "" if member.matched or by == "latency" else "  (more than 5 % off)"
    other = {
        "macs": "",
        "activations": f"; activations ratio {member.activations_ratio}",
        "latency": "; px is γ^φ, its latency was not measured",
    }[by]
    head = (
        f"# {member.baseline.name}: nominal FLOPs ratio {member.nominal_flops_ratio}, "
        f"measured {member.flops_ratio}{other}{off}; resolution × {member.resolution_multiplier}{_gamma(member)}\n"
        f"# {price.macs} multiply-adds, {price.params} parameters, {price.activations} activations\n"
    )
    return head + baseline_text(member.baseline)
