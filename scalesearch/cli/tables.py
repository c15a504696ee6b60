"""`scalesearch tables`: the paper's tables, counted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from scalesearch.cli import options

if TYPE_CHECKING:
    from rich.table import Table

    from scalesearch.cli.facts import FigureFacts, Table1Facts, Table2Facts, TablesFacts, VariantFacts
    from scalesearch.design.paper_tables import NetworkRow, PrintedValue, StageRow, VariantRow


def tables(rounding: options.Rounding = None, json: options.Json = False) -> None:
    """Count Tables 1, 2, 3 and 7 of the EfficientNet paper beside what it prints.

    Example: scalesearch tables
    """
    from scalesearch.cli.json_output import print_json
    from scalesearch.design.paper_tables import macs_of_the_first_print, table_1, table_2, tables_3_and_7

    rule = rounding or "paper"
    stages, networks, variants = table_1(), table_2(), tables_3_and_7(rule)
    if json:
        print_json(_facts(stages, networks, variants))
        return
    out = options.console(108)
    out.print(_stages(stages))
    out.print(
        "Strides of rows 5 and 6 were first printed as 1 and 2; the code's 2 and 1 are right (tensorflow/tpu#383). "
        f"With the first print B0 would cost {macs_of_the_first_print():,} multiply-adds, "
        f"not {sum(one.macs for one in stages):,}.",
        highlight=False,
    )
    notes: dict[str, str] = {}
    out.print(_networks(networks, notes))
    for number in (3, 7):
        rows = [variant for variant in variants if variant.table == number]
        out.print(_variants(rows, f"Table {number}, rounding {rule!r}", notes))
    for text, letter in notes.items():
        out.print(f"{letter}  {text}", highlight=False)
    costs = [
        variant.macs.counted or 0 for variant in variants if variant.table == 7 and variant.variant != "baseline"
    ]
    out.print(
        f"Table 7 compares networks of {min(costs) / 1e9:.3f} G to {max(costs) / 1e9:.3f} G multiply-adds: by the "
        "public definitions they are not matched in cost.",
        highlight=False,
    )


def _letter(note: str, notes: dict[str, str]) -> str:
    """The letter that stands for a note, which is printed once below."""
    return notes.setdefault(note, "abcdefgh"[len(notes)]) if note else ""


def _delta(figure: PrintedValue) -> str:
    delta = figure.delta
    return "" if delta is None else "=" if delta == 0 else f"{delta:+.1%}"


def _counted(figure: PrintedValue) -> str:
    from scalesearch.units import si

    return "" if figure.counted is None else si(figure.counted)


def _times(ratio: float | None) -> str:
    return "" if ratio is None else f"{ratio:.2f}x" if ratio < 10 else f"{ratio:.1f}x"


def _stages(rows: Sequence[StageRow]) -> Table:
    from scalesearch.cli.console_table import narrow_table
    from scalesearch.units import si

    table = narrow_table("Table 1, EfficientNet-B0", "row|operator<|px|channels|layers|as built<|MACs|params")
    for place, one in enumerate(rows, start=1):
        sizes = [str(one.printed.px), str(one.printed.channels), str(one.printed.layers)]
        built = "=" if one.agrees else f"{one.px}, {one.channels}, {one.layers}"
        table.add_row(str(place), one.printed.operator, *sizes, built, si(one.macs), si(one.params))
    return table


def _networks(rows: Sequence[NetworkRow], notes: dict[str, str]) -> Table:
    from scalesearch.cli.console_table import narrow_table

    columns = "network<|top-1|params|counted|Δ|FLOPS|counted|Δ|params ratio|FLOPS ratio|<"
    table = narrow_table("Table 2; =: the count rounds to the print; ratios over the EfficientNet above", columns)
    for one in rows:
        params = (f"{one.params.printed} M", _counted(one.params), _delta(one.params))
        macs = (f"{one.macs.printed} G" if one.macs.printed else "-", _counted(one.macs), _delta(one.macs))
        ratios = (_times(one.params_ratio), _times(one.macs_ratio))
        table.add_row(one.name, one.top1, *params, *macs, *ratios, _letter(one.note, notes))
    return table


def _variants(rows: Sequence[VariantRow], title: str, notes: dict[str, str]) -> Table:
    from scalesearch.cli.console_table import narrow_table
    from scalesearch.design.exact import plain
    from scalesearch.units import si

    columns = "baseline<|scaled by<|d|w|px|top-1|FLOPS|counted|Δ|ratio|counted|params|<"
    table = narrow_table(title, columns)
    for one in rows:
        by = (plain(one.multipliers.depth), plain(one.multipliers.width), str(one.px))
        macs = (f"{one.macs.printed} G", _counted(one.macs), _delta(one.macs))
        ratios = (_times(one.printed_ratio), _times(one.counted_ratio))
        name = one.baseline if one.variant == "baseline" else ""
        table.add_row(name, one.variant, *by, one.top1, *macs, *ratios, si(one.params), _letter(one.note, notes))
    return table


def _facts(
    stages: Sequence[StageRow], networks: Sequence[NetworkRow], variants: Sequence[VariantRow]
) -> TablesFacts:
    from scalesearch.cli.facts import TablesFacts

    return TablesFacts(
        table_1=tuple(map(_stage_facts, stages)),
        table_2=tuple(map(_network_facts, networks)),
        table_3=tuple(_variant_facts(variant) for variant in variants if variant.table == 3),
        table_7=tuple(_variant_facts(variant) for variant in variants if variant.table == 7),
    )


def _stage_facts(one: StageRow) -> Table1Facts:
    from scalesearch.cli.facts import BuiltFacts, Table1Facts

    return Table1Facts(
        operator=one.printed.operator,
        px=one.printed.px,
        channels=one.printed.channels,
        layers=one.printed.layers,
        counted=BuiltFacts(one.px, one.channels, one.layers),
        macs=one.macs,
        params=one.params,
    )


def _network_facts(one: NetworkRow) -> Table2Facts:
    from scalesearch.cli.facts import Table2Facts

    return Table2Facts(
        name=one.name,
        beside=one.beside,
        top1=one.top1,
        params=_figure(one.params),
        macs=_figure(one.macs),
        params_ratio=one.params_ratio,
        macs_ratio=one.macs_ratio,
        note=one.note,
    )


def _variant_facts(one: VariantRow) -> VariantFacts:
    from scalesearch.cli.facts import VariantFacts

    return VariantFacts(
        baseline=one.baseline,
        variant=one.variant,
        depth=float(one.multipliers.depth),
        width=float(one.multipliers.width),
        resolution=float(one.multipliers.resolution),
        px=one.px,
        top1=one.top1,
        params=one.params,
        macs=_figure(one.macs),
        printed_ratio=one.printed_ratio,
        counted_ratio=one.counted_ratio,
        note=one.note,
    )


def _figure(figure: PrintedValue) -> FigureFacts:
    from scalesearch.cli.facts import FigureFacts

    return FigureFacts(figure.printed, figure.unit, figure.counted, figure.delta)
