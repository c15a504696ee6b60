"""What `--plan` says a search can find out."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from scalesearch.design.baselines import load_baseline
from scalesearch.search.budget import BUDGETS
from scalesearch.search.expectations import LEADS, expectation_words
from scalesearch.search.kinds import GridSearch
from scalesearch.search.plan import Plan
from scalesearch.search.proxies import DataFacts
from scalesearch.search.study_config import StudyConfig, fit_budget, with_overrides


def plan_of(
    seeds: int | None = None, data: str = "fractal scenes", scheduler: str = "adaptive", version: int = 3
) -> Plan:
    baseline = load_baseline("tiny")
    budget = replace(with_overrides(BUDGETS["quick"], None, None, seeds), version=version)
    fitted = fit_budget(budget, baseline, Decimal(1), GridSearch())
    config = StudyConfig(baseline, Decimal(1), fitted, scheduler=scheduler)
    return Plan(config, DataFacts(data, "", 40, 5000, 2000))


@pytest.mark.parametrize(
    ("seeds", "words"),
    [
        (
            None,
            "With 5 seeds, a lead of 0.03 in accuracy over the second best is called significant in 51 to 89 %",
        ),
        (7, "With 5 seeds"),
    ],
)
def test_the_measured_figures_are_said(seeds: int | None, words: str) -> None:
    said = expectation_words(plan_of(seeds))
    assert said is not None
    assert said.startswith(words)


def test_nothing_is_said_where_nothing_was_measured() -> None:
    assert expectation_words(plan_of(data="photos")) is None
    assert expectation_words(plan_of(scheduler="grid")) is None
    assert expectation_words(plan_of(scheduler="sequential")) is None
    assert expectation_words(plan_of(version=2)) is None
    assert expectation_words(plan_of(1)) is None
    own = replace(BUDGETS["quick"], name="mine", scenes=replace(BUDGETS["quick"].scenes, noise=3))
    assert expectation_words(replace(plan_of(), config=replace(plan_of().config, budget=own))) is None


def test_nothing_is_said_of_trainings_from_scratch() -> None:
    plan, scratch = plan_of(), BUDGETS["quick"].recipe.from_scratch
    budget = replace(plan.config.budget, recipe=scratch)
    assert expectation_words(replace(plan, config=replace(plan.config, budget=budget))) is None


def test_they_are_for_the_budget_of_today() -> None:
    assert {one.version for one in LEADS} == {BUDGETS["quick"].version}
