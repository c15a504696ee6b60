"""What comparisons at several costs say together: printed, and written as a figure and a table."""

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
    """Write curves.html and curves.csv beside the study of the largest cost; of several costs print all rules.

    Args:
        folders: the studies by their cost over the baseline's, rising; one without a completed trial is left out.

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
    answers = [(times, analyze(study.plan, study.outcomes())) for times, study in studies.items()]
    found = [(times, one) for times, one in answers if one is not None]
    if not found:
        return
    together, last = combine_comparisons(found), folders[max(folders)]
    console = options.console()
    if len(folders) > 1:
        console.print(joint_table(together))
        for line in lead_lines(together):
            console.print(line, highlight=False, soft_wrap=True)
    replace_atomically(
        last / "curves.html", figure_page(curves(together), f"{together.baseline}: scaling rules compared")
    )
    replace_atomically(last / "curves.csv", curves_csv(together))
    console.print(
        f"Curves over FLOPs: {last / 'curves.html'}, {last / 'curves.csv'}", highlight=False, soft_wrap=True
    )


def joint_table(joint: CostSweep) -> Table:
    """Every rule at every cost: measured FLOPs, accuracy, gain over the baseline, and the paper's gain."""
    from scalesearch.cli.console_table import narrow_table
    from scalesearch.design.exact import plain
    from scalesearch.search.metrics import metric_words
    from scalesearch.study.cost_words import COST_WORDS
    from scalesearch.units import si

    papers = any(point.papers_gain is not None for point in joint.points)
    once = any(point.seeds == 1 for point in joint.points)
    costs = " and ".join(f"{plain(times)}x" for times in joint.costs)
    table = narrow_table(
        f"{joint.baseline} at {costs} the {COST_WORDS[joint.cost]}, {joint.data}, budget {joint.budget}",
        f"cost|rule<|FLOPs|{metric_words(joint.metric)}|n|gain (95 %)" + ("|paper" if papers else ""),
        "\n".join([_CAPTION, *([_PAPERS] if papers else []), *([_ONE_SEED] if once else [])]),
    )
    rows = [*([] if joint.base is None else [joint.base]), *joint.points]
    for one, after in zip(rows, [*rows[1:], None], strict=True):
        cells = [
            f"{plain(one.times)}x",
            one.rule,
            si(one.macs),
            f"{one.accuracy:.4f} ± {one.standard_error:.4f}",
            str(one.seeds),
            "" if one.gain is None else _with_interval(one.gain),
            "" if one.papers_gain is None else f"{one.papers_gain:+}",
        ]
        last = after is None or after.times != one.times
        table.add_row(*cells[: len(table.columns)], end_section=last and after is not None)
    return table


def lead_lines(joint: CostSweep) -> list[str]:
    """How far the compound rule is ahead of each single dimension, a line a cost."""
    from scalesearch.design.exact import plain

    adjusted, lines = ", adjusted as the ranking is" if joint.adjusts else "", []
    for times in joint.costs:
        leads = [lead for lead in joint.leads if lead.times == times]
        words = [
            f"over {lead.over} {_with_interval(lead.ours)}"
            + ("" if lead.papers is None else f"; the paper's {lead.papers:+} points")
            for lead in leads
        ]
        said = ", ".join(words) if words else "not measured: it, or every single dimension, was not compared"
        lines.append(f"Compound's lead at {plain(times)}x (95 %{adjusted}): {said}")
    return lines


def _with_interval(one: Difference) -> str:
    return f"{one.value:+.4f} ({one.low:+.4f} … {one.high:+.4f})"
