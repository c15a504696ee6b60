"""Sequential halving: who gets how many seeds, what decides it, and that longer searches begin as shorter."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from math import exp
from random import Random

import pytest
from halved import BUDGET, DATA, layers, outcome
from networks import SMALL, staged

from scalesearch.design.baselines import load_baseline
from scalesearch.design.cost import cost
from scalesearch.search.budget import BUDGETS
from scalesearch.search.kinds import GridSearch
from scalesearch.search.metrics import LOSS
from scalesearch.search.plan import Plan
from scalesearch.search.schedulers.sequential import SequentialHalving
from scalesearch.search.study_config import StudyConfig, fit_budget
from scalesearch.search.trial import Outcome, TrialSpec
from scalesearch.study.chance_text import prolonged_lines


def plan_of(seeds: int = 7, metric: str = "accuracy") -> Plan:
    """Eleven candidates, of which two are finalists."""
    budget = replace(BUDGET, seeds=1, final_seeds=seeds)
    return Plan(StudyConfig(SMALL, Decimal(1), budget, scheduler="sequential", metric=metric), DATA)


def planted(spec: TrialSpec) -> float:
    """Deeper is better; seeds differ by more than networks do, and noise is less."""
    if spec.network == SMALL.architecture:
        return 0.9  # nothing gained over it: nothing is taken off for multiply-adds
    noise = Random(spec.id).uniform(-0.001, 0.001)
    return 0.3 + 0.004 * layers(spec) + 0.05 * (spec.seed % 3) + noise


def measured(spec: TrialSpec, losses_agree: bool = True) -> Outcome:
    """With losses that rank as the accuracies do, or the other way round."""
    good = planted(spec)
    agrees = losses_agree or spec.network == SMALL.architecture
    return outcome(good, loss=exp(-2 * (good if agrees else 0.9 - good)))


def run_planted(plan: Plan) -> dict[str, Outcome]:
    outcomes = dict[str, Outcome]()
    while left := plan.pending(outcomes):
        outcomes |= {spec.id: measured(spec) for spec in left}
    return outcomes


def depths_of(plan: Plan) -> list[int]:
    return sorted(sum(staged(one.architecture).depths) for one in plan.trained)


def waves_of(candidates: int, finalists: int, seeds: int) -> list[tuple[int, int]]:
    """By the schedule's own waves: the candidates and the new seeds of each."""
    budget = replace(BUDGET, finalists=finalists, seeds=1, final_seeds=seeds)
    found = SequentialHalving.of(budget, 520, [f"{i:02}" for i in range(candidates)])
    words = found.summary(()).removeprefix("sequential halving over seeds: ").split(", ")
    return [(int(entering), int(in_the_end)) for entering, in_the_end in (word.split(" with ") for word in words)]


def test_candidates_halve_and_seeds_double() -> None:
    assert waves_of(20, 4, 8) == [(20, 1), (10, 2), (5, 4), (4, 8)]
    assert waves_of(21, 2, 13) == [(21, 1), (11, 2), (6, 4), (3, 8), (2, 13)]
    assert waves_of(3, 4, 4) == [(3, 1), (3, 2), (3, 4)]
    assert waves_of(9, 2, 1) == [(9, 1)]
    assert waves_of(9, 0, 4) == [(9, 1), (5, 2), (4, 4)]  # four finalists where the budget has none


def test_three_seeds_are_38_trainings_of_b0() -> None:
    b0 = load_baseline("b0")
    budget = replace(fit_budget(BUDGETS["quick"], b0, Decimal(1), GridSearch()), final_seeds=3)
    plan = Plan(StudyConfig(b0, Decimal(1), budget, scheduler="sequential"), DATA)
    assert plan.total_trials() == 20 + 10 + 5 + 3  # and the unscaled network with every seed


def test_the_better_half_gets_further_seeds() -> None:
    plan = plan_of()
    outcomes = run_planted(plan)
    waves = [[spec for spec in wave if spec.network_id != plan.base_id] for wave in plan.waves(outcomes)]
    counts = [Counter(spec.seed for spec in wave) for wave in waves]
    assert counts == [{0: 11}, {1: 6}, {2: 3, 3: 3}, {4: 2, 5: 2, 6: 2}]
    for wave in waves[1:]:
        promoted = {spec.network_id: layers(spec) for spec in wave}
        assert sorted(promoted.values()) == depths_of(plan)[-len(promoted) :]
    of_base = [spec.seed for wave in plan.waves(outcomes) for spec in wave if spec.network_id == plan.base_id]
    assert sorted(of_base) == list(range(7))
    assert len(outcomes) == plan.total_trials() == 11 + 6 + 6 + 6 + 7
    assert plan.total_images() == sum(plan.proxies.images(spec) for spec in plan.planned(outcomes))


@pytest.mark.parametrize("metric", ["accuracy", LOSS])
def test_losses_decide_unless_a_loss_ranks(metric: str) -> None:
    """Accuracies prefer deep networks, losses the others."""
    plan, outcomes = plan_of(2, metric), dict[str, Outcome]()
    while left := plan.pending(outcomes):
        outcomes |= {spec.id: measured(spec, losses_agree=False) for spec in left}
    _, second = plan.waves(outcomes)
    promoted = [layers(spec) for spec in second if spec.network_id != plan.base_id]
    every = depths_of(plan)
    chosen = every[: len(promoted)] if metric == "accuracy" else every[-len(promoted) :]
    assert sorted(promoted) == chosen


def test_losses_without_a_logarithm_do_not_decide() -> None:
    plan, outcomes = plan_of(2), dict[str, Outcome]()
    for index, spec in enumerate(plan.pending(outcomes)):
        outcomes[spec.id] = outcome(planted(spec), loss=0.0 if index == 4 else 2.0 + planted(spec))
    _, second = plan.waves(outcomes)
    promoted = [layers(spec) for spec in second if spec.network_id != plan.base_id]
    assert sorted(promoted) == depths_of(plan)[-len(promoted) :]


def test_resuming_asks_for_the_same_trials() -> None:
    plan, random = plan_of(), Random(1)
    every = run_planted(plan)
    for _ in range(10):
        recorded = {key: every[key] for key in random.sample(sorted(every), random.randint(0, len(every)))}
        while left := plan_of().pending(recorded):
            assert not {spec.id for spec in left} & set(recorded)
            recorded.update({spec.id: every[spec.id] for spec in left})
        assert recorded == every


@pytest.mark.parametrize("seeds", range(1, 8))
def test_a_longer_search_begins_with_the_shorter(seeds: int) -> None:
    shorter = run_planted(plan_of(seeds))
    longer = run_planted(plan_of(seeds + 1))
    assert shorter.items() < longer.items()


def test_later_seeds_do_not_change_who_has_them() -> None:
    plan = plan_of()
    every = run_planted(plan)
    for spec in plan.waves(every)[-1]:
        swapped: Mapping[str, Outcome] = {**every, spec.id: outcome(0.0)}
        assert plan.planned(swapped) == plan.planned(every)


def test_who_fails_with_its_first_seed_is_out() -> None:
    plan, outcomes = plan_of(), dict[str, Outcome]()
    deepest = max(plan.trained, key=lambda one: sum(staged(one.architecture).depths)).architecture
    while left := plan.pending(outcomes):
        for spec in left:
            outcomes[spec.id] = outcome(planted(spec), "diverged" if spec.network == deepest else "complete")
    assert [spec.network for spec in plan.planned(outcomes)].count(deepest) == 1


def test_when_all_fail_the_search_ends() -> None:
    plan, outcomes = plan_of(), dict[str, Outcome]()
    while left := plan.pending(outcomes):
        outcomes |= {spec.id: outcome(0.0, "diverged") for spec in left}
    assert len(plan.waves(outcomes)) == 1
    assert plan.is_complete(outcomes)


def test_nobody_is_eliminated_at_chance_and_the_study_says_so() -> None:
    """Of four classes with equally many images, of which every network but one names the same."""
    plan = Plan(replace(plan_of(5).config, prolongs=True), DATA)
    outcomes: dict[str, Outcome] = {}
    while left := plan.pending(outcomes):
        outcomes |= {spec.id: outcome(0.25 + 1e-4 * (layers(spec) == 8), loss=1 + layers(spec)) for spec in left}
    seeds = Counter(spec.network_id for spec in plan.planned(outcomes))
    assert set(seeds.values()) == {5}
    assert len(outcomes) == plan.total_trials(outcomes) == 12 * 5 > plan.total_trials()
    (line,) = prolonged_lines(plan, outcomes)
    assert line.startswith("Nobody eliminated after 2048 images: the best of 11 networks, 0.2501, does not differ")
    blind = plan_of(5)  # as studies were planned that do not have this rule
    assert len(blind.planned(outcomes)) == blind.total_trials(outcomes) < len(outcomes)


def test_the_first_wave_trains_every_trunk_once_at_a_time() -> None:
    config = plan_of().config
    recipe = replace(config.budget.recipe, trunk_epochs=1)
    grown = Plan(replace(config, budget=replace(config.budget, recipe=recipe, rungs=1)), DATA)
    first = grown.waves({})[0]
    seeds = grown.scheduler.seeds
    # The unscaled network's trials train the trunks of all seeds, before the others need them.
    assert {spec.network_id for spec in first[:seeds]} == {grown.base_id}
    assert {spec.seed for spec in first[:seeds]} == set(range(seeds))
    costs = [cost(spec.proxy).macs for spec in first[seeds:]]
    assert costs == sorted(costs, reverse=True)
    assert max(costs) > min(costs)
    # The remaining time is estimated from all that is trained.
    assert grown.proxies.trunk_images > 0
    for spec in first:
        trunk_images = grown.proxies.trunk_images if spec.network_id == grown.base_id else 0
        assert grown.macs(spec) == cost(spec.proxy).macs * (grown.proxies.images(spec) + trunk_images)
