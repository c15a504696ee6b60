"""The section of a report on the family of scaled networks."""

from __future__ import annotations

from scalesearch.design.coefficients import Multipliers
from scalesearch.design.cost import cost
from scalesearch.design.decimals import format_decimal
from scalesearch.design.member import Member
from scalesearch.report import figures
from scalesearch.report.document import Section, Table
from scalesearch.study.family_files import family_members
from scalesearch.study.result import StudyResult
from scalesearch.units import si

_UNMATCHED = " (more than 5 % off)"


def family_section(result: StudyResult) -> Section | None:
    """Return the members that the coefficients give, or None where a study gives no family of baseline files."""
    members = family_members(result.plan, result.winner.coefficients)
    if not members:
        return None
    columns = ("member", "depth", "width", "px", "nominal", "measured", "multiply-adds", "parameters")
    caption = "Each is a baseline file in family/; its px are those at which its measured cost is nearest to 2^φ."
    table = Table(caption, columns, tuple(map(_member_cells, members)), frozenset(("member",)))
    drawing = figures.family(result)
    return Section("The family", (*([drawing] if drawing else []), table))


def _member_cells(member: Member) -> tuple[str, ...]:
    network, origin = member.baseline.architecture, member.baseline.origin
    multipliers, member_cost = origin.multipliers if origin and member.phi else Multipliers(), cost(network)
    return (
        member.baseline.name,
        format_decimal(round(multipliers.depth, 3)),
        format_decimal(round(multipliers.width, 3)),
        str(network.resolution),
        f"{member.nominal_flops_ratio:.2f}x",
        f"{member.flops_ratio:.2f}x{'' if member.matched else _UNMATCHED}",
        si(member_cost.macs),
        si(member_cost.params),
    )
