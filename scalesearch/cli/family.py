"""`scalesearch family`: B1–B7 without a search."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scalesearch import choices
from scalesearch.cli import options
from scalesearch.errors import InputError

if TYPE_CHECKING:
    from rich.table import Table

    from scalesearch.design.family import Member
    from scalesearch.design.scaling import Baseline


def family(
    network: Annotated[str, typer.Argument(metavar="NAME|FILE", help="A shipped baseline or a baseline file.")],
    coefficients: Annotated[
        tuple[str, str, str] | None, typer.Option(metavar="α β γ", help="Scale by these at φ = 1 … 7.")
    ] = None,
    published: Annotated[bool, typer.Option("--published", help="The members as published.")] = False,
    rounding: options.Rounding = None,
    match: Annotated[
        choices.Match, typer.Option(help="flops: set each member's px so that it costs 2^φ; none: γ^φ.")
    ] = "flops",
    rule: options.Rule = "v1",
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Write one baseline file a member here.")] = None,
) -> None:
    """Scale a baseline to φ = 1 … 7 by given coefficients, or as published.

    Example: scalesearch family b0 --coefficients 1.2 1.1 1.15
    """
    from scalesearch.design.family import coefficients_from
    from scalesearch.design.family import family as grow
    from scalesearch.design.family import published as as_published
    from scalesearch.design.networks import load_network
    from scalesearch.design.v2_rule import has_beside
    from scalesearch.study.family_files import write_family

    if published == (coefficients is not None):
        raise InputError("family: give either --coefficients α β γ or --published")
    baseline = load_network(network)
    if published and has_beside(baseline):
        _print_beside(baseline, rule, rounding, out)
        return
    if coefficients is None:
        if rounding is not None or rule != "v1":
            raise InputError(
                "--rounding, --rule: the published members are as their publication has them; leave them out"
            )
        members = as_published(baseline)
    else:
        chosen = coefficients_from(coefficients)
        members = grow(baseline, chosen, rounding or "balanced", match == "flops", scaling=rule)
    options.console().print(members_table(members))
    if out is not None:
        from scalesearch.nets.flops import fvcore_receipt

        for member in members:  # what leaves is counted twice
            fvcore_receipt(member.baseline.architecture)
        write_family(out, members)
        print(f"{len(members)} baseline files in {out}")


def _print_beside(baseline: Baseline, scaling: str, rounding: str | None, out: Path | None) -> None:
    from scalesearch.cli.beside import print_beside

    if out is not None:
        names = "efficientnet_v2_m, efficientnet_v2_l"
        raise InputError(f"--out: {baseline.name}'s larger networks are shipped as they are: {names}; leave it out")
    print_beside(baseline, scaling, rounding or baseline.rounding.rule)


def members_table(members: Sequence[Member]) -> Table:
    """The family as a table: multipliers, cost, nominal and measured ratio side by side."""
    from scalesearch.cli.narrow import narrow_table
    from scalesearch.design.coefficients import Multipliers
    from scalesearch.design.cost import cost
    from scalesearch.design.exact import plain
    from scalesearch.units import si

    table = narrow_table(
        f"{members[0].baseline.name} and its family",
        "member<|depth|width|px|px/base|implied γ|nominal|measured|MACs|params",
    )
    for member in members:
        origin, net = member.baseline.origin, member.baseline.architecture
        by = origin.multipliers if origin and member.phi != 0 else Multipliers()
        price = cost(net)
        table.add_row(
            member.baseline.name,
            plain(round(by.depth, 3)),
            plain(round(by.width, 3)),
            str(net.resolution),
            f"{member.resolution_multiplier:.3f}",
            "" if member.implied_gamma is None else f"{member.implied_gamma:.4f}",
            f"{member.nominal_flops_ratio:.2f}x",
            f"{member.flops_ratio:.2f}x" + ("" if member.matched else " !"),
            si(price.macs),
            si(price.params),
        )
    if not all(member.matched for member in members):
        table.caption = "!  measured cost more than 5 % from 2^φ (published: from the nominal ratio)"
    return table
