"""The output of `family efficientnet_v2_s --published`: V2-M and V2-L, and a scaling rule at their cost."""

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
"""EfficientNet's coefficients: the V2 paper says that it scales "similar", and names none."""


def print_comparison(baseline: Baseline, scaling: choices.ScalingRule, rounding: str, json: bool) -> None:
    """Print each larger network's layers × channels by stage: by the rule, as published, and the difference."""
    from scalesearch.cli.facts import BesideFacts, CoefficientFacts, FamilyFacts
    from scalesearch.cli.json_output import print_json
    from scalesearch.design.family import coefficients_from
    from scalesearch.design.v2_rule import compare_to_published

    coefficients = coefficients_from(COEFFICIENTS)
    comparisons = compare_to_published(baseline, coefficients, scaling, rounding)
    if not json:
        for comparison in comparisons:
            options.console().print(_comparison_table(baseline, comparison, scaling))
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
                phi=float(comparison.phi),
                by_rule=_network_facts(f"{baseline.name}, rule {scaling}", comparison.by_rule),
                published=_network_facts(comparison.published.name, comparison.published.architecture),
            )
            for comparison in comparisons
        ),
        files=(),
    )
    print_json(facts)


def _network_facts(name: str, architecture: Architecture) -> NetworkFacts:
    from scalesearch.cli.facts import NetworkFacts
    from scalesearch.design.cost import cost

    network_cost = cost(architecture)
    return NetworkFacts(
        name,
        architecture.resolution,
        network_cost.macs,
        network_cost.params,
        architecture.depths,
        architecture.widths,
    )


def _comparison_table(baseline: Baseline, comparison: PublishedComparison, scaling: str) -> Table:
    from rich.table import Table

    from scalesearch.design.cost import cost
    from scalesearch.units import si

    architectures = (baseline.architecture, comparison.by_rule, comparison.published.architecture)
    title = f"{comparison.published.name} and rule {scaling} at φ = {comparison.phi}: layers × channels"
    table = Table(title=title, title_justify="left")
    for name in ("", baseline.name, f"rule {scaling}", "published", "difference"):
        table.add_column(name, justify="right" if name else "left")
    for number, stages in enumerate(zip_longest(*(architecture.stages for architecture in architectures)), 1):
        table.add_row(f"stage {number}", *map(_format_stage, stages), _format_difference(*stages[1:]))
    for name, values in (
        ("px", [architecture.resolution for architecture in architectures]),
        ("MACs", [cost(architecture).macs for architecture in architectures]),
        ("parameters", [cost(architecture).params for architecture in architectures]),
        ("layers", [_num_layers(architecture) for architecture in architectures]),
    ):
        cells = [si(value) if value > 9999 else str(value) for value in values]
        table.add_row(name, *cells, f"{values[1] / values[2] - 1:+.0%}")
    return table


def _num_layers(architecture: Architecture) -> int:
    return sum(architecture.depths)


def _format_stage(stage: Stage | None) -> str:
    return "" if stage is None else f"{stage.depth} × {stage.width}"


def _format_difference(by_rule: Stage | None, published: Stage | None) -> str:
    """Return the rule's layers × channels minus the published ones."""
    pairs = [(stage.depth, stage.width) if stage else (0, 0) for stage in (by_rule, published)]
    (depth, width), (other_depth, other_width) = pairs
    return f"{depth - other_depth:+d} × {width - other_width:+d}"
