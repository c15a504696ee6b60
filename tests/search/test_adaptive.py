"""Adaptive waves: which networks are first, who gets further seeds, and that longer searches begin as shorter."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from functools import cache
from math import dist, exp
from random import Random

import pytest
from halved import BUDGET, DATA, outcome
from hypothesis import given
from hypothesis import strategies as st
from networks import SMALL

from scalesearch.design.baselines import load_baseline
from scalesearch.search.budget import BUDGETS
from scalesearch.search.decision.decision import decide
from scalesearch.search.kinds import GridSearch
from scalesearch.search.plan import Plan
from scalesearch.search.schedulers.adaptive import WAVES_VERSION, AdaptiveWaves
from scalesearch.search.schedulers.base import RungTrial
from scalesearch.search.shares import shares_of, spanning
from scalesearch.search.study_config import StudyConfig, fit_budget
from scalesearch.search.trial import Outcome, TrialSpec
from scalesearch.study.result import analyze

WAVES = [
    ["1.3/1.1/1.09375", "1.6/1.1/1.00000", "1/1.2/1.17708", "1/1.4/1.01042", "1/1/1.38542", "2/1/1.00000"],
    ["1.2/1.3/1.00000", "1.4/1.2/1.00000", "1/1.3/1.07292", "1/1.4/1.01042"],
    ["1.1/1.2/1.09375", "1.2/1.3/1.00000", "1/1.3/1.07292", "1/1.4/1.01042"],
    ["1.2/1/1.28125", "1.7/1.1/1.00000", "1/1.1/1.26042", "1/1.4/1.01042"],
]
"""The (α, β, γ) of each wave of `every_outcome()`."""


@cache
def plan_of(seeds: int = 4) -> Plan:
    budget = replace(BUDGET, candidates=None, seeds=1, final_seeds=seeds)
    return Plan(StudyConfig(SMALL, Decimal(1), budget, scheduler="adaptive"), DATA)


def planted(spec: TrialSpec) -> Outcome:
    """Wider is better, and wider ones are not all in the first wave."""
    if spec.network == SMALL.architecture:
        return outcome(0.5 + Random(spec.id).uniform(-0.01, 0.01), loss=1.0)
    beta = float(plan_of().by_network[spec.network_id].coefficients.beta)
    accuracy = 0.5 + 0.3 * (beta - 1) + Random(spec.id).uniform(-0.01, 0.01)
    return outcome(accuracy, loss=exp(-2 * accuracy))


@cache
def every_outcome(seeds: int = 4) -> Mapping[str, Outcome]:
    plan, outcomes = plan_of(seeds), dict[str, Outcome]()
    while left := plan.pending(outcomes):
        outcomes |= {spec.id: planted(spec) for spec in left}
    return outcomes


def of_candidates(plan: Plan, outcomes: Mapping[str, Outcome]) -> list[list[TrialSpec]]:
    return [[spec for spec in wave if spec.network_id != plan.base_id] for wave in plan.waves(outcomes)]


def of_baseline(plan: Plan, outcomes: Mapping[str, Outcome]) -> list[list[int]]:
    return [sorted(spec.seed for spec in wave if spec.network_id == plan.base_id) for wave in plan.waves(outcomes)]


def test_the_first_wave_has_the_most_of_each_dimension() -> None:
    plan = plan_of()
    (first,) = of_candidates(plan, {})
    coefficients = {plan.by_network[spec.network_id].coefficients for spec in first}
    shares = [shares_of(candidate.coefficients) for candidate in plan.trained]
    assert len(shares) > 11
    for axis in range(3):
        most = max(shares, key=lambda one: one[axis])
        assert any(shares_of(one) == most for one in coefficients)
    assert len(coefficients) == 6
    assert {spec.seed for spec in first} == {0}


def test_later_waves_are_those_that_the_decision_finds_probably_the_best() -> None:
    plan, every = plan_of(), every_outcome()
    waves = plan.waves(every)
    for index in range(1, len(waves)):
        before = {spec.id: every[spec.id] for wave in waves[:index] for spec in wave}
        ranking = plan.ranking(before)
        assert ranking is not None
        decision = decide(plan, before, ranking)
        wave = [spec.network_id for spec in waves[index] if spec.network_id != plan.base_id]
        least = min(map(decision.probability_best, wave))
        assert len(set(wave)) == 4
        assert all(decision.probability_best(key) <= least for key in plan.by_network if key not in wave)


def test_the_best_network_is_found_although_the_first_wave_does_not_have_it_alone() -> None:
    result = analyze(plan_of(), every_outcome())
    assert result is not None
    betas = {key: one.coefficients.beta for key, one in result.plan.by_network.items()}
    assert betas[result.recommended] == max(betas.values())
    assert result.untrained
    assert result.untrained_words is not None
    trained = {spec.network_id for spec in result.planned}
    assert set(result.untrained) == set(betas) - trained
    assert result.untrained_words.startswith(
        f"{len(result.untrained)} of {len(betas)} candidates; the best of all is"
    )


def test_seeds_follow_one_another_and_the_unscaled_network_is_one_ahead() -> None:
    """Its trials train the trunks from which the others of a seed are grown."""
    plan, every = plan_of(), every_outcome()
    assert of_baseline(plan, every) == [[0, 1], [2], [3], []]
    waves, started = of_candidates(plan, every), Counter[str]()
    for wave in waves:
        for spec in wave:
            assert spec.seed == started[spec.network_id]
        started.update(spec.network_id for spec in wave)
    assert max(started.values()) <= len(waves) == 4
    assert len(every) == plan.total_trials() == 4 + 6 + 3 * 4
    assert plan.total_images() == sum(plan.proxies.images(spec) for spec in plan.planned(every))


@pytest.mark.parametrize("seeds", range(1, 6))
def test_a_longer_search_begins_with_the_shorter(seeds: int) -> None:
    assert every_outcome(seeds).items() < every_outcome(seeds + 1).items()


def test_resuming_asks_for_the_same_trials() -> None:
    plan, every, random = plan_of(), every_outcome(), Random(1)
    for _ in range(20):
        recorded = {key: every[key] for key in random.sample(sorted(every), random.randint(0, len(every)))}
        while left := plan.pending(recorded):
            assert not {spec.id for spec in left} & set(recorded)
            recorded.update({spec.id: every[spec.id] for spec in left})
        assert recorded == every


def of_another_version(plan: Plan) -> Plan:
    return replace(plan, config=replace(plan.config, older_waves=True))


def trained_by_another_version(plan: Plan, seed: int) -> dict[str, Outcome]:
    """Trials as a version chooses them whose waves are at random."""
    random, scheduler, outcomes = Random(seed), plan.scheduler, dict[str, Outcome]()
    started, networks = Counter[str](), sorted(plan.by_network)
    for wave in range(scheduler.seeds):
        chosen = random.sample(networks, 6 if wave == 0 else 4)
        trials = [RungTrial(key, started[key]) for key in chosen] + [RungTrial(plan.base_id, wave)]
        started.update(chosen)
        specs = map(plan.rung_spec, trials)
        outcomes |= {spec.id: planted(spec) for spec in specs}
    return outcomes


@pytest.mark.parametrize("seed", range(6))
def test_a_study_of_another_version_is_complete_with_its_own_trials(seed: int) -> None:
    plan = plan_of()
    old = trained_by_another_version(plan, seed)
    assert plan.pending(old), "today's version chooses others"
    old_plan = of_another_version(plan)
    assert old_plan.is_complete(old)
    assert {spec.id for spec in old_plan.planned(old)} == set(old)


@pytest.mark.parametrize("seed", range(6))
def test_a_stopped_study_of_another_version_keeps_its_trials_and_ends_with_as_many(seed: int) -> None:
    plan, random = of_another_version(plan_of()), Random(seed)
    outcomes = trained_by_another_version(plan, seed)
    of_candidates = [key for key in outcomes if key not in {plan.spec(SMALL.architecture, s).id for s in range(4)}]
    for key in random.sample(of_candidates[-4:], 3):
        del outcomes[key]
    kept = set(outcomes)
    while left := plan.pending(outcomes):
        outcomes |= {spec.id: planted(spec) for spec in left}
    assert {spec.id for spec in plan.planned(outcomes)} == set(outcomes) > kept
    assert len(outcomes) == plan.total_trials()


def test_a_change_of_the_waves_increases_their_version() -> None:
    """Else studies that an earlier version has completed would ask for other trials."""
    names = {
        key: "/".join(map(str, (one.coefficients.alpha, one.coefficients.beta, one.coefficients.gamma)))
        for key, one in plan_of().by_network.items()
    }
    waves = [sorted(names[spec.network_id] for spec in wave) for wave in of_candidates(plan_of(), every_outcome())]
    assert (WAVES_VERSION, waves) == (2, WAVES)


def test_later_trials_do_not_change_who_has_them() -> None:
    plan, every = plan_of(), every_outcome()
    for spec in plan.waves(every)[-1]:
        assert plan.planned({**every, spec.id: outcome(0.0)}) == plan.planned(every)


def test_who_fails_gets_no_further_trial() -> None:
    plan, outcomes = plan_of(), dict[str, Outcome]()
    widest = max(plan.trained, key=lambda one: one.coefficients.beta).architecture
    while left := plan.pending(outcomes):
        outcomes |= {
            spec.id: outcome(0.9, "diverged") if spec.network == widest else planted(spec) for spec in left
        }
    assert [spec.network for spec in plan.planned(outcomes)].count(widest) == 1
    assert len(outcomes) == plan.total_trials()


def test_when_all_fail_the_search_ends() -> None:
    plan, outcomes = plan_of(), dict[str, Outcome]()
    while left := plan.pending(outcomes):
        outcomes |= {spec.id: outcome(0.0, "diverged") for spec in left}
    assert {spec.network_id for wave in plan.waves(outcomes)[1:] for spec in wave} == {plan.base_id}


@pytest.mark.parametrize(
    ("candidates", "seeds", "words"),
    [
        (3, 2, "3 networks that span the grid, then 3 that are probably the best, 1 times"),
        (20, 1, "6 networks that span the grid"),
        (20, 5, "6 networks that span the grid, then 4 that are probably the best, 4 times"),
        (101, 3, "26 networks that span the grid, then 13 that are probably the best, 2 times"),
    ],
)
def test_large_grids_have_larger_waves(candidates: int, seeds: int, words: str) -> None:
    budget = replace(BUDGET, seeds=1, final_seeds=seeds)
    found = AdaptiveWaves.of(budget, 520, [f"{i:03}" for i in range(candidates)])
    assert found.summary(()) == f"adaptive waves: {words}"


def test_ten_minutes_are_22_trainings_of_b0() -> None:
    b0 = load_baseline("b0")
    budget = fit_budget(BUDGETS["quick"], b0, Decimal(1), GridSearch())
    plan = Plan(StudyConfig(b0, Decimal(1), budget, scheduler="adaptive"), DATA)
    assert plan.total_trials() == 6 + 4 * 4 + 5  # and the unscaled network with every seed


def test_trunks_are_trained_once_at_a_time() -> None:
    config = plan_of().config
    recipe = replace(config.budget.recipe, trunk_epochs=1)
    grown = Plan(replace(config, budget=replace(config.budget, recipe=recipe, rungs=1)), DATA)
    (first,) = grown.waves({})
    assert [(spec.network_id == grown.base_id, spec.seed) for spec in first[:2]] == [(True, 0), (True, 1)]
    assert all(spec.network_id != grown.base_id for spec in first[2:])


SHARES = st.tuples(*[st.integers(0, 20)] * 3).filter(lambda one: sum(one) > 0).map(
    lambda one: (one[0] / sum(one), one[1] / sum(one), one[2] / sum(one))
)  # fmt: skip


@given(st.lists(SHARES, min_size=1, max_size=12), st.integers(1, 12))
def test_spanning_points_are_each_the_farthest_from_those_before(
    shares: list[tuple[float, float, float]], count: int
) -> None:
    chosen = spanning(shares, count)
    assert len(chosen) == len(set(chosen)) == min(count, len(shares))
    ends = {max(one[axis] for one in shares) for axis in range(3)}
    if count >= 3:
        assert ends <= {shares[index][axis] for index in chosen for axis in range(3)}
    for place in range(3, len(chosen)):
        before = [shares[index] for index in chosen[:place]]
        distances = [min(dist(one, other) for other in before) for one in shares]
        assert distances[chosen[place]] >= max(distances) - 1e-8
