"""The output of `cost --breakdown`: costs by layer, and the total in four counting conventions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scalesearch.cli import options

if TYPE_CHECKING:
    from rich.table import Table

    from scalesearch.cli.facts import BreakdownFacts, CostFacts, GroupFacts
    from scalesearch.design.architecture import Architecture
    from scalesearch.design.cost_breakdown import CounterTotals, Group


def breakdown_facts(facts: CostFacts, architecture: Architecture) -> BreakdownFacts:
    """Return the facts of `cost` with the cost breakdown.

    Raises:
        CountError: the count of fvcore or torch differs from the closed form.
    """
    from dataclasses import asdict

    from scalesearch.cli.facts import BreakdownFacts, ConventionFacts, FvcoreFacts, LayerFacts
    from scalesearch.design.cost_breakdown import check, counter_totals, grouped, layer_costs
    from scalesearch.nets.flops import fvcore_breakdown, torch_flops

    counts = layer_costs(architecture)
    expected, fvcore_count, flops = (
        counter_totals(counts),
        fvcore_breakdown(architecture),
        torch_flops(architecture),
    )
    check(expected, fvcore_count.by_operator, fvcore_count.total, flops)
    return BreakdownFacts(
        **asdict(facts),
        fvcore=FvcoreFacts(dict(fvcore_count.by_operator), fvcore_count.total, dict(fvcore_count.uncounted)),
        conventions=ConventionFacts(
            multiply_adds=expected.macs,
            flops=expected.flops,
            fvcore_total=fvcore_count.total,
            fvcore_total_with_adaptive_pooling=expected.fvcore_total_pooled,
            torch_flop_counter=flops,
        ),
        by_kind=tuple(_group_facts(group) for group in grouped(counts, lambda layer: layer.kind)),
        by_stage=tuple(_group_facts(group) for group in grouped(counts, lambda layer: layer.stage)),
        layers=tuple(LayerFacts(count.block, count.role, count.kind, count.macs, count.params) for count in counts),
    )


def _group_facts(group: Group) -> GroupFacts:
    from scalesearch.cli.facts import GroupFacts

    return GroupFacts(group.name, group.layers, group.macs, group.params)


def print_breakdown(architecture: Architecture, facts: BreakdownFacts) -> None:
    """Print the cost breakdown as tables: by layer, by stage and kind, and the total in every convention."""
    from rich.table import Table

    from scalesearch.cli.console_table import narrow_table
    from scalesearch.design.cost_breakdown import counter_totals, grouped, layer_costs

    counts = layer_costs(architecture)
    total = counter_totals(counts)
    layer_table = narrow_table("by layer", "layer<|kind<|multiply-adds|parameters")
    for layer in counts:
        layer_table.add_row(f"{layer.block} {layer.role}", layer.kind, f"{layer.macs:,}", f"{layer.params:,}")
    options.console().print(layer_table)
    table = Table(title="by stage and by kind of layer", title_justify="left")
    table.add_column("")
    for name in ("layers", "multiply-adds", "share", "parameters"):
        table.add_column(name, justify="right")
    _add_rows(table, grouped(counts, lambda layer: layer.stage), total.macs)
    _add_rows(table, grouped(counts, lambda layer: layer.kind), total.macs)
    options.console().print(table)
    options.console().print(_convention_table(total, facts))


def _add_rows(table: Table, groups: tuple[Group, ...], total_macs: int) -> None:
    for group in groups:
        table.add_row(
            group.name, str(group.layers), f"{group.macs:,}", f"{group.macs / total_macs:.1%}", f"{group.params:,}"
        )
    table.add_section()


def _convention_table(total: CounterTotals, facts: BreakdownFacts) -> Table:
    from rich.table import Table

    from scalesearch.design.norms import NORMS

    table = Table(title="one figure, four conventions", title_justify="left", show_header=False)
    table.add_column("")
    table.add_column("", justify="right")
    rows = (
        ("  convolutions", total.convolutions),
        ("+ linear", total.linear),
        ("= multiply-adds, as the paper counts", total.macs),
        ("× 2 = FLOPs, a multiply-add being two = torch's FlopCounterMode", total.flops),
        ("  multiply-adds", total.macs),
        *(
            (f"+ {name.replace('_', ' ')}, {NORMS[name].fvcore_operations} an element", operations)
            for name, operations in total.norms.items()
            if operations
        ),
        ("= fvcore's total", total.fvcore_total),
        ("+ adaptive average pooling, where a library pools by it (torchvision)", total.pooling),
        ("= fvcore's total for that library's network", total.fvcore_total_pooled),
    )
    for label, value in rows:
        table.add_row(label, f"{value:,}", end_section=label.startswith(("×", "= fvcore's total")))
    uncounted = facts.fvcore.uncounted_operators.items()
    skipped = ", ".join(f"{name.removeprefix('aten::')} ×{n}" for name, n in uncounted)
    table.caption = f"fvcore does not count: {skipped}"
    table.caption_justify = "left"
    return table
