"""`family efficientnet_v2_s --published`: V2-M and V2-L, and what a rule of scaling gives at their cost."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING

from scalesearch import choices
from scalesearch.cli import options

if TYPE_CHECKING:
    from rich.table import Table

    from scalesearch.cli.facts import NetworkFacts
    from scalesearch.design.architecture import Architecture, Stage
    from scalesearch.design.scaling import Baseline
    from scalesearch.design.v2_rule import PublishedComparison

COEFFICIENTS = ("1.2", "1.1", "1.15")
"""EfficientNet's; V2's paper scales "similar" and names none."""


def print_comparison(baseline: Baseline, scaling: choices.ScalingRule, rounding: str, json: bool) -> None:
    """For each larger network layers × channels of every stage: by the rule, as published, and the difference."""
    from scalesearch.cli.facts import BesideFacts, CoefficientFacts, FamilyFacts
    from scalesearch.cli.json_output import print_json
    from scalesearch.design.family import coefficients_from
    from scalesearch.design.v2_rule import compare_to_published

    coefficients = coefficients_from(COEFFICIENTS)
    found = compare_to_published(baseline, coefficients, scaling, rounding)
    if not json:
        for one in found:
            options.console().print(_table(baseline, one, scaling))
        return
    facts = FamilyFacts(
        baseline=baseline.name,
        coefficients=CoefficientFacts.of(coefficients),
        rounding=rounding,
        match="flops",
        rule=scaling,
        members=(),
        beside=tuple(
            BesideFacts(
                phi=float(one.phi),
                by_rule=_network_facts(f"{baseline.name}, rule {scaling}", one.by_rule),
                published=_network_facts(one.published.name, one.published.architecture),
            )
            for one in found
        ),
        files=(),
    )
    print_json(facts)


def _network_facts(name: str, net: Architecture) -> NetworkFacts:
    from scalesearch.cli.facts import NetworkFacts
    from scalesearch.design.cost import cost

    price = cost(net)
    return NetworkFacts(name, net.resolution, price.macs, price.params, net.depths, net.widths)


def _table(baseline: Baseline, one: PublishedComparison, scaling: str) -> Table:
    from rich.table import Table

    from scalesearch.design.cost import cost
    from scalesearch.units import si

    nets = (baseline.architecture, one.by_rule, one.published.architecture)
    title = f"{one.published.name} and rule {scaling} at φ = {one.phi}: layers × channels"
    table = Table(title=title, title_justify="left")
    for name in ("", baseline.name, f"rule {scaling}", "published", "difference"):
        table.add_column(name, justify="right" if name else "left")
    for number, stages in enumerate(zip_longest(*(net.stages for net in nets)), 1):
        table.add_row(f"stage {number}", *map(_words, stages), _difference(*stages[1:]))
    for name, values in (
        ("px", [net.resolution for net in nets]),
        ("MACs", [cost(net).macs for net in nets]),
        ("parameters", [cost(net).params for net in nets]),
        ("layers", [_layers(net) for net in nets]),
    ):
        shown = [si(value) if value > 9999 else str(value) for value in values]
        table.add_row(name, *shown, f"{values[1] / values[2] - 1:+.0%}")
    return table


def _layers(net: Architecture) -> int:
    return sum(net.depths)


def _words(stage: Stage | None) -> str:
    return "" if stage is None else f"{stage.depth} × {stage.width}"


def _difference(ours: Stage | None, published: Stage | None) -> str:
    """The rule's stage less the published one."""
    pairs = [(one.depth, one.width) if one else (0, 0) for one in (ours, published)]
    (depth, width), (other_depth, other_width) = pairs
    return f"{depth - other_depth:+d} × {width - other_width:+d}"
