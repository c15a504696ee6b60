"""The same training on a GPU: captured steps are the steps op by op, up to bfloat16."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from training.schooled import RECIPE, bright_sides, job

from scalesearch.training.events import Row
from scalesearch.training.run import MemberTraining

pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")]


def losses(optimizer: str, captured: bool, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    asked = job(replace(RECIPE, optimizer=optimizer))
    run = MemberTraining(asked.network(), bright_sides(), asked.recipe, asked.sizes, 0, torch.device("cuda"))
    if not captured:
        monkeypatch.setattr(run, "_can_capture", lambda: False)
    return [one.train_loss for one in run.epochs() if isinstance(one, Row)]


def test_captured_steps_are_those_op_by_op(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted, got = (losses("sgd", captured, monkeypatch) for captured in (False, True))
    assert len(got) == RECIPE.epochs
    assert got == pytest.approx(wanted, rel=0.1)


def test_rmsprop_trains(monkeypatch: pytest.MonkeyPatch) -> None:
    assert all(0 < one < 10 for one in losses("rmsprop", True, monkeypatch))
