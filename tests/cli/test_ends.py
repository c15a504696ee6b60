"""How a search ends: its exit code, its line, and what is written; with planted trials, in this process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from planted import Planted

from scalesearch.cli import main
from scalesearch.design.architecture import Architecture
from scalesearch.design.cost_breakdown import counter_totals, layer_costs
from scalesearch.nets.flops import FvcoreBreakdown
from scalesearch.study.study import open_study

BUDGET = """
name: planted
step: 0.1
tolerance: 0.1
candidates: 5
seeds: {seeds}
finalists: 0
final_seeds: 0
width_divisor: 4
resolution: 8
recipe: {{epochs: 2, batch: 3, learning_rate: 0.1}}
scenes: {{classes: 2, train: 5, val: 4, distractors: 0}}
"""
NAME = "s"


def closed_form(network: Architecture) -> FvcoreBreakdown:
    """What fvcore would count."""
    own = counter_totals(layer_costs(network))
    return FvcoreBreakdown({"conv": own.convolutions, "linear": own.linear, **own.norms}, {})


class Search:
    """`scalesearch grid` on a budget that costs nothing, with planted trials."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self._monkeypatch, self._capsys = folder, monkeypatch, capsys
        monkeypatch.chdir(folder)
        monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        monkeypatch.setattr("scalesearch.nets.flops.fvcore_breakdown", closed_form)  # counting takes seconds

    def __call__(self, objective: object, *words: str, seeds: int = 1) -> tuple[int, str, str]:
        """Exit code, standard output, standard error."""
        (self.folder / "budget.yaml").write_text(BUDGET.format(seeds=seeds))
        self._monkeypatch.setattr("scalesearch.proxy.objective.ProxyTraining", lambda *_: objective)
        command = ["grid", "--baseline", "tiny", "--budget", "./budget.yaml", "--runner", "inline", "--name", NAME]
        command += ["--scheduler", "grid"]
        return self.run(*command, *words)

    def run(self, *words: str) -> tuple[int, str, str]:
        self._capsys.readouterr()
        self._monkeypatch.setattr(sys, "argv", ["scalesearch", *words])
        with pytest.raises(SystemExit) as caught:
            main.run()
        out, said = self._capsys.readouterr()
        assert isinstance(caught.value.code, int)
        return caught.value.code, out, said

    @property
    def study(self) -> Path:
        return self.folder / "results" / NAME


@pytest.fixture
def search(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Search:
    return Search(tmp_path, monkeypatch, capsys)


def one_line(said: str) -> str:
    (line,) = said.splitlines()
    assert line.startswith("scalesearch: ")
    return line


def test_done_is_0_and_done_again_says_so(search: Search) -> None:
    code, out, said = search(Planted())
    assert (code, said) == (0, "")
    assert out.count("\n1/6  ") == out.count("\n6/6  ") == 1
    code, out, said = search(Planted())
    assert (code, said) == (0, "")
    assert "6/6 trials are done; to start anew, give another --name or delete the folder" in out


def test_trials_that_fail_are_3_and_the_winner_is_still_written(search: Search) -> None:
    code, out, said = search(Planted(raises=(1,)), seeds=2)
    assert code == 3
    assert "6 trials failed; delete their records in trials/" in one_line(said)
    assert (search.study / "winner.yaml").exists()
    assert "\nRecommended: α = " in out
    assert "RuntimeError: broken in two lines" in out


def test_a_candidate_without_any_result_means_no_winner(search: Search) -> None:
    code, out, said = search(Planted(raises=(0,)))
    assert code == 3
    assert "no candidate has a completed trial" in one_line(said)
    assert not (search.study / "winner.yaml").exists()
    assert "Take" not in out


def test_failed_trials_are_run_again_once_their_files_are_gone(search: Search) -> None:
    search(Planted(raises=(1,)), seeds=2)
    for record in open_study(search.study).records().values():
        if record.outcome.state == "failed":
            (search.study / "trials" / f"{record.spec.id}.json").unlink()
    code, out, _ = search(Planted(), seeds=2)
    assert code == 0
    assert "6/12 done, resuming" in out
    assert {record.outcome.state for record in open_study(search.study).records().values()} == {"complete"}


def test_diverged_trials_are_0(search: Search) -> None:
    code, out, said = search(Planted(diverges=(1,)), seeds=2)
    assert (code, said) == (0, "")
    assert "diverged (the loss is no longer finite in epoch 1)" in out
    assert (search.study / "winner.yaml").exists()


def test_a_full_disk_is_4(search: Search, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    search(Planted())
    for path in (search.study / "trials").iterdir():
        path.unlink()
    monkeypatch.setattr(os, "link", full)
    code, _, said = search(Planted())
    assert code == 4
    assert "cannot be written (No space left on device); free space or choose another folder" in one_line(said)
    assert list((search.study / "trials").iterdir()) == []


def test_a_study_that_is_being_worked_on_is_5(search: Search) -> None:
    search.study.mkdir(parents=True)
    hold = (
        "import sys, time; from pathlib import Path; from scalesearch.study.study import locked\n"
        "with locked(Path(sys.argv[1])): print('held', flush=True); time.sleep(60)"
    )
    root = str(Path(main.__file__).parents[2])
    holder = subprocess.Popen(
        [sys.executable, "-c", hold, str(search.study)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": root},
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        code, _, said = search(Planted())
    finally:
        holder.kill()
        holder.communicate()
    assert code == 5
    assert "another run is working on this study" in one_line(said)
    assert search(Planted())[0] == 0


def test_another_environment_is_2(search: Search, monkeypatch: pytest.MonkeyPatch) -> None:
    from scalesearch.study import provenance

    search(Planted())
    here = provenance.environment()
    monkeypatch.setattr(provenance, "environment", lambda: {**here, "torch": "0.4"})
    code, _, said = search(Planted())
    assert code == 2
    assert "another environment (torch " in one_line(said)


@pytest.mark.parametrize("words", [["--step", "0.2"], ["--match", "none"], ["--phi", "2"]])
def test_another_question_is_2(search: Search, words: list[str]) -> None:
    search(Planted())
    code, out, said = search(Planted(), *words)
    assert (code, out) == (2, "")
    assert "holds a study with another configuration (" in one_line(said)


def test_more_seeds_extend_the_study(search: Search) -> None:
    search(Planted())
    first = {path.name for path in (search.study / "trials").iterdir()}
    code, out, _ = search(Planted(), "--seeds", "3")
    assert code == 0
    assert f"{len(first)}/{3 * len(first)} done, resuming" in out
    assert first < {path.name for path in (search.study / "trials").iterdir()}
    assert "1 seed" not in out.split("Recommended: ")[-1]
    code, again, _ = search(Planted())
    assert code == 0
    assert again.split("Recommended: ")[-1] == out.split("Recommended: ")[-1]


def test_an_address_where_nothing_is_is_2_and_leaves_nothing(search: Search) -> None:
    words = ["grid", "--baseline", "tiny", "--budget", "./budget.yaml", "--address", "127.0.0.1:9", "--name", NAME]
    (search.folder / "budget.yaml").write_text(BUDGET.format(seeds=1))
    code, _, said = search.run(*words)
    assert code == 2
    assert "--address 127.0.0.1:9: nothing answers there" in one_line(said)
    assert not search.study.exists()


@pytest.mark.parametrize("spoil", ["flip", "tear", "rename", "foreign"])
def test_verify_finds_what_is_wrong_and_ends_with_1(search: Search, spoil: str) -> None:
    search(Planted())
    code, out, _ = search.run("verify", str(search.study))
    assert code == 0
    assert "6 of 6 records, all as written" in out
    path = min((search.study / "trials").iterdir())
    data = path.read_bytes()
    if spoil == "flip":
        path.write_bytes(data.replace(b'"index": 1', b'"index": 3'))
    elif spoil == "tear":
        path.write_bytes(data[:-70])
    elif spoil == "rename":
        path.rename(path.with_name("0123456789abcdef.json"))
    else:
        foreign_record(search)
    code, _, said = search.run("verify", str(search.study))
    assert code == 1
    assert one_line(said)


def test_a_record_of_a_higher_rung_is_of_the_study_without_the_lower_one(search: Search) -> None:
    """Deleting a damaged one is what `verify` advises; those that climbed from it are no strangers."""
    search(Planted(), "--scheduler", "halving")
    records = open_study(search.study).records()
    assert len({one.spec.samples for one in records.values()}) > 1
    first = min(records, key=lambda key: records[key].spec.samples or 0)
    (search.study / "trials" / f"{first}.json").unlink()
    code, out, said = search.run("verify", str(search.study))
    assert code == 1
    assert "is finished, but 1 of its records are missing; rerun: " in said
    assert "is not a trial of this study" not in said + out


def foreign_record(search: Search) -> None:
    """A good record of another study's trial."""
    from planted import study, trials

    from scalesearch.runners.execution import Event, TrialFinished
    from scalesearch.runners.inline import InlineRunner
    from scalesearch.study.records import TrialRecord, trial_cost

    def keep(event: Event) -> None:
        if isinstance(event, TrialFinished):
            study(search.study).add(TrialRecord(event.spec, event.outcome, trial_cost(event.spec)))

    InlineRunner().run([trials(1)], Planted(), keep)


def test_show_tells_how_far_an_unfinished_study_is(search: Search) -> None:
    search(Planted(), seeds=2)
    for path in sorted((search.study / "trials").iterdir())[:3]:
        path.unlink()
    code, out, _ = search.run("show", str(search.study))
    assert code == 0
    assert "Not finished: 9/12 trials. Resume: scalesearch grid --baseline tiny" in out


def test_the_command_that_resumes_can_be_pasted(search: Search) -> None:
    def stopped(spec: object) -> object:
        raise KeyboardInterrupt

    code, _, said = search(stopped, "--tolerance", "0.1")
    assert code == 130
    resume = one_line(said).split("Resume: scalesearch ")[1]
    search(Planted(), "--tolerance", "0.1")
    code, out, _ = search.run(*resume.split())
    assert code == 0
    assert "6/6 trials are done" in out
