"""The output of `family regnety_400mf --published`: larger networks, and a scaling rule at their cost."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING

from scalesearch import choices
from scalesearch.cli import options

if TYPE_CHECKING:
    from rich.table import Table

    from scalesearch.cli.facts import NetworkFacts
    from scalesearch.design.architecture import Architecture, Stage
    from scalesearch.design.coefficients import Coefficients
    from scalesearch.design.published_comparison import PublishedComparison
    from scalesearch.design.scaling import Baseline

COEFFICIENTS = ("1.2", "1.1", "1.15")
"""EfficientNet's coefficients, where none are given: the V2 paper says that it scales "similar", and names none."""


def print_comparison(
    baseline: Baseline, coefficients: Coefficients | None, scaling: choices.ScalingRule, rounding: str, json: bool
) -> None:
    """Print each larger network's layers × channels by stage: by the rule, as published, and the difference."""
    from scalesearch.cli.facts import BesideFacts, CoefficientFacts, FamilyFacts
    from scalesearch.cli.json_output import print_json
    from scalesearch.design.family import coefficients_from
    from scalesearch.design.published_comparison import compare_to_published

    coefficients = coefficients or coefficients_from(COEFFICIENTS)
    comparisons = compare_to_published(baseline, coefficients, scaling, rounding)
    if not json:
        for comparison in comparisons:
            options.console().print(_comparison_table(baseline, comparison, scaling))
        options.console(108).print(_summary_table(comparisons, scaling))
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
        architecture.side,
        network_cost.macs,
        network_cost.params,
        network_cost.activations,
        architecture.depths,
        architecture.widths,
    )


def _comparison_table(baseline: Baseline, comparison: PublishedComparison, scaling: str) -> Table:
    from rich.table import Table

    from scalesearch.design.cost import cost

    architectures = (baseline.architecture, comparison.by_rule, comparison.published.architecture)
    title = f"{comparison.published.name} and rule {scaling} at φ = {comparison.phi}: layers × channels"
    table = Table(title=title, title_justify="left")
    for name in ("", baseline.name, f"rule {scaling}", "published", "difference"):
        table.add_column(name, justify="right" if name else "left")
    for number, stages in enumerate(zip_longest(*(architecture.stages for architecture in architectures)), 1):
        table.add_row(f"stage {number}", *map(_format_stage, stages), _format_difference(*stages[1:]))
    for name, values in (
        ("px", [architecture.side for architecture in architectures]),
        ("MACs", [cost(architecture).macs for architecture in architectures]),
        ("parameters", [cost(architecture).params for architecture in architectures]),
        ("activations", [cost(architecture).activations for architecture in architectures]),
        ("layers", [_num_layers(architecture) for architecture in architectures]),
    ):
        table.add_row(name, *map(_format_amount, values), f"{values[1] / values[2] - 1:+.0%}")
    return table


def _summary_table(comparisons: Sequence[PublishedComparison], scaling: str) -> Table:
    from scalesearch.cli.console_table import narrow_table

    columns = "network<|φ|MACs|rule|px|rule|layers|rule|params|rule|Δ|activations|rule|Δ"
    table = narrow_table(
        f"Published networks; what rule {scaling} gives at their MACs; Δ: the rule's over the published", columns
    )
    for comparison in comparisons:
        table.add_row(*summary_cells(comparison))
    return table


def summary_cells(comparison: PublishedComparison) -> list[str]:
    """Return name and φ; then multiply-adds, px and layers, each published and by the rule.

    Parameters and activations follow, published and by the rule, with the relative difference.
    """
    from scalesearch.design.cost import cost
    from scalesearch.units import si

    networks = (comparison.published.architecture, comparison.by_rule)
    published_cost, rule_cost = map(cost, networks)
    cells = [comparison.published.name, str(comparison.phi), si(published_cost.macs), si(rule_cost.macs)]
    cells += [str(network.side) for network in networks]
    cells += [str(_num_layers(network)) for network in networks]
    for published, by_rule in (
        (published_cost.params, rule_cost.params),
        (published_cost.activations, rule_cost.activations),
    ):
        cells += [si(published), si(by_rule), f"{by_rule / published - 1:+.0%}"]
    return cells


def _format_amount(amount: int) -> str:
    from scalesearch.units import si

    return si(amount) if amount > 9999 else str(amount)


def _num_layers(architecture: Architecture) -> int:
    return sum(architecture.depths)


def _format_stage(stage: Stage | None) -> str:
    return "" if stage is None else f"{stage.depth} × {stage.width}"


def _format_difference(by_rule: Stage | None, published: Stage | None) -> str:
    """Return the rule's layers × channels minus the published ones."""
    pairs = [(stage.depth, stage.width) if stage else (0, 0) for stage in (by_rule, published)]
    (depth, width), (other_depth, other_width) = pairs
    return f"{depth - other_depth:+d} × {width - other_width:+d}"
