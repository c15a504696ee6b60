"""What `cost --breakdown` adds: the layers, and one figure in four conventions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scalesearch.cli import options

if TYPE_CHECKING:
    from rich.table import Table

    from scalesearch.cli.facts import CostFacts, GroupFacts, ReceiptFacts
    from scalesearch.design.architecture import Architecture
    from scalesearch.design.receipt import CounterTotals, Group


def breakdown_facts(facts: CostFacts, architecture: Architecture) -> ReceiptFacts:
    """What `cost` found, with what the receipt adds.

    Raises:
        CountError: fvcore or torch's counter disagrees with the closed form.
    """
    from dataclasses import asdict

    from scalesearch.cli.facts import ConventionFacts, FvcoreFacts, LayerFacts, ReceiptFacts
    from scalesearch.design.receipt import check, counter_totals, grouped, layer_costs
    from scalesearch.nets.flops import fvcore_receipt, torch_flops

    counts = layer_costs(architecture)
    expected, witness, flops = counter_totals(counts), fvcore_receipt(architecture), torch_flops(architecture)
    check(expected, witness.by_operator, witness.total, flops)
    return ReceiptFacts(
        **asdict(facts),
        fvcore=FvcoreFacts(dict(witness.by_operator), witness.total, dict(witness.uncounted)),
        conventions=ConventionFacts(
            multiply_adds=expected.macs,
            flops=expected.flops,
            fvcore_total=witness.total,
            fvcore_total_with_adaptive_pooling=expected.fvcore_total_pooled,
            torch_flop_counter=flops,
        ),
        by_kind=tuple(_group_facts(one) for one in grouped(counts, lambda one: one.kind)),
        by_stage=tuple(_group_facts(one) for one in grouped(counts, lambda one: one.stage)),
        layers=tuple(LayerFacts(count.block, count.role, count.kind, count.macs, count.params) for count in counts),
    )


def _group_facts(one: Group) -> GroupFacts:
    from scalesearch.cli.facts import GroupFacts

    return GroupFacts(one.name, one.layers, one.macs, one.params)


def print_breakdown(architecture: Architecture, facts: ReceiptFacts) -> None:
    """The receipt as tables: a row a layer, a stage, a kind, and the sum that ends in every counter's figure."""
    from rich.table import Table

    from scalesearch.cli.console_table import narrow_table
    from scalesearch.design.receipt import counter_totals, grouped, layer_costs

    counts = layer_costs(architecture)
    total = counter_totals(counts)
    layers = narrow_table("by layer", "layer<|kind<|multiply-adds|parameters")
    for one in counts:
        layers.add_row(f"{one.block} {one.role}", one.kind, f"{one.macs:,}", f"{one.params:,}")
    options.console().print(layers)
    table = Table(title="by stage and by kind of layer", title_justify="left")
    table.add_column("")
    for name in ("layers", "multiply-adds", "share", "parameters"):
        table.add_column(name, justify="right")
    _add_rows(table, grouped(counts, lambda one: one.stage), total.macs)
    _add_rows(table, grouped(counts, lambda one: one.kind), total.macs)
    options.console().print(table)
    options.console().print(_conventions(total, facts))


def _add_rows(table: Table, groups: tuple[Group, ...], whole: int) -> None:
    for one in groups:
        table.add_row(one.name, str(one.layers), f"{one.macs:,}", f"{one.macs / whole:.1%}", f"{one.params:,}")
    table.add_section()


def _conventions(total: CounterTotals, facts: ReceiptFacts) -> Table:
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
    for words, value in rows:
        table.add_row(words, f"{value:,}", end_section=words.startswith(("×", "= fvcore's total")))
    uncounted = facts.fvcore.uncounted_operators.items()
    skipped = ", ".join(f"{name.removeprefix('aten::')} ×{n}" for name, n in uncounted)
    table.caption = f"fvcore does not count: {skipped}"
    table.caption_justify = "left"
    return table
