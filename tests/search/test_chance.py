"""A rung on which nothing was learned eliminates nobody."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random

import pytest
from halved import BUDGET, DATA, outcome, plan_of, planted, run_all

from scalesearch.search.chance import Chance, chance
from scalesearch.search.plan import Plan
from scalesearch.search.proxies import DataFacts, Majority
from scalesearch.search.trial import Outcome, TrialSpec
from scalesearch.study.chance_text import prolonged_lines

CHANCE_DATA = replace(DATA, val=400)
"""Four classes of a hundred: chance is .25, its error .0217."""


def prolonging() -> Plan:
    plan = plan_of()
    return Plan(replace(plan.config, prolongs=True), CHANCE_DATA)


def measured(late: int) -> Callable[[TrialSpec], float]:
    """At chance below so many images, as planted from there on."""

    def measure(spec: TrialSpec) -> float:
        assert spec.samples is not None
        return planted(spec) if spec.samples >= late else 0.25 + Random(spec.id).uniform(-0.03, 0.03)

    return measure


@pytest.mark.parametrize(
    ("metric", "data", "level", "error"),
    [
        ("accuracy", DataFacts("d", "f", 4, 9, 400), 0.25, 0.021651),
        ("accuracy", DataFacts("d", "f", 3, 9, 50, counts=(30, 15, 5)), 0.6, 0.069282),
        ("accuracy", DataFacts("d", "f", 3, 9, 50, majority=Majority("a", 40)), 0.8, 0.056569),
        # √(Σ p (1 − p) / nₖ) / K
        ("balanced-accuracy", DataFacts("d", "f", 3, 9, 50, counts=(30, 15, 5)), 1 / 3, 0.086066),
        ("loss", DataFacts("d", "f", 4, 9, 400), 0.25, 0.021651),
    ],
)
def test_chance_is_the_best_that_one_answer_does(metric: str, data: DataFacts, level: float, error: float) -> None:
    found = chance(metric, data)
    assert found.metric == ("balanced-accuracy" if metric.startswith("b") else "accuracy")
    assert found.level == pytest.approx(level)
    assert found.error == pytest.approx(error, abs=1e-5)


def test_the_more_networks_the_further_the_best_must_be() -> None:
    """One-sided 5 % shared by all: 1.645 errors for one, 2.807 for twenty (tables of the normal distribution)."""
    level = Chance("accuracy", 0.25, 0.01)
    assert level.is_exceeded_by_any([0.25 + 0.01646])
    assert not level.is_exceeded_by_any([0.25 + 0.01644])
    assert level.is_exceeded_by_any([0.1] * 19 + [0.25 + 0.02808])
    assert not level.is_exceeded_by_any([0.1] * 19 + [0.25 + 0.02806])
    assert not level.is_exceeded_by_any([])


def test_of_networks_at_chance_one_in_twenty_studies_sees_one_above() -> None:
    draw, level = Random(1), Chance("accuracy", 0.25, (0.25 * 0.75 / 400) ** 0.5)
    hits = sum(
        level.is_exceeded_by_any([sum(draw.random() < 0.25 for _ in range(400)) / 400 for _ in range(5)])
        for _ in range(400)
    )
    assert 8 <= hits <= 36


def test_all_go_on_from_rungs_at_chance_and_then_the_plan_is_as_before() -> None:
    plan = prolonging()
    outcomes = run_all(plan, measured(1024))  # rungs end at 512, 1024 and 2048 images
    networks = [len({spec.network_id for spec in wave} - {plan.base_id}) for wave in plan.waves(outcomes)]
    assert networks[:3] == [11, 11, 3]
    assert plan.state(outcomes).rungs_without_elimination == (0,)
    assert len(outcomes) == plan.total_trials(outcomes) == plan.total_trials() + 5
    seen = sum(plan.proxies.images(spec) for spec in plan.planned(outcomes))
    assert seen == plan.total_images(outcomes) == plan.total_images() + 5 * (1024 - 384)
    (line,) = prolonged_lines(plan, outcomes)
    best = max(plan.first_seed_scores(outcomes, 0))
    assert line == (
        f"Nobody eliminated after 512 images: the best of 11 networks, {best:.4f}, does not differ from always "
        "answering one class (0.2500)"
    )


def test_where_nothing_is_ever_learned_all_reach_the_end() -> None:
    plan = prolonging()
    outcomes = run_all(plan, measured(10**9))
    assert plan.state(outcomes).rungs_without_elimination == (0, 1)
    assert len(plan.rung_arms(outcomes, 2, 1)) == 11
    assert plan.is_complete(outcomes)


def test_a_rung_that_tells_networks_apart_eliminates_as_ever() -> None:
    plan = prolonging()
    outcomes = run_all(plan)
    assert plan.state(outcomes).rungs_without_elimination == ()
    assert prolonged_lines(plan, outcomes) == []
    assert set(outcomes) == set(run_all(Plan(plan_of().config, CHANCE_DATA)))


def test_a_study_of_an_earlier_version_goes_on_by_its_own_rule() -> None:
    plan = Plan(plan_of(BUDGET).config, CHANCE_DATA)
    outcomes = run_all(plan, measured(10**9))
    assert len(outcomes) == plan.total_trials()
    assert plan.state(outcomes).rungs_without_elimination == ()


def test_what_failed_is_no_chance() -> None:
    plan = prolonging()
    outcomes: dict[str, Outcome] = {}
    while left := plan.pending(outcomes):
        outcomes.update({spec.id: outcome(0.0, "failed") for spec in left})
    assert plan.state(outcomes).rungs_without_elimination == ()
    assert plan.first_seed_scores(outcomes, 0) == []
