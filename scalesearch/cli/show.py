"""`scalesearch show`: a study's answer, so far or for good."""

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
    from scalesearch.search.plan import Plan
    from scalesearch.study.columns import Value
    from scalesearch.study.result import StudyResult
    from scalesearch.study.study import Study


def show(
    results: Annotated[Path, typer.Argument(metavar="RESULTS", help="The folder of a study.")],
    json: options.Json = False,
) -> None:
    """Show a study: its candidates with error bars, which of them tie, and the winner.

    Example: scalesearch show results/reference/b0-phi1-quick
    """
    from scalesearch.cli.options import console as make_console
    from scalesearch.study.result import analyze
    from scalesearch.study.study import open_study
    from scalesearch.study.summary import summary_lines
    from scalesearch.study.trusting import read_trust

    study = open_study(options.existing_study(results))
    outcomes = study.outcomes()
    found = analyze(study.plan, outcomes, read_trust(results))
    if json:
        from scalesearch.cli.json_output import print_json

        print_json(_facts(study, found))
        return
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


def _facts(study: Study, found: StudyResult | None) -> ShowFacts:
    from scalesearch.cli.facts import ShowFacts
    from scalesearch.errors import printable
    from scalesearch.report.rows import label
    from scalesearch.study.kinds import results_of
    from scalesearch.study.summary import summary_lines

    plan, outcomes, asked = study.plan, study.outcomes(), study.plan.config
    over = plan.is_complete(outcomes)
    return ShowFacts(
        study=printable(str(study.folder)),
        baseline=asked.baseline.name,
        phi=float(asked.phi),
        cost=cast("choices.Cost", asked.cost),
        metric=asked.metric,
        trials=len(outcomes),
        total_trials=plan.total_trials(outcomes),
        finished=over,
        resume_command=None if over else study.resume_command,
        recommended=None if found is None else label(found.winner),
        candidates=() if found is None else _candidates(found),
        winner=None if found is None else results_of(asked.kind).winner(found),
        left_behind=() if found is None else tuple(left_behind_lines(found)),
        unmatched=tuple(unmatched_lines(plan)),
        summary=() if found is None else tuple(summary_lines(found, study.folder)),
    )


def _candidates(result: StudyResult) -> tuple[dict[str, Cell], ...]:
    """A row a candidate by the keys of report.csv."""
    from scalesearch.report.candidate_columns import candidate_file_columns
    from scalesearch.report.rows import rows

    columns = candidate_file_columns(result)
    return tuple({column.key: _cell(column.value(row)) for column in columns} for row in rows(result))


def _cell(value: Value) -> Cell:
    return float(value) if isinstance(value, Decimal) else value


def ranking_table(result: StudyResult) -> Table:
    """The ranked candidates, best first, with the columns of a terminal."""
    from scalesearch.cli.console_table import column_table
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
    from scalesearch.search.completion import eliminated
    from scalesearch.study.chance_words import prolonged_lines

    plan = result.plan
    behind = eliminated(plan, result.outcomes)
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
