"""The `scalesearch tables` command: the networks of the EfficientNet paper's tables, with counted costs."""

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
    console = options.console(108)
    console.print(_stage_table(stages))
    console.print(
        "Strides of rows 5 and 6 were first printed as 1 and 2; the code's 2 and 1 are right (tensorflow/tpu#383). "
        f"With the first print B0 would cost {macs_of_the_first_print():,} multiply-adds, "
        f"not {sum(stage.macs for stage in stages):,}.",
        highlight=False,
    )
    notes: dict[str, str] = {}
    console.print(_network_table(networks, notes))
    for number in (3, 7):
        rows = [variant for variant in variants if variant.table == number]
        console.print(_variant_table(rows, f"Table {number}, rounding {rule!r}", notes))
    for text, letter in notes.items():
        console.print(f"{letter}  {text}", highlight=False)
    costs = [
        variant.macs.counted or 0 for variant in variants if variant.table == 7 and variant.variant != "baseline"
    ]
    console.print(
        f"Table 7 compares networks of {min(costs) / 1e9:.3f} G to {max(costs) / 1e9:.3f} G multiply-adds: by the "
        "public definitions they are not matched in cost.",
        highlight=False,
    )


def _footnote_letter(note: str, notes: dict[str, str]) -> str:
    """Return the letter of a note, which is printed once below the tables."""
    return notes.setdefault(note, "abcdefgh"[len(notes)]) if note else ""


def _format_delta(figure: PrintedValue) -> str:
    delta = figure.delta
    return "" if delta is None else "=" if delta == 0 else f"{delta:+.1%}"


def _format_count(figure: PrintedValue) -> str:
    from scalesearch.units import si

    return "" if figure.counted is None else si(figure.counted)


def _format_ratio(ratio: float | None) -> str:
    return "" if ratio is None else f"{ratio:.2f}x" if ratio < 10 else f"{ratio:.1f}x"


def _stage_table(rows: Sequence[StageRow]) -> Table:
    from scalesearch.cli.console_table import narrow_table
    from scalesearch.units import si

    table = narrow_table("Table 1, EfficientNet-B0", "row|operator<|px|channels|layers|as built<|MACs|params")
    for number, row in enumerate(rows, start=1):
        sizes = [str(row.printed.px), str(row.printed.channels), str(row.printed.layers)]
        built = "=" if row.agrees else f"{row.px}, {row.channels}, {row.layers}"
        table.add_row(str(number), row.printed.operator, *sizes, built, si(row.macs), si(row.params))
    return table


def _network_table(rows: Sequence[NetworkRow], notes: dict[str, str]) -> Table:
    from scalesearch.cli.console_table import narrow_table

    columns = "network<|top-1|params|counted|Δ|FLOPS|counted|Δ|params ratio|FLOPS ratio|<"
    table = narrow_table("Table 2; =: the count rounds to the print; ratios over the EfficientNet above", columns)
    for row in rows:
        params = (f"{row.params.printed} M", _format_count(row.params), _format_delta(row.params))
        macs = (
            f"{row.macs.printed} G" if row.macs.printed else "-",
            _format_count(row.macs),
            _format_delta(row.macs),
        )
        ratios = (_format_ratio(row.params_ratio), _format_ratio(row.macs_ratio))
        table.add_row(row.name, row.top1, *params, *macs, *ratios, _footnote_letter(row.note, notes))
    return table


def _variant_table(rows: Sequence[VariantRow], title: str, notes: dict[str, str]) -> Table:
    from scalesearch.cli.console_table import narrow_table
    from scalesearch.design.decimals import format_decimal
    from scalesearch.units import si

    columns = "baseline<|scaled by<|d|w|px|top-1|FLOPS|counted|Δ|ratio|counted|params|<"
    table = narrow_table(title, columns)
    for row in rows:
        sizes = (format_decimal(row.multipliers.depth), format_decimal(row.multipliers.width), str(row.px))
        macs = (f"{row.macs.printed} G", _format_count(row.macs), _format_delta(row.macs))
        ratios = (_format_ratio(row.printed_ratio), _format_ratio(row.counted_ratio))
        name = row.baseline if row.variant == "baseline" else ""
        table.add_row(
            name, row.variant, *sizes, row.top1, *macs, *ratios, si(row.params), _footnote_letter(row.note, notes)
        )
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


def _stage_facts(row: StageRow) -> Table1Facts:
    from scalesearch.cli.facts import BuiltFacts, Table1Facts

    return Table1Facts(
        operator=row.printed.operator,
        px=row.printed.px,
        channels=row.printed.channels,
        layers=row.printed.layers,
        counted=BuiltFacts(row.px, row.channels, row.layers),
        macs=row.macs,
        params=row.params,
    )


def _network_facts(row: NetworkRow) -> Table2Facts:
    from scalesearch.cli.facts import Table2Facts

    return Table2Facts(
        name=row.name,
        beside=row.beside,
        top1=row.top1,
        params=_figure_facts(row.params),
        macs=_figure_facts(row.macs),
        params_ratio=row.params_ratio,
        macs_ratio=row.macs_ratio,
        note=row.note,
    )


def _variant_facts(row: VariantRow) -> VariantFacts:
    from scalesearch.cli.facts import VariantFacts

    return VariantFacts(
        baseline=row.baseline,
        variant=row.variant,
        depth=float(row.multipliers.depth),
        width=float(row.multipliers.width),
        resolution=float(row.multipliers.resolution),
        px=row.px,
        top1=row.top1,
        params=row.params,
        macs=_figure_facts(row.macs),
        printed_ratio=row.printed_ratio,
        counted_ratio=row.counted_ratio,
        note=row.note,
    )


def _figure_facts(figure: PrintedValue) -> FigureFacts:
    from scalesearch.cli.facts import FigureFacts

    return FigureFacts(figure.printed, figure.unit, figure.counted, figure.delta)
