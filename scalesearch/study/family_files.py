"""The files of a family: baseline files, or for a user's own function the calls that build its networks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from scalesearch.design.baseline_file import baseline_text
from scalesearch.design.coefficients import Coefficients
from scalesearch.design.cost import cost
from scalesearch.design.factory_call import FactoryCall, call_text
from scalesearch.design.family import family, phis_of, smaller_members
from scalesearch.design.member import Member
from scalesearch.search.factory_grid import FactoryBaseline
from scalesearch.search.plan import Plan
from scalesearch.study.files import make_folder, replace_atomically


def family_members(plan: Plan, coefficients: Coefficients) -> tuple[Member, ...]:
    """Return the members that the coefficients give, with the rounding and matching of the search.

    For a search at φ < 0 they are smaller than the baseline. The latency of members is not measured: in a search by
    latency the px of each member is γ^φ times the baseline's.

    There are none for a user's own function, for a comparison of rules, and for a search of stages, whose winner
    `grid` scales.
    """
    config = plan.config
    if isinstance(config.baseline, FactoryBaseline) or not config.kind.has_family:
        return ()
    is_latency = config.cost == "latency"
    matched = config.match == "flops" and not is_latency
    cost_kind = "macs" if is_latency else config.cost
    phis = smaller_members(config.baseline) if config.shrinks else None
    return family(config.baseline, coefficients, config.rounding, matched, cost_kind, phis=phis)


def write_family(folder: Path, members: Sequence[Member]) -> tuple[Path, ...]:
    """Write one baseline file per member, and return their paths."""
    if members:
        make_folder(folder)
    paths = tuple(folder / f"{member.baseline.name}.yaml" for member in members)
    for path, member in zip(paths, members, strict=True):
        replace_atomically(path, member_text(member))
    return paths


def family_texts(plan: Plan, coefficients: Coefficients) -> dict[str, str]:
    """Return the files of the family by name: baseline files, or the calls of a user's own function."""
    baseline = plan.config.baseline
    if not plan.config.kind.has_family:
        return {}
    if not isinstance(baseline, FactoryBaseline):
        cost_kind = plan.config.cost
        return {
            member.baseline.name: member_text(member, cost_kind) for member in family_members(plan, coefficients)
        }
    phis = phis_of(coefficients, plan.config.shrinks)
    return {f"phi{phi}": _call_text(baseline, coefficients, phi) for phi in phis}


def _call_text(baseline: FactoryBaseline, coefficients: Coefficients, phi: int) -> str:
    multipliers, network = coefficients.at(phi).rounded(), baseline.architecture
    side = baseline.literal_px(multipliers.resolution)
    call = FactoryCall(network.factory, multipliers.depth, multipliers.width, side)
    header = "# px follows from γ; what it really costs stands in costs.csv\n"
    return header + call_text(call, round(multipliers.nominal_flops_ratio, 5))


def _gamma(member: Member) -> str:
    return "" if member.implied_gamma is None else f", γ {member.implied_gamma}"


def member_text(member: Member, cost_kind: str = "macs") -> str:
    """Return a member as a baseline file, with its cost in a comment at the top.

    Args:
        member: the member to write.
        cost_kind: the cost that the search matched.
    """
    costs = cost(member.baseline.architecture)
    off = "" if member.matched or cost_kind == "latency" else "  (more than 5 % off)"
    note = {
        "macs": "",
        "activations": f"; activations ratio {member.activations_ratio}",
        "latency": "; px is γ^φ, its latency was not measured",
    }[cost_kind]
    header = (
        f"# {member.baseline.name}: nominal FLOPs ratio {member.nominal_flops_ratio}, "
        f"measured {member.flops_ratio}{note}{off}; resolution × {member.resolution_multiplier}{_gamma(member)}\n"
        f"# {costs.macs} multiply-adds, {costs.params} parameters, {costs.activations} activations\n"
    )
    return header + baseline_text(member.baseline)
