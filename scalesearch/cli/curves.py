"""The joint result of comparisons at several costs: printed, and written as a figure and a table."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from scalesearch.cli import options

if TYPE_CHECKING:
    from rich.table import Table

    from scalesearch.search.ranking import Difference
    from scalesearch.study.cost_sweep import CostSweep

_CAPTION = "± standard error   n: seeds   gain: over the baseline, seeds in pairs, as measured"
_ONE_SEED = "one seed proves nothing: such intervals hold the error of the validation images only"
_PAPERS = "paper: Tan & Le 2019, Tables 3 and 7, ImageNet top-1 at about 4x, points over the baseline"


def show_curves(folders: Mapping[Decimal, Path]) -> None:
    """Write curves.html and curves.csv to the study of the largest cost; for several costs, print all rules.

    Args:
        folders: the studies by their cost over the baseline's, ascending; studies without a completed trial are
            left out.

    Raises:
        StorageError: the folder cannot be written.
    """
    from scalesearch.report.figures import curves
    from scalesearch.report.html import figure_page
    from scalesearch.report.tables import curves_csv
    from scalesearch.study.cost_sweep import combine_comparisons
    from scalesearch.study.files import replace_atomically
    from scalesearch.study.result import analyze
    from scalesearch.study.study import open_study

    studies = {times: open_study(folder) for times, folder in folders.items()}
    results = [(times, analyze(study.plan, study.outcomes())) for times, study in studies.items()]
    completed = [(times, result) for times, result in results if result is not None]
    if not completed:
        return
    sweep, last_folder = combine_comparisons(completed), folders[max(folders)]
    console = options.console()
    if len(folders) > 1:
        console.print(cost_sweep_table(sweep))
        for line in lead_lines(sweep):
            console.print(line, highlight=False, soft_wrap=True)
    replace_atomically(
        last_folder / "curves.html", figure_page(curves(sweep), f"{sweep.baseline}: scaling rules compared")
    )
    replace_atomically(last_folder / "curves.csv", curves_csv(sweep))
    console.print(
        f"Curves over FLOPs: {last_folder / 'curves.html'}, {last_folder / 'curves.csv'}",
        highlight=False,
        soft_wrap=True,
    )


def cost_sweep_table(sweep: CostSweep) -> Table:
    """Return a table of every rule at every cost: FLOPs, accuracy, gain over the baseline, the paper's gain.

    FLOPs are measured; the paper's gain is shown where there is one.
    """
    from scalesearch.cli.console_table import narrow_table
    from scalesearch.design.decimals import format_decimal
    from scalesearch.search.metrics import metric_words
    from scalesearch.study.cost_labels import COST_WORDS
    from scalesearch.units import si

    has_paper_gains = any(point.papers_gain is not None for point in sweep.points)
    has_single_seed = any(point.seeds == 1 for point in sweep.points)
    costs = " and ".join(f"{format_decimal(times)}x" for times in sweep.costs)
    table = narrow_table(
        f"{sweep.baseline} at {costs} the {COST_WORDS[sweep.cost]}, {sweep.data}, budget {sweep.budget}",
        f"cost|rule<|FLOPs|{metric_words(sweep.metric)}|n|gain (95 %)" + ("|paper" if has_paper_gains else ""),
        "\n".join([_CAPTION, *([_PAPERS] if has_paper_gains else []), *([_ONE_SEED] if has_single_seed else [])]),
    )
    rows = [*([] if sweep.base is None else [sweep.base]), *sweep.points]
    for point, next_point in zip(rows, [*rows[1:], None], strict=True):
        cells = [
            f"{format_decimal(point.times)}x",
            point.rule,
            si(point.macs),
            f"{point.accuracy:.4f} ± {point.standard_error:.4f}",
            str(point.seeds),
            "" if point.gain is None else _format_difference(point.gain),
            "" if point.papers_gain is None else f"{point.papers_gain:+}",
        ]
        ends_cost = next_point is None or next_point.times != point.times
        table.add_row(*cells[: len(table.columns)], end_section=ends_cost and next_point is not None)
    return table


def lead_lines(sweep: CostSweep) -> list[str]:
    """Return how far the compound rule is ahead of each single dimension, one line per cost."""
    from scalesearch.design.decimals import format_decimal

    adjusted, lines = ", adjusted as the ranking is" if sweep.adjusts else "", []
    for times in sweep.costs:
        leads = [lead for lead in sweep.leads if lead.times == times]
        parts = [
            f"over {lead.over} {_format_difference(lead.ours)}"
            + ("" if lead.papers is None else f"; the paper's {lead.papers:+} points")
            for lead in leads
        ]
        text = ", ".join(parts) if parts else "not measured: it, or every single dimension, was not compared"
        lines.append(f"Compound's lead at {format_decimal(times)}x (95 %{adjusted}): {text}")
    return lines


def _format_difference(difference: Difference) -> str:
    return f"{difference.value:+.4f} ({difference.low:+.4f} … {difference.high:+.4f})"
