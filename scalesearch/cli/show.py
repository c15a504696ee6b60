"""The `scalesearch show` command: the result of a study, finished or so far."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from scalesearch import choices
from scalesearch.cli import options

if TYPE_CHECKING:
    from rich.table import Table

    from scalesearch.cli.facts import Cell, ShowFacts
    from scalesearch.study.columns import Value
    from scalesearch.study.result import StudyResult
    from scalesearch.study.study import Study


def show(
    results: Annotated[Path, typer.Argument(metavar="RESULTS", help="Folder of a study.")],
    json: options.Json = False,
) -> None:
    """Show a study: its candidates with error bars, which of them tie, and the winner.

    Example: scalesearch show results/reference/b0-phi1-quick
    """
    from scalesearch.cli.options import console as make_console
    from scalesearch.study.cost_labels import unmatched_lines
    from scalesearch.study.proxy_validation import read_proxy_validation
    from scalesearch.study.result import analyze
    from scalesearch.study.study import open_study
    from scalesearch.study.summary import summary_lines

    study = open_study(options.existing_study(results))
    outcomes = study.outcomes()
    result = analyze(study.plan, outcomes, read_proxy_validation(results))
    if json:
        from scalesearch.cli.json_output import print_json

        print_json(_facts(study, result))
        return
    console = make_console()
    if result is None:
        progress = f"{len(outcomes)}/{study.plan.total_trials(outcomes)}"
        print(f"{results}: {progress} trials done, none of a candidate complete")
        return
    console.print(ranking_table(result))
    for line in [*eliminated_lines(result), *unmatched_lines(study.plan)]:
        console.print(line, highlight=False, soft_wrap=True)
    if not study.plan.is_complete(outcomes):
        progress = f"{len(outcomes)}/{study.plan.total_trials(outcomes)} trials"
        print(f"Not finished: {progress}. Resume: {study.resume_command}")
    for line in summary_lines(result, results):
        console.print(line, highlight=False, soft_wrap=True)


def _facts(study: Study, result: StudyResult | None) -> ShowFacts:
    from scalesearch.cli.facts import ShowFacts
    from scalesearch.errors import printable
    from scalesearch.report.rows import label
    from scalesearch.study.cost_labels import unmatched_lines
    from scalesearch.study.kinds import results_of
    from scalesearch.study.summary import summary_lines

    plan, outcomes, config = study.plan, study.outcomes(), study.plan.config
    is_complete = plan.is_complete(outcomes)
    return ShowFacts(
        study=printable(str(study.folder)),
        baseline=config.baseline.name,
        phi=float(config.phi),
        cost=cast("choices.Cost", config.cost),
        metric=config.metric,
        trials=len(outcomes),
        total_trials=plan.total_trials(outcomes),
        finished=is_complete,
        resume_command=None if is_complete else study.resume_command,
        recommended=None if result is None else label(result.winner),
        candidates=() if result is None else _candidate_rows(result),
        winner=None if result is None else results_of(config.kind).winner(result),
        left_behind=() if result is None else tuple(eliminated_lines(result)),
        unmatched=tuple(unmatched_lines(plan)),
        summary=() if result is None else tuple(summary_lines(result, study.folder)),
    )


def _candidate_rows(result: StudyResult) -> tuple[dict[str, Cell], ...]:
    """Return one row per candidate, with the keys of report.csv."""
    from scalesearch.report.candidate_columns import candidate_file_columns
    from scalesearch.report.rows import candidate_rows

    columns = candidate_file_columns(result)
    return tuple({column.key: _cell(column.value(row)) for column in columns} for row in candidate_rows(result))


def _cell(value: Value) -> Cell:
    return float(value) if isinstance(value, Decimal) else value


def ranking_table(result: StudyResult) -> Table:
    """Return the ranked candidates, best first, as a table for a terminal."""
    from scalesearch.cli.console_table import column_table
    from scalesearch.report.candidate_columns import candidate_columns
    from scalesearch.report.kinds import report_of
    from scalesearch.report.rows import candidate_rows

    ranked = [row for row in candidate_rows(result) if row.place is not None]
    title, caption = report_of(result.plan.config.kind).terminal_table_text(result)
    return column_table(
        title, caption, candidate_columns(result), ranked, lambda row: row.key == result.recommended
    )


def eliminated_lines(result: StudyResult) -> list[str]:
    """Return which candidates were eliminated, one line per rung, after the rungs that eliminated nobody.

    The last line says how many were not trained at all.
    """
    from scalesearch.report.rows import label
    from scalesearch.search.completion import eliminated
    from scalesearch.study.chance_text import prolonged_lines

    plan = result.plan
    rung_by_key = eliminated(plan, result.outcomes)
    lines = prolonged_lines(plan, result.outcomes)
    for index, rung in enumerate(plan.rungs):
        names = [label(plan.by_network[key]) for key, rung_index in rung_by_key.items() if rung_index == index]
        if names:
            lines.append(f"Eliminated after {rung.samples} images: {', '.join(names)}")
    if result.is_complete and result.untrained:
        lines.append(f"Not trained: {result.untrained_words}")
    return lines
