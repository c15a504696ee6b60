"""`compare` as a person runs it."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from command import scalesearch, scalesearch_timed
from joints import JOINT
from least import LEAST
from planted import launched, with_times
from rich.console import Console

from scalesearch.cli import compare as verb
from scalesearch.cli import curves, search_command
from scalesearch.errors import TrialsFailedError
from scalesearch.runners.inline import InlineRunner
from scalesearch.search.budget import BUDGETS
from scalesearch.study.study import recorded_timings

SMOKE = ("compare", "--baseline", "tiny", "--times", "4", "--budget", "smoke", "--seeds", "1", "--data", "digits")

TWICE = (
    "compare",
    "--baseline",
    "tiny",
    "--times",
    "4",
    "--times",
    "2",
    "--budget",
    "least.yaml",
    "--runner",
    "inline",
)
LAST = "Curves over FLOPs: results/{0}/curves.html, results/{0}/curves.csv"


@pytest.mark.slow
def test_rules_meet_at_an_equal_latency_that_is_measured_once(tmp_path: Path) -> None:
    words = (*SMOKE, "--times", "2", "--runner", "inline", "--cost", "latency")
    done = scalesearch_timed(*words, cwd=tmp_path)
    assert done.stdout.count("Timing 7 networks") == 2
    assert "Matched: latency, within 10 %, not multiply-adds; batch 1, " in done.stdout
    kept = [path.read_bytes() for path in sorted(tmp_path.glob("results/*/study.json"))]
    assert len(kept) == 2
    again = scalesearch(*words, cwd=tmp_path)
    assert again.returncode == 0, again.stderr
    assert "Timing" not in again.stdout
    assert [path.read_bytes() for path in sorted(tmp_path.glob("results/*/study.json"))] == kept


@pytest.mark.slow
def test_rules_are_compared_resumed_and_shown(tmp_path: Path) -> None:
    done = scalesearch(*SMOKE, "--runner", "inline", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    study = tmp_path / "results" / "tiny-compare-4x-smoke"
    assert len(list((study / "trials").iterdir())) == 8
    for name in ("depth", "width", "resolution", "compound", "fast", "lacs-gpu", "lacs-tpu"):
        assert f" {name} " in done.stdout
    assert "Best: " in done.stdout
    assert "Over the baseline's " in done.stdout
    assert "Family" not in done.stdout
    assert not any((study / "family").glob("*"))
    asked = json.loads((study / "study.json").read_text())["question"]
    names = ["depth", "width", "resolution", "compound", "fast", "lacs-gpu", "lacs-tpu"]
    assert [one["name"] for one in asked["rivals"]] == names
    again = scalesearch(*SMOKE, "--runner", "inline", cwd=tmp_path)
    assert "8/8 trials are done" in again.stdout
    shown = scalesearch("show", str(study), cwd=tmp_path)
    assert shown.stdout.splitlines()[-1] == done.stdout.splitlines()[-3]
    assert done.stdout.splitlines()[-2] == f"Report: results/{study.name}/report.html"
    assert done.stdout.splitlines()[-1] == LAST.format("tiny-compare-4x-smoke")
    assert (study / "curves.csv").read_text().count("\n") == 1 + 8
    assert scalesearch("verify", str(study), cwd=tmp_path).returncode == 0
    winner = scalesearch(*SMOKE, "--winner", str(study / "winner.yaml"), "--name", "more", "--plan", cwd=tmp_path)
    assert winner.returncode == 0, winner.stderr
    assert re.search(r"^  (\S+ = )*found ", winner.stdout, re.MULTILINE), (
        "alone or in one network with another rule"
    )


def test_what_cannot_be_compared_is_said_in_a_line(tmp_path: Path) -> None:
    (tmp_path / "empty.yaml").write_text("alpha: 1.2\n")
    for words, reason in (
        (("--times", "1"), "--times 1: must be in 0.0625 … 1024, with at most 9 decimal places, and not 1"),
        (("--times", "x"), "--times 'x': must be a number"),
        (("--times", "4", "--times", "4.0"), "--times 4.0: is given twice"),
        (("--times", "1000"), "--times 1000: depth multiplier is "),
        (("--baseline", "a.b:c"), "baseline 'a.b:c': cannot be imported"),
        (("--baseline", "a.b:c", "--cost", "latency"), "--cost latency: is for baseline files, not for a Python"),
        (("--baseline", "a.b:c", "--rounding", "nearest"), "a.b:c is a function, which rounds by itself"),
        (("--winner", "empty.yaml"), "--winner empty.yaml: has no alpha, beta and gamma"),
        (("--winner", "absent.yaml"), "absent.yaml"),
    ):
        done = scalesearch("compare", *words, cwd=tmp_path)
        assert done.returncode == 2
        assert reason in done.stderr
        assert done.stderr.count("\n") == 1


def test_several_costs_are_compared_one_after_the_other_and_drawn(tmp_path: Path) -> None:
    (tmp_path / "least.yaml").write_text(LEAST)
    done = scalesearch(*TWICE, "--seeds", "1", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    small, large = (tmp_path / "results" / f"tiny-compare-{times}x-least" for times in (2, 4))
    assert len(list((small / "trials").iterdir())) == 1 + 5
    assert len(list((large / "trials").iterdir())) == 1 + 7
    # The baseline's trial is one: on the same images, trained once.
    shared = {path.name for path in (small / "trials").iterdir()} & {
        path.name for path in (large / "trials").iterdir()
    }
    assert len(shared) == 1
    assert "results/tiny-compare-4x-least: takes over finished trials: 1" in done.stdout
    lines = done.stdout.splitlines()
    assert any(
        line.rstrip() == "tiny at 2x and 4x the multiply-adds, fractal scenes, budget least" for line in lines
    )
    assert [line[:33] for line in lines if line.startswith("Compound's lead at ")] == [
        "Compound's lead at 2x (95 %, adju",
        "Compound's lead at 4x (95 %, adju",
    ]
    assert lines[-1] == LAST.format("tiny-compare-4x-least")
    assert (large / "curves.csv").read_text().count("\n") == 1 + 1 + 5 + 7
    assert "Plotly.newPlot" in (large / "curves.html").read_text(encoding="utf-8")
    assert not list(small.glob("curves.*"))


@pytest.mark.slow
def test_several_costs_resume_as_a_whole(tmp_path: Path) -> None:
    (tmp_path / "least.yaml").write_text(LEAST)
    words = (*TWICE, "--seeds", "2", "--name", "few")
    assert scalesearch(*words, cwd=tmp_path).returncode == 0
    small, large = (tmp_path / "results" / f"few-{times}x" for times in (2, 4))
    before = (large / "curves.csv").read_bytes(), (large / "curves.html").read_bytes()
    for folder in (small, large):
        (folder / "trials" / f"{_of_rule(folder, 'width')}.json").unlink()
    (large / "curves.csv").unlink()
    again = scalesearch(*words, cwd=tmp_path)
    assert again.returncode == 0, again.stderr
    assert "results/few-2x: 11/12 done, resuming" in again.stdout
    assert "results/few-4x: 15/16 done, resuming" in again.stdout
    assert ((large / "curves.csv").read_bytes(), (large / "curves.html").read_bytes()) == before
    for folder in (small, large):
        assert scalesearch("verify", str(folder), cwd=tmp_path).returncode == 0
    planned = scalesearch(*words, "--plan", cwd=tmp_path)
    assert planned.stdout.count("nothing was trained") == 2


def _of_rule(study: Path, rule: str) -> str:
    """The first trial of a single dimension: the one whose other multipliers are 1."""
    import pandas as pd

    table = pd.read_csv(study / "trials.csv", dtype={"trial": str})
    own = {"depth": "alpha", "width": "beta", "resolution": "gamma"}
    alone = [table[column] > 1 if name == rule else table[column] == 1 for name, column in own.items()]
    return str(table[alone[0] & alone[1] & alone[2]]["trial"].iloc[0])


def test_the_joint_table_says_every_number_and_the_papers() -> None:
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(curves.cost_sweep_table(JOINT))
    rows = [" ".join(line.split()) for line in console.export_text().splitlines()]
    assert rows[0] == "small at 2x and 4x the multiply-adds, photos, budget least"
    assert "cost rule FLOPs accuracy n gain (95 %) paper" in rows
    assert "1x baseline 1.000k 0.5000 ± 0.0110 2" in rows
    assert "2x depth 1.990k 0.6100 ± 0.0120 3 +0.1100 (+0.0800 … +0.1500)" in rows
    assert "4x compound 4.100k 0.7200 ± 0.0160 3 +0.2200 (+0.1900 … +0.2600) +5.0" in rows
    assert sum(row.startswith(("1x ", "2x ", "4x ")) for row in rows) == 1 + len(JOINT.points)
    assert any("Tables 3 and 7" in row for row in rows)


def test_without_the_papers_numbers_there_is_no_column_for_them() -> None:
    points = tuple(replace(one, papers_gain=None) for one in JOINT.points)
    table = curves.cost_sweep_table(replace(JOINT, points=points))
    assert [column.header for column in table.columns][-1] == "gain (95 %)"
    assert "paper" not in str(table.caption)
    assert "one seed" not in str(table.caption)
    once = curves.cost_sweep_table(replace(JOINT, points=(replace(points[0], seeds=1), *points[1:])))
    assert "one seed proves nothing" in str(once.caption)


def test_leads_have_intervals_and_the_papers_beside_them() -> None:
    assert curves.lead_lines(JOINT) == [
        "Compound's lead at 2x (95 %, adjusted as the ranking is): over width +0.0500 (+0.0100 … +0.0900)",
        (
            "Compound's lead at 4x (95 %, adjusted as the ranking is): over width +0.0600 (+0.0200 … +0.1000); "
            "the paper's +1.4 points"
        ),
    ]
    (first, second) = curves.lead_lines(replace(JOINT, leads=JOINT.leads[1:]))
    assert first.endswith(
        "2x (95 %, adjusted as the ranking is): not measured: it, or every single dimension, was not compared"
    )
    assert "over width" in second


def test_at_an_equal_latency_it_is_said_and_nothing_is_adjusted() -> None:
    found = replace(JOINT, cost="latency", adjusts=False)
    assert str(curves.cost_sweep_table(found).title) == "small at 2x and 4x the latency, photos, budget least"
    assert curves.lead_lines(found)[0] == "Compound's lead at 2x (95 %): over width +0.0500 (+0.0100 … +0.0900)"


def test_what_was_timed_for_every_cost_is_kept_before_the_first_is_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    ratios = [Decimal(2), Decimal(4)]
    asked = verb._make_configs("tiny", ratios, BUDGETS["smoke"], "balanced", None, "latency", tmp_path, None, None)
    timed = {times: with_times(config, launched) for times, config in asked.items()}
    folders = {times: tmp_path / f"{times}x" for times in timed}
    monkeypatch.setattr(search_command, "run_or_plan", killed)
    with pytest.raises(KeyboardInterrupt):
        verb._run_comparisons(timed, folders, "fractal", InlineRunner(), None, False)
    for times, config in asked.items():
        assert recorded_timings(folders[times], config) == timed[times].timings


def test_a_cost_whose_trials_failed_does_not_keep_the_next_from_running(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[str] = []
    drawn: list[list[str]] = []

    def search(config: object, data: str, runner: object, where: Path, *_: object, **__: object) -> None:
        ran.append(where.name)
        if where.name != "x-4x":
            raise TrialsFailedError(f"{where.name}: failed")

    monkeypatch.setattr(search_command, "run_or_plan", search)
    monkeypatch.setattr(curves, "show_curves", lambda folders: drawn.append([one.name for one in folders.values()]))
    with pytest.raises(TrialsFailedError, match="x-2x: failed\nx-8x: failed"):
        verb.compare("tiny", ["4", "8", "2"], budget="smoke", runner="inline", name="x", results=tmp_path)
    assert ran == ["x-2x", "x-4x", "x-8x"]
    assert drawn == [ran]
