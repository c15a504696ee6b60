"""The same training on a GPU: captured steps are the steps op by op, up to bfloat16."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
import torch
from schooled import RECIPE, bright_sides, job

from scalesearch.training.events import EpochMetrics
from scalesearch.training.recipes import NONE, TrainRecipe
from scalesearch.training.run import MemberTraining

pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")]


def losses(recipe: TrainRecipe, captured: bool, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    asked = job(recipe)
    run = MemberTraining(asked.network(), bright_sides(), asked.recipe, asked.sizes, 0, torch.device("cuda"))
    if not captured:
        monkeypatch.setattr(run, "_can_capture", lambda: False)
    return [one.train_loss for one in run.epochs() if isinstance(one, EpochMetrics)]


def test_captured_steps_are_those_op_by_op(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted, got = (losses(RECIPE, captured, monkeypatch) for captured in (False, True))
    assert len(got) == RECIPE.epochs
    assert got == pytest.approx(wanted, rel=0.1)


def test_rmsprop_trains(monkeypatch: pytest.MonkeyPatch) -> None:
    """At a rate for RMSProp, whose steps are as long as the rate whatever the gradient."""
    plain = replace(RECIPE.fixed(), randaugment=NONE, mixup=NONE, epochs=12)
    found = losses(replace(plain, optimizer="rmsprop", learning_rate=Decimal("0.003")), True, monkeypatch)
    assert found[-1] < 0.85 * found[0]
