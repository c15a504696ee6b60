"""The `scalesearch family` command: members of a family, such as B1–B7, without a search."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scalesearch import choices
from scalesearch.cli import options
from scalesearch.errors import InputError, printable

if TYPE_CHECKING:
    from decimal import Decimal

    from rich.table import Table

    from scalesearch.cli.facts import FamilyFacts, MemberFacts
    from scalesearch.design.coefficients import Coefficients
    from scalesearch.design.member import FamilyMember, Member
    from scalesearch.design.scaling import Baseline
    from scalesearch.nets.factory_definition import FactoryDefinition

FUNCTION_ROUNDING = "function"
"""What `--json` prints as the rounding rule of a function's networks: the function rounds by itself."""


def family(
    network: Annotated[
        str,
        typer.Argument(
            metavar="NAME|FILE|timm:NAME|MODULE:FUNCTION",
            help="A shipped baseline, a baseline file or a Python function.",
        ),
    ],
    coefficients: Annotated[
        tuple[str, str, str] | None, typer.Option(metavar="α β γ", help="Coefficients of the members at φ = 1 … 7.")
    ] = None,
    phi: Annotated[
        list[str] | None,
        typer.Option(metavar="φ", help="φ of a member, such as -1 or 0.5, in place of 1 … 7; may be repeated."),
    ] = None,
    times: Annotated[
        list[str] | None,
        typer.Option(metavar="0.25", help="Cost of a member over the baseline's, in place of φ; may be repeated."),
    ] = None,
    published: Annotated[
        bool,
        typer.Option(
            "--published",
            help="Show the published members; with --coefficients beside what these give at equal cost.",
        ),
    ] = False,
    rounding: options.Rounding = None,
    match: Annotated[
        choices.Match, typer.Option(help="flops: the resolution at which a member costs 2^φ; none: γ^φ.")
    ] = "flops",
    rule: options.Rule = "v1",
    resolution: options.Resolution = None,
    resolution_multiple: options.ResolutionMultiple = None,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Folder for one file per member.")] = None,
    json: options.Json = False,
) -> None:
    """Scale a baseline to φ = 1 … 7 by given coefficients, up or down to other φ, or as published.

    RegNets, ConvNeXts, MobileNetV4s and V2-S have no published multipliers: the published networks stand beside
    what 1.2 1.1 1.15 give.

    Example: scalesearch family b0 --coefficients 1.2 1.1 1.15 --phi -1 --phi 1
    """
    from scalesearch.cli.definition import load_definition, with_size
    from scalesearch.cli.json_output import reserve_stdout
    from scalesearch.design.family import has_published
    from scalesearch.design.scaling import Baseline

    if not published and coefficients is None:
        raise InputError("family: give --coefficients α β γ, --published or both")
    sizes = _Sizes(coefficients, phi or [], times or [], match, resolution_multiple)
    size = options.parse_resolution(resolution)
    if published:
        if size is not None:
            raise InputError("--resolution: the published members are as they are; leave it out")
        _check_published(sizes)
    with reserve_stdout(json):
        baseline = with_size(load_definition(network), size)
    if not isinstance(baseline, Baseline):
        if published or rounding is not None or rule != "v1":
            raise InputError(
                f"{network}: is of a Python function; --published, --rounding and --rule are for networks of stages"
            )
        _show_function_family(baseline, sizes, out, json)
    elif published and (coefficients is not None or not has_published(baseline)):
        _print_published_comparison(baseline, sizes.coefficients, rule, rounding, out, json)
    else:
        _show_stage_family(baseline, sizes, rounding, rule, out, json)


@dataclass(frozen=True, slots=True)
class _Sizes:
    """The options that say how large the members are; without coefficients they are as published."""

    values: tuple[str, str, str] | None
    phi: Sequence[str]
    times: Sequence[str]
    match: choices.Match
    resolution_multiple: int | None

    @property
    def coefficients(self) -> Coefficients | None:
        from scalesearch.design.family import coefficients_from

        return None if self.values is None else coefficients_from(self.values)

    def phis(self, baseline_name: str) -> dict[str, Decimal] | None:
        """Return the φ of each member by its name; None: the default φ."""
        return _parse_phis(baseline_name, self.phi, self.times)


def _check_published(sizes: _Sizes) -> None:
    """Refuse options of size for the published members, which are as they are.

    Raises:
        InputError: one is given.
    """
    if sizes.phi or sizes.times:
        raise InputError("--phi, --times: the published members are as they are; leave them out")
    if sizes.match != "flops":
        raise InputError("--match: published members are as they are, and compared at equal cost; leave it out")
    if sizes.resolution_multiple:
        raise InputError("--resolution-multiple: the published members are as they are; leave it out")


def _show_stage_family(
    baseline: Baseline,
    sizes: _Sizes,
    rounding: choices.Rounding | None,
    rule: choices.ScalingRule,
    out: Path | None,
    json: bool,
) -> None:
    """Print the family of a network of stages, and write its members' files."""
    from scalesearch.cli.definition import with_multiple
    from scalesearch.design.family import family as scale_family

    coefficients = sizes.coefficients
    if coefficients is None:
        members = _published_members(baseline, rounding, rule)
    else:
        is_matched, phis = sizes.match == "flops", sizes.phis(baseline.name)
        base = with_multiple(baseline, sizes.resolution_multiple)
        members = scale_family(base, coefficients, rounding or "balanced", is_matched, scaling=rule, phis=phis)
    if not json:
        options.console().print(members_table(members))
    paths = () if out is None else _write_members(out, members, json)
    if json:
        from scalesearch.cli.json_output import print_json

        rounding_rule = members[-1].baseline.rounding.rule
        print_json(_family_facts(baseline.name, coefficients, members, rounding_rule, sizes.match, rule, paths))


def _show_function_family(base: FactoryDefinition, sizes: _Sizes, out: Path | None, json: bool) -> None:
    """Print the family of a function's network, and write its members' calls."""
    from scalesearch.cli.factory_family import factory_members, write_factory_members
    from scalesearch.cli.json_output import print_json, reserve_stdout

    coefficients, phis = sizes.coefficients, sizes.phis(base.name)
    assert coefficients is not None, "a function has no published members"
    with reserve_stdout(json):
        members = factory_members(base, coefficients, phis, sizes.match, sizes.resolution_multiple or 1)
        if not json:
            options.console().print(members_table(members))
        paths = () if out is None else write_factory_members(out, members)
        if paths:
            print(f"{len(members)} files with calls of {base.architecture.factory} in {out}")
    if json:
        print_json(_family_facts(base.name, coefficients, members, FUNCTION_ROUNDING, sizes.match, "v1", paths))


def _published_members(
    baseline: Baseline, rounding: choices.Rounding | None, rule: choices.ScalingRule
) -> tuple[Member, ...]:
    """Return the members as published.

    Raises:
        InputError: an option would change them.
    """
    from scalesearch.design.family import published

    if rounding is not None or rule != "v1":
        raise InputError(
            "--rounding, --rule: the published members are as their publication has them; leave them out"
        )
    return published(baseline)


def _family_facts(
    baseline: str,
    coefficients: Coefficients | None,
    members: Sequence[FamilyMember],
    rounding: str,
    match: choices.Match,
    rule: choices.ScalingRule,
    paths: Sequence[Path],
) -> FamilyFacts:
    """Return what `--json` prints; published members have no coefficients, match and rule."""
    from scalesearch.cli.facts import CoefficientFacts, FamilyFacts

    return FamilyFacts(
        baseline=baseline,
        coefficients=None if coefficients is None else CoefficientFacts.of(coefficients),
        rounding=rounding,
        match=None if coefficients is None else match,
        rule=None if coefficients is None else rule,
        members=tuple(map(_member_facts, members)),
        beside=(),
        files=tuple(printable(str(path)) for path in paths),
    )


def _parse_phis(baseline_name: str, phis: Sequence[str], times: Sequence[str]) -> dict[str, Decimal] | None:
    """Return the φ of each member by its name, ascending; None: the default φ.

    Raises:
        InputError: a value is not a number, is out of range, is the baseline's own, or is given twice.
    """
    from scalesearch.design.coefficients import phi_of
    from scalesearch.design.decimals import format_decimal
    from scalesearch.design.family import member_name

    if phis and times:
        raise InputError("--phi, --times: both say how large the members are; give one of them")
    if not phis and not times:
        return None
    phi_by_name: dict[str, Decimal] = {}
    for value in phis:
        phi = options.parse_phi(value, "--phi")
        _add_phi(phi_by_name, member_name(baseline_name, phi), phi, f"--phi {value}")
    for value in times:
        ratio = options.parse_times(value, "--times")
        suffix = f"-{format_decimal(ratio)}x"
        _add_phi(phi_by_name, f"{baseline_name[: 64 - len(suffix)]}{suffix}", phi_of(ratio), f"--times {value}")
    return dict(sorted(phi_by_name.items(), key=lambda item: item[1]))


def _add_phi(phi_by_name: dict[str, Decimal], name: str, phi: Decimal, option: str) -> None:
    if phi in phi_by_name.values():
        raise InputError(f"{option}: is given twice; give each member once")
    phi_by_name[name] = phi


def _write_members(out: Path, members: Sequence[Member], json: bool) -> tuple[Path, ...]:
    from scalesearch.cli.json_output import reserve_stdout
    from scalesearch.nets.flops import fvcore_breakdown
    from scalesearch.study.family_files import write_family

    with reserve_stdout(json):
        for member in members:  # fvcore counts every exported network too
            fvcore_breakdown(member.baseline.architecture)
        paths = write_family(out, members)
        print(f"{len(members)} baseline files in {out}")
    return paths


def _member_facts(member: FamilyMember) -> MemberFacts:
    from scalesearch.cli.facts import MemberFacts
    from scalesearch.design.architecture import Architecture
    from scalesearch.design.cost import cost
    from scalesearch.design.images import plain_size

    multipliers, network = member.multipliers, member.architecture
    member_cost, gamma = cost(network), member.implied_gamma
    return MemberFacts(
        name=member.name,
        phi=None if member.phi is None else float(member.phi),
        depth=float(multipliers.depth),
        width=float(multipliers.width),
        px=plain_size(network.resolution),
        resolution_multiplier=float(member.resolution_multiplier),
        implied_gamma=None if gamma is None else float(gamma),
        nominal_flops_ratio=float(member.nominal_flops_ratio),
        flops_ratio=float(member.flops_ratio),
        matched=member.matched,
        macs=member_cost.macs,
        params=member_cost.params,
        activations=member_cost.activations,
        depths=network.depths if isinstance(network, Architecture) else (),
        widths=network.widths if isinstance(network, Architecture) else (),
    )


def _print_published_comparison(
    baseline: Baseline,
    coefficients: Coefficients | None,
    scaling: choices.ScalingRule,
    rounding: str | None,
    out: Path | None,
    json: bool,
) -> None:
    from scalesearch.cli.published_comparison import print_comparison

    if out is not None:
        raise InputError(
            "--out: networks are not written where they are compared with published ones; leave it out"
        )
    print_comparison(baseline, coefficients, scaling, rounding or baseline.rounding.rule, json)


def members_table(members: Sequence[FamilyMember]) -> Table:
    """Return the family as a table: multipliers, cost, nominal and measured ratio side by side."""
    from scalesearch.cli.console_table import narrow_table
    from scalesearch.design.cost import cost
    from scalesearch.design.decimals import format_decimal
    from scalesearch.units import si

    table = narrow_table(
        f"{members[0].name} and its family",
        "member<|depth|width|px|px/base|implied γ|nominal|measured|MACs|params",
    )
    for member in members:
        multipliers, architecture = member.multipliers, member.architecture
        member_cost = cost(architecture)
        table.add_row(
            member.name,
            format_decimal(round(multipliers.depth, 3)),
            format_decimal(round(multipliers.width, 3)),
            str(architecture.resolution),
            f"{member.resolution_multiplier:.3f}",
            "" if member.implied_gamma is None else f"{member.implied_gamma:.4f}",
            f"{member.nominal_flops_ratio:.2f}x",
            f"{member.flops_ratio:.2f}x" + ("" if member.matched else " !"),
            si(member_cost.macs),
            si(member_cost.params),
        )
    if not all(member.matched for member in members):
        table.caption = "!  measured cost more than 5 % from 2^φ (published: from the nominal ratio)"
    return table
