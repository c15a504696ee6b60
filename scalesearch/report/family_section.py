"""The family of a search as a section of its report."""

from __future__ import annotations

from scalesearch.design.coefficients import Multipliers
from scalesearch.design.cost import cost
from scalesearch.design.exact import plain
from scalesearch.design.family import Member
from scalesearch.report import figures
from scalesearch.report.article import Section, Table
from scalesearch.study.family_files import family_members
from scalesearch.study.result import StudyResult
from scalesearch.units import si

_FIVE_PER_CENT = " (more than 5 % off)"


def family_section(result: StudyResult) -> Section | None:
    """The members that the coefficients give; None for a comparison of rules, or a function."""
    members = family_members(result.plan, result.winner.coefficients)
    if not members:
        return None
    columns = ("member", "depth", "width", "px", "nominal", "measured", "multiply-adds", "parameters")
    caption = "Each is a baseline file in family/; its px are those at which its measured cost is nearest to 2^φ."
    table = Table(caption, columns, tuple(map(_member, members)), frozenset(("member",)))
    drawing = figures.family(result)
    return Section("The family", (*([drawing] if drawing else []), table))


def _member(member: Member) -> tuple[str, ...]:
    network, own = member.baseline.architecture, member.baseline.origin
    by, price = own.multipliers if own and member.phi else Multipliers(), cost(network)
    return (
        member.baseline.name,
        plain(round(by.depth, 3)),
        plain(round(by.width, 3)),
        str(network.resolution),
        f"{member.nominal_flops_ratio:.2f}x",
        f"{member.flops_ratio:.2f}x{'' if member.matched else _FIVE_PER_CENT}",
        si(price.macs),
        si(price.params),
    )
