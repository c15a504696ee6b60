"""A training in its folder, as `train` and `transfer` run it: what ends it, what it leaves, what may follow."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
import torch
import typer.main
from schooled import RECIPE, bright_sides, job
from typer.testing import CliRunner

from scalesearch.cli.main import app, run
from scalesearch.cli.training_run import build_job, run_training
from scalesearch.design.baselines import load_baseline
from scalesearch.errors import InputError, TrialsFailedError
from scalesearch.training.events import EpochMetrics, Sizes
from scalesearch.training.job import HISTORY, RUN, WEIGHTS, resume_training
from scalesearch.training.recipes import NONE, RECIPES
from scalesearch.training.run_record import open_run

CPU = torch.device("cpu")
SHORT = replace(RECIPE, epochs=1)


@pytest.fixture(autouse=True)
def _bright_images(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scalesearch.training.job.load_data", lambda *_, **__: bright_sides())
    monkeypatch.setattr(torch, "set_num_threads", lambda _: None)  # the other tests' as well


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / ".cache"))
    return tmp_path


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--batch", "8", "--accumulate", "16"], "--batch 8: cannot be cut into 16 equal parts"),
        (["--batch", "32", "--workers", "3"], "--batch 32: cannot be cut into 3 equal parts"),
        (["--batch", "99", "--accumulate", "50"], "--batch 39: cannot be cut into 50 equal parts"),
        (["--address", "auto"], "--address auto: one worker trains in this process; give --workers too"),
        (["--address", "127.0.0.1:1", "--workers", "2"], "--address 127.0.0.1:1: nothing answers there"),
    ],
)
def test_what_is_refused_leaves_no_folder(
    words: list[str], reason: str, place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        sys, "argv", ["scalesearch", "train", "tiny", "--resolution", "16", "--epochs", "1", *words]
    )
    with pytest.raises(SystemExit) as end:
        run()
    assert end.value.code == 2
    assert reason in capsys.readouterr().err
    assert not (place / "results").exists()


def test_images_fewer_than_a_batch_are_one_that_parts_can_share() -> None:
    baseline, sizes = load_baseline("tiny"), Sizes(16, 16, 2)
    found = build_job(baseline, RECIPE.with_batch(4096), sizes, "fractal", "smoke", seed=0, workers=2, threads=1)
    assert found.recipe == RECIPE.with_batch(4096).with_batch(36)  # of 39


def test_a_run_without_an_epoch_makes_room_and_one_with_an_epoch_does_not(tmp_path: Path) -> None:
    assert not open_run(tmp_path, job(), "first")
    assert not open_run(tmp_path, job(seed=1), "second")
    assert json.loads((tmp_path / RUN).read_text())["command"] == "second"
    next(
        one for one in resume_training(job(seed=1), tmp_path, bright_sides(), CPU) if isinstance(one, EpochMetrics)
    )
    with pytest.raises(InputError, match="other seed"):
        open_run(tmp_path, job(), "first")
    assert not open_run(tmp_path, job(seed=1), "second")


def test_a_kill_before_the_record_throws_no_epoch_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def killed(*_: object) -> None:
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr("scalesearch.training.run_record.write_result", killed)
        with pytest.raises(SystemExit):
            run_training(job(), tmp_path, None)
    capsys.readouterr()
    kept = (tmp_path / HISTORY).read_bytes()
    run_training(job(), tmp_path, None)
    first, *rest = capsys.readouterr().out.splitlines()
    assert first == f"{tmp_path}: 3/3 epochs are done, resuming"
    assert not any(line.startswith("epoch ") for line in rest)
    assert (tmp_path / HISTORY).read_bytes() == kept
    assert "result" in json.loads((tmp_path / RUN).read_text())
    assert sorted(one.name for one in tmp_path.iterdir()) == [HISTORY, "lock", RUN, WEIGHTS]


def options_of(verb: str) -> set[str]:
    group = typer.main.get_command(app)
    return {word for one in group.commands[verb].params for word in one.opts}  # type: ignore[attr-defined]


@pytest.mark.parametrize("verb", ["train", "transfer"])
def test_help_names_every_recipe(verb: str) -> None:
    shown = CliRunner().invoke(app, [verb, "--help"], env={"COLUMNS": "120"}).output
    assert f"--recipe <{'|'.join(RECIPES)}>" in shown


def test_what_a_line_tells_to_give_both_verbs_have(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        run_training(job(SHORT), tmp_path / "a", None)
    lines = [capsys.readouterr().out.splitlines()[-2]]
    with pytest.raises(InputError) as error:
        run_training(job(SHORT, seed=1), tmp_path / "a", None)
    lines.append(str(error.value))
    hot = job(replace(RECIPE, learning_rate=Decimal(1000), randaugment=NONE))
    with pytest.raises(TrialsFailedError) as failed:
        run_training(hot, tmp_path / "b", None)
    lines.append(str(failed.value))
    assert [("is trained" in lines[0]), ("other seed" in lines[1]), ("no longer finite" in lines[2])] == [True] * 3
    for line in lines:
        named = set(re.findall(r"--[a-z-]+", line))
        assert named
        assert named <= options_of("train") & options_of("transfer"), line
