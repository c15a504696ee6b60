"""A training in its folder, as `train` and `transfer` run it: what ends it, what it leaves, what may follow."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
import torch
import typer.main
from training.schooled import RECIPE, bright_sides, job

from scalesearch.cli.main import app
from scalesearch.cli.schooling import school
from scalesearch.errors import InputError, TrialsFailedError
from scalesearch.training.recipes import NONE

SHORT = replace(RECIPE, epochs=1)


@pytest.fixture(autouse=True)
def _bright_images(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scalesearch.training.job.load_data", lambda *_: bright_sides())
    monkeypatch.setattr(torch, "set_num_threads", lambda _: None)  # the other tests' as well


def options_of(verb: str) -> set[str]:
    group = typer.main.get_command(app)
    return {word for one in group.commands[verb].params for word in one.opts}  # type: ignore[attr-defined]


def test_what_a_line_tells_to_give_both_verbs_have(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        school(job(SHORT), tmp_path / "a", None)
    lines = [capsys.readouterr().out.splitlines()[-2]]
    with pytest.raises(InputError) as error:
        school(job(SHORT, seed=1), tmp_path / "a", None)
    lines.append(str(error.value))
    hot = job(replace(RECIPE, learning_rate=Decimal(1000), randaugment=NONE))
    with pytest.raises(TrialsFailedError) as failed:
        school(hot, tmp_path / "b", None)
    lines.append(str(failed.value))
    assert [("is trained" in lines[0]), ("other seed" in lines[1]), ("no longer finite" in lines[2])] == [True] * 3
    for line in lines:
        named = set(re.findall(r"--[a-z-]+", line))
        assert named
        assert named <= options_of("train") & options_of("transfer"), line
