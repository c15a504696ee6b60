"""`scalesearch show`: a study's answer, so far or for good."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scalesearch.cli import options

if TYPE_CHECKING:
    from rich.table import Table

    from scalesearch.search.plan import Plan
    from scalesearch.study.result import StudyResult


def show(
    results: Annotated[Path, typer.Argument(metavar="RESULTS", help="The folder of a study.")],
) -> None:
    """Show a study: its candidates with error bars, which of them tie, and the winner.

    Example: scalesearch show results/reference/b0-phi1-quick
    """
    from scalesearch.cli.options import console as make_console
    from scalesearch.study.result import answer
    from scalesearch.study.study import open_study
    from scalesearch.study.summary import summary_lines
    from scalesearch.study.trusting import read_trust

    study = open_study(options.existing_study(results))
    outcomes = study.outcomes()
    found = answer(study.plan, outcomes, read_trust(results))
    console = make_console()
    if found is None:
        done = f"{len(outcomes)}/{study.plan.total_trials(outcomes)}"
        print(f"{results}: {done} trials done, none of a candidate complete")
        return
    console.print(ranking_table(found))
    for line in [*left_behind_lines(found), *unmatched_lines(study.plan)]:
        console.print(line, highlight=False, soft_wrap=True)
    if not study.plan.is_complete(outcomes):
        done = f"{len(outcomes)}/{study.plan.total_trials(outcomes)} trials"
        print(f"Not finished: {done}. Resume: {study.resume_command}")
    for line in summary_lines(found, results):
        console.print(line, highlight=False, soft_wrap=True)


def ranking_table(result: StudyResult) -> Table:
    """The ranked candidates, best first, with the columns of a terminal."""
    from scalesearch.cli.narrow import column_table
    from scalesearch.report.candidate_columns import candidate_columns
    from scalesearch.report.kinds import report_of
    from scalesearch.report.rows import rows

    ranked = [row for row in rows(result) if row.place is not None]
    title, caption = report_of(result.plan.config.kind).table_words(result)
    return column_table(
        title, caption, candidate_columns(result), ranked, lambda row: row.key == result.recommended
    )


def left_behind_lines(result: StudyResult) -> list[str]:
    """By halving: the rungs that eliminated nobody, and who was left on which other one."""
    from scalesearch.report.rows import label
    from scalesearch.search.completion import left_behind
    from scalesearch.study.chance_words import prolonged_lines

    plan = result.plan
    behind = left_behind(plan, result.outcomes)
    lines = prolonged_lines(plan, result.outcomes)
    for index, rung in enumerate(plan.rungs):
        names = [label(plan.by_network[key]) for key, at in behind.items() if at == index]
        if names:
            lines.append(f"Left after {rung.samples} images: {', '.join(names)}")
    return lines


def unmatched_lines(plan: Plan) -> list[str]:
    """What was left out because no resolution brings it to the wanted cost."""
    from scalesearch.search.candidates import tolerance

    by = plan.config.cost
    return [
        f"Not compared: {one.label} costs {float(one.flops_ratio):.3f}x at {one.architecture.resolution} px"
        + ("" if by == "macs" else f" and has {float(one.matched_ratio):.3f}x the {by}")
        + f", more than {tolerance(by) * 100:.0f} % from the wanted ratio"
        for one in plan.candidate_set.unmatched
    ]
