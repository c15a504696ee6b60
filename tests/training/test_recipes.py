"""Recipes against the papers' figures and the released code's arithmetic."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

from scalesearch.errors import SpaceError
from scalesearch.training.recipes import RECIPES

TABLE_6 = {
    # Tan & Le 2021, Table 6: image size, RandAugment, mixup α, dropout, each from the first stage to the last
    "paper": (300, (128, 300), (5, 15), (0, 0), (0.1, 0.3)),
    "paper-m": (380, (128, 380), (5, 20), (0, 0.2), (0.1, 0.4)),
    "paper-l": (380, (128, 380), (5, 25), (0, 0.4), (0.1, 0.5)),
}


@pytest.mark.parametrize("name", TABLE_6)
def test_the_papers_stages_are_table_6(name: str) -> None:
    px, *wanted = TABLE_6[name]
    course = RECIPES[name].stage_schedule(px)
    found = [[getattr(one, key) for one in course] for key in ("px", "randaugment", "mixup", "dropout")]
    assert [(one[0], one[-1]) for one in found] == [tuple(map(pytest.approx, pair)) for pair in wanted]
    assert len(course) == 4
    for values in found:
        steps = [after - before for before, after in pairwise(values)]
        assert max(steps) - min(steps) <= 1  # linear, up to whole px
    assert [one.begin for one in course] + [course[-1].end] == [0, 88, 175, 262, 350]


def test_the_codes_stages_are_its_formula() -> None:
    for name, px in (("code", 300), ("code-m", 384), ("code-l", 384)):
        course = RECIPES[name].stage_schedule(px)
        assert [one.px for one in course] == [int(128 + (px - 128) * (i + 1) / 4) for i in range(4)]
        assert len({one.dropout for one in course}) == 1
    last = {name: RECIPES[name].stage_schedule(384)[-1] for name in ("code", "code-m", "code-l")}
    assert [one.randaugment for one in last.values()] == [10, 15, 20]
    assert [one.mixup for one in last.values()] == [0, 0.2, 0.5] == [one.cutmix for one in last.values()]
    assert [one.dropout for one in last.values()] == [0.2, 0.3, 0.4]


def test_v2s_optimiser_is_section_5s() -> None:
    recipe = RECIPES["paper"]
    assert (recipe.optimizer, recipe.epochs, recipe.batch) == ("rmsprop", 350, 4096)
    figures = (recipe.learning_rate, recipe.weight_decay, recipe.average, recipe.batch_norm)
    assert figures == (Decimal("0.256"), Decimal("0.00001"), Decimal("0.9999"), Decimal("0.01"))
    assert 1 - recipe.stochastic_depth == Decimal("0.8")
    steps = 100
    assert recipe.rate(5 * steps, steps) == pytest.approx(0.256 * 0.97**2)  # 2.4 epochs twice
    assert recipe.rate(0, steps) == pytest.approx(0.256 / 501)
    assert recipe.rate(24 * steps + 1, steps) == pytest.approx(0.256 * 0.97**10)


def test_a_cosine_ends_at_zero_and_a_batch_scales_the_rate() -> None:
    recipe = RECIPES["fast"].with_batch(64)
    assert recipe.learning_rate == 2 * RECIPES["fast"].learning_rate
    steps = 7
    assert recipe.rate(steps * recipe.epochs - 1, steps) < 0.01 * float(recipe.learning_rate)
    assert recipe.rate(steps, steps) == float(recipe.learning_rate)


def test_small_networks_begin_at_the_same_share_of_their_side() -> None:
    assert RECIPES["paper"].sides(64) == (27, 39, 51, 64)
    assert RECIPES["paper"].sides(300)[0] == 128 == RECIPES["paper"].sides(480)[0]
    assert RECIPES["fast"].sides(64) == (32, 48, 64)
    assert RECIPES["fast"].sides(8) == (8, 8, 8)


def test_fixed_is_the_last_stage_throughout() -> None:
    fixed = RECIPES["fast"].fixed()
    (only,) = fixed.stage_schedule(64)
    last = RECIPES["fast"].stage_schedule(64)[-1]
    assert (only.begin, only.end) == (0, fixed.epochs)
    assert replace(only, begin=0, end=0) == replace(last, begin=0, end=0)


def test_few_epochs_leave_no_empty_stage() -> None:
    course = replace(RECIPES["fast"], epochs=1).stage_schedule(64)
    assert sum(one.end - one.begin for one in course) == 1
    assert all(one.end > one.begin for one in course)


@pytest.mark.parametrize("values", [{"epochs": 0}, {"batch": 0}, {"learning_rate": Decimal(0)}, {"stages": 0}])
def test_impossible_values_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(SpaceError, match=next(iter(values))):
        replace(RECIPES["fast"], **values)
