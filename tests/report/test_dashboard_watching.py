"""Studies as the dashboard finds them, and what it says of those that are broken, empty or half written."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from looking import searched, seen
from planted import Planted, budget, plan, study

from scalesearch.report.dashboard.network import content
from scalesearch.report.dashboard.status_text import problems, seconds_remaining, state_text, trial_counts
from scalesearch.report.dashboard.store import StudySnapshot, StudyStore
from scalesearch.report.dashboard.studies import find_studies
from scalesearch.report.dashboard.trial_table import (
    PAGE_SIZE,
    Filters,
    columns,
    filter_trials,
    paginate,
    sort_trials,
)
from scalesearch.report.dashboard.trials import read_filters
from scalesearch.report.pictures import find_pictures
from scalesearch.runners.execution import EpochFinished, TrialStarted
from scalesearch.search.task import Epoch
from scalesearch.study.records import TrialRecord, trial_cost
from scalesearch.study.run_status import publish
from scalesearch.study.study import open_or_create


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two finished studies, one of them with a seed that diverged and one that failed."""
    folder = tmp_path_factory.mktemp("watched")
    searched(folder / "good")
    seeds = plan(budget(seeds=3, finalists=0, final_seeds=0))
    searched(folder / "below" / "mixed", Planted(diverges=(1,), raises=(2,)), seeds)
    return folder


@pytest.fixture(scope="module")
def watch(root: Path) -> StudyStore:
    """Of those studies."""
    return StudyStore(root, root / "cache")


@pytest.fixture(scope="module")
def mixed(watch: StudyStore) -> StudySnapshot:
    """The second study, worked out."""
    return seen(watch, "below/mixed")


def alone(folder: Path) -> StudyStore:
    return StudyStore(folder, folder / "cache")


def test_studies_are_found_below_a_folder_and_in_it(root: Path, watch: StudyStore) -> None:
    assert watch.names() == ("below/mixed", "good")
    assert list(find_studies(root / "good")) == ["."]
    assert [(one.name, one.stage) for one in watch.summaries()] == [
        ("below/mixed", "finished"),
        ("good", "finished"),
    ]
    assert watch.summaries()[1].short_title == "tiny, φ = 1, budget smoke, multiply-adds matched"


def test_a_link_that_leads_back_ends_the_search(tmp_path: Path) -> None:
    open_or_create(study(tmp_path / "a" / "s"))
    (tmp_path / "a" / "loop").symlink_to(tmp_path)
    (tmp_path / "a" / "nowhere").symlink_to(tmp_path / "gone")
    assert list(find_studies(tmp_path)) == ["a/s"]


@pytest.mark.parametrize("name", ["../good", "/etc", "nothing", "", None, 7, ["good"], {"a": 1}, "good\0"])
def test_a_study_is_reached_by_its_name_in_the_list_alone(name: object, watch: StudyStore) -> None:
    assert watch.snapshot(name) is None


def test_all_is_well_needs_no_words(watch: StudyStore) -> None:
    view = seen(watch, "good")
    assert problems(view) == []
    assert state_text(view) == "finished"
    assert trial_counts(view) == (len(view.trials), len(view.trials))
    assert seconds_remaining(view) is None
    assert watch.snapshot("good") is view


def test_failures_are_said(mixed: StudySnapshot) -> None:
    count = len(mixed.trials) // 3
    assert (mixed.failed, mixed.diverged) == (count, count)
    (said,) = problems(mixed)
    assert said.startswith(f"{count} trials failed, such as ")
    assert ": failed (RuntimeError: broken in two lines at planted.py:" in said


STUDY_JSON: dict[str, Callable[[str], str]] = {
    "cut off": lambda text: text[: len(text) // 3],
    "empty": lambda text: "",
    "a list": lambda text: "[]",
    "deep": lambda text: "[" * 100_000,
    "a number for a name": lambda text: text.replace('"rounding": "balanced"', '"rounding": 7'),
    "another baseline": lambda text: text.replace("stages:", "stages: &a"),
    "endless": lambda text: text + " " * 9_000_000,
}


@pytest.mark.parametrize("how", STUDY_JSON)
def test_a_broken_study_says_what_is_wrong(how: str, tmp_path: Path) -> None:
    open_or_create(study(tmp_path / "s"))
    path = tmp_path / "s" / "study.json"
    path.write_text(STUDY_JSON[how](path.read_text()))
    watched = alone(tmp_path)
    view = watched.snapshot("s")
    assert view is not None
    (said,) = problems(view)
    assert said.startswith("This study cannot be read: study.json")
    assert "restore it from a copy" in said
    assert str(tmp_path) not in said
    assert state_text(view) == "cannot be read"
    (line,) = watched.summaries()
    assert (line.stage, line.short_title) == ("broken", "")
    assert content(view, None)


def test_a_folder_for_a_file_is_no_study(tmp_path: Path) -> None:
    (tmp_path / "s" / "study.json").mkdir(parents=True)
    assert find_studies(tmp_path) == {}


def test_an_empty_study_says_how_to_go_on(tmp_path: Path) -> None:
    begun = open_or_create(study(tmp_path / "s"))
    view = seen(alone(tmp_path), "s")
    assert problems(view) == [
        "No trial has finished yet.",
        f"The search is not finished and no process is running it. Resume: {begun.command}",
    ]
    assert alone(tmp_path).summaries()[0].stage == "empty"


def test_half_written_records_are_counted_and_named(tmp_path: Path) -> None:
    searched(tmp_path / "s")
    paths = sorted((tmp_path / "s" / "trials").iterdir())
    for path in paths[:7]:
        path.write_bytes(path.read_bytes()[:-9])
    view = seen(alone(tmp_path), "s")
    said = problems(view)[0]
    assert said.startswith(
        f"7 records are not as written and left out here: {paths[0].name}: it is not a whole record; "
    )
    assert "; and 2 more. Delete such a file and rerun the command" in said
    assert len(view.trials) == len(paths) - 7


def test_records_of_another_study_are_no_answer(tmp_path: Path) -> None:
    other = searched(tmp_path / "other", asked=plan(phi="2"))
    begun = open_or_create(study(tmp_path / "s"))
    for record in other.records().values():
        begun.add(record)
    view = seen(alone(tmp_path), "s")
    assert view.answer is None
    assert any("not finished" in one for one in problems(view))


def test_a_running_search_is_followed(tmp_path: Path) -> None:
    begun = open_or_create(study(tmp_path / "s"))
    watched = alone(tmp_path)
    first, second, *_ = begun.plan.waves({})[0]
    with publish(begun.folder, 0) as tell:
        tell(TrialStarted(second))
        before = seen(watched, "s")
        assert state_text(before) == "running"
        tell(EpochFinished(second, Epoch(1, 64, 2.0, 2.0, 0.25, 1.0)))
        view = watched.snapshot("s")
        assert view is not None
        assert view.stamp != before.stamp
        assert view.live is not None
        assert [one.epochs[-1].val_accuracy for one in view.live.running] == [0.25]
        assert state_text(view).startswith("running, about ")
        assert watched.summaries()[0].stage == "running"
        outcome = next(iter(searched(tmp_path / "done").records().values())).outcome
        begun.add(TrialRecord(first, outcome, trial_cost(first)))
        view = seen(watched, "s", lambda one: len(one.trials) == 1)
        assert problems(view) == []
    view = seen(watched, "s", lambda one: one.live is None)
    assert "no process is running it" in problems(view)[-1]


def test_trials_are_filtered(mixed: StudySnapshot) -> None:
    count = len(mixed.trials)
    assert len(filter_trials(mixed, Filters())) == count
    assert {one.outcome.state for one in filter_trials(mixed, Filters(states=("failed", "oom")))} == {"failed"}
    assert {one.seed for one in filter_trials(mixed, Filters(seed=1))} == {1}
    assert {one.images for one in filter_trials(mixed, Filters(images=200))} == {200}
    some = sorted(one.accuracy for one in mixed.trials if one.accuracy is not None)[1]
    assert all((one.accuracy or 0) >= some for one in filter_trials(mixed, Filters(least=some)))
    named = filter_trials(mixed, Filters(text=" BASE "))
    assert {mixed.label(one.network) for one in named} == {"base"}
    assert filter_trials(mixed, Filters(text=named[0].id)) == named[:1]
    assert filter_trials(mixed, Filters(text="<img>")) == []


def test_trials_are_sorted_by_every_column_with_gaps_last(mixed: StudySnapshot) -> None:
    for column in columns(mixed).values():
        for falling in (True, False):
            values = [column.value(one) for one in sort_trials(mixed.trials, column, falling)]
            have = [one for one in values if one is not None]
            assert values[: len(have)] == sorted(have, reverse=falling)
        assert all(isinstance(column.page_cell(one), str) for one in mixed.trials)


def test_pages_are_cut_here(mixed: StudySnapshot) -> None:
    many = [replace(mixed.trials[0], seed=seed) for seed in range(2 * PAGE_SIZE + 3)]
    assert [len(paginate(many, page)[1]) for page in (-1, 0, 1, 2, 3, 10**9)] == [
        PAGE_SIZE,
        PAGE_SIZE,
        PAGE_SIZE,
        3,
        3,
        3,
    ]
    assert paginate([], 4) == (0, [])


def test_what_a_browser_sends_is_checked() -> None:
    assert read_filters("x" * 999, ["failed", "evil", 3], 64, 2, 0.5) == Filters("x" * 100, ("failed",), 64, 2, 0.5)
    assert read_filters({"a": 1}, "failed", "64", True, "no") == Filters()
    assert read_filters(None, None, None, None, None) == Filters()


def test_a_candidate_is_shown_whole(mixed: StudySnapshot) -> None:
    assert mixed.answer is not None
    best = mixed.answer.recommended
    for key in (best, None, "no such network", 7):
        assert best in str(content(mixed, key))
    shown = str(content(mixed, best))
    candidate = mixed.answer.plan.by_network[best]
    for words in (
        "Cost breakdown",
        "depthwise conv",
        "Definition",
        f"{candidate.cost.macs:,}",
        str(candidate.aliases[0]),
    ):
        assert words in shown
    assert "Baseline tiny, unscaled" in str(content(mixed, mixed.answer.plan.base_id))


def test_pictures_are_files_of_the_folder_alone(tmp_path: Path) -> None:
    (tmp_path / "cam").mkdir()
    secret = tmp_path / "secret"
    secret.write_bytes(b"\x89PNG\r\n\x1a\n")
    folder = tmp_path / "s"
    (folder / "cam").mkdir(parents=True)
    (folder / "a.png").symlink_to(secret)
    (folder / "d.png").mkdir()
    for name in ("b.PNG", "cam/c.png", "e.jpg"):
        (folder / name).write_bytes(secret.read_bytes())
    assert [one.name for one in find_pictures(folder)] == ["b.PNG", "cam/c.png"]
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / "cam").symlink_to(folder / "cam")
    assert find_pictures(tmp_path / "linked") == []


def test_nothing_below_the_folder_is_written(tmp_path: Path) -> None:
    searched(tmp_path / "r" / "s")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "r").rglob("*")}
    watched = StudyStore(tmp_path / "r", tmp_path / "cache")
    content(seen(watched, "s"), None)
    watched.close()
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "r").rglob("*")} == before
    assert len(list((tmp_path / "cache").rglob("*.parquet"))) == 1


def test_a_name_that_breaks_the_list_of_choices_is_shown_as_another(tmp_path: Path) -> None:
    open_or_create(study(tmp_path / "a __PROTO__ b"))
    assert alone(tmp_path).names() == ("a __proto_ b",)


def test_a_name_with_markup_is_text(tmp_path: Path) -> None:
    name = "<img src=x onerror=alert(1)>"
    open_or_create(study(tmp_path / name))
    assert alone(tmp_path).names() == (name,)
    odd = os.fsencode(tmp_path) + b"/\xff"
    open_or_create(study(Path(os.fsdecode(odd))))
    assert json.dumps(alone(tmp_path).names())
