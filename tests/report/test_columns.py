"""A column that is added to a list of columns reaches every table, and moves none that was there."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from decimal import Decimal
from operator import itemgetter
from pathlib import Path
from typing import Any

import pytest
from looking import seen
from planted_studies import halving, rules, stages
from rich.console import Console

from scalesearch.cli.show import ranking_table as terminal_table
from scalesearch.notebook.studies import NotebookStudy
from scalesearch.report import candidate_columns, tables
from scalesearch.report.dashboard import result_view, trials
from scalesearch.report.dashboard.store import StudySnapshot, StudyStore
from scalesearch.report.document import Table
from scalesearch.report.kinds import report_of
from scalesearch.report.study_report import ReportInputs, read_report_inputs
from scalesearch.study import trial_columns
from scalesearch.study.columns import Column, csv_text, decimals
from scalesearch.study.result_files import result_contents
from scalesearch.study.study import open_study
from scalesearch.study.trial_summary import read_trial

REFERENCE = Path(__file__).parents[2] / "results" / "reference"
KINDS = pytest.mark.parametrize("make", [halving, rules, stages])
NO_FILTERS = trials.read_filters(None, None, None, None, None)


def viewed(own: ReportInputs, cache: Path) -> StudySnapshot:
    folder = own.study.folder
    return seen(StudyStore(folder.parent, cache), folder.name)


def add(monkeypatch: pytest.MonkeyPatch, module: Any, name: str, column: Column[Any]) -> None:
    """The column at the end of one of a module's lists."""
    own = getattr(module, name)
    monkeypatch.setattr(module, name, lambda *given: (*own(*given), column))


@KINDS
def test_a_new_column_of_trials_is_in_every_table_of_them(
    make: Callable[[], ReportInputs], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = make()
    view, before = viewed(own, tmp_path), list(NotebookStudy(own.study).trials.columns)
    column = Column[Any]("double_seed", "twice the seed", lambda trial: 2 * trial.seed, decimals(1), " seeds")
    add(monkeypatch, trial_columns, "_record_columns", column)
    assert list(NotebookStudy(own.study).trials.columns) == [*before, "double_seed"]
    files = result_contents(own.found, "s")
    head, first, *_ = csv.reader(io.StringIO(str(files["trials.csv"])))
    assert head == [*before, "double_seed"]
    assert int(first[-1]) == 2 * int(first[head.index("seed")])
    shown, *_ = trials._render_page(view, 0, {"by": "double_seed", "falling": True}, NO_FILTERS)
    assert "twice the seed ↓" in str(shown)
    assert f"{2 * max(one.seed for one in view.trials)}.0 seeds" in str(shown)


@KINDS
def test_a_new_column_of_candidates_is_in_every_table_of_them(
    make: Callable[[], ReportInputs], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = make()
    view, before = viewed(own, tmp_path), tables.ranking_csv(own.found).splitlines()[0].split(",")
    column = Column[Any](
        "side", "side of the images", lambda row: row.candidate.architecture.resolution, short_title="side"
    )
    add(monkeypatch, candidate_columns, "_name_columns", column)
    head, first, *_ = csv.reader(io.StringIO(tables.ranking_csv(own.found)))
    assert head == [*before, "side"]
    best_arm = max(own.found.ranking.arms, key=lambda arm: own.found.decision.mean(arm.key))
    best = own.found.plan.by_network[best_arm.key].architecture.resolution
    assert first[-1] == str(best)
    assert NotebookStudy(own.study).ranking["side"].iloc[0] == best
    section = report_of(own.found.plan.config.kind).answer(own.found)
    page = next(one for one in section.blocks if isinstance(one, Table) and "side of the images" in one.columns)
    assert page.rows[0][page.columns.index("side of the images")] == str(best)
    shown = terminal_table(own.found)
    assert "side" in [one.header for one in shown.columns]
    assert "side of the images" in str(result_view.content(view, "light"))


def test_what_is_left_out_of_a_medium_is_not_shown_there(monkeypatch: pytest.MonkeyPatch) -> None:
    found = halving().found
    column = Column[Any]("side", "side", lambda row: 1, media=("page",))
    add(monkeypatch, candidate_columns, "_name_columns", column)
    assert "side" in tables.coefficients_table(found).columns
    assert "side" not in tables.ranking_csv(found)
    assert "side" not in [one.header for one in terminal_table(found).columns]


@KINDS
def test_a_medium_has_no_key_twice(make: Callable[[], ReportInputs]) -> None:
    own = make()
    plan = own.found.plan
    for columns in (
        trial_columns.trial_columns(str, plan),
        candidate_columns.candidate_columns(own.found),
    ):
        for medium in ("file", "page", "terminal"):
            keys = [column.key for column in columns if medium in column.media]
            assert len(keys) == len(set(keys))


def test_columns_of_a_record_need_no_plan() -> None:
    """The dashboard shows trials before the study's networks are worked out."""
    own = halving()
    plan, folder = own.found.plan, own.study.trials_folder
    one = read_trial(next(folder.iterdir()))
    known = {column.key: column.page_cell(one) for column in trial_columns.trial_columns(str, plan)}
    alone = {column.key: column.page_cell(one) for column in trial_columns.trial_columns(str, None)}
    assert alone.items() <= known.items()
    assert alone["label"] == one.network
    assert {"alpha", "flops_ratio"} <= known.keys() - alone.keys()


@pytest.mark.parametrize("name", ["b0-phi1-quick", "b0-compare-4x-quick", "nas-tiny-digits"])
def test_a_terminal_of_80_columns_cuts_nothing(name: str) -> None:
    console = Console(file=io.StringIO(), width=80)
    console.print(terminal_table(read_report_inputs(open_study(REFERENCE / name)).found))
    assert isinstance(console.file, io.StringIO)
    assert "…" not in console.file.getvalue()


def test_how_values_are_written() -> None:
    values = {"a": "=1+1", "b": Decimal("1.50"), "c": 0.123456789, "d": 7, "e": None}
    columns = [Column[dict[str, Any]](key, "", itemgetter(key), decimals(2), "x") for key in values]
    assert [column.page_cell(values) for column in columns[1:]] == ["1.50x", "0.12x", "7.00x", ""]
    assert csv_text(columns, [values]) == "a,b,c,d,e\n'=1+1,1.5,0.12346,7,\n"
