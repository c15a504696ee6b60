"""The plan: which trials a study needs, as a pure function of the outcomes so far."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from random import Random

import pytest
from networks import SMALL, staged

from scalesearch.design.cost import cost
from scalesearch.errors import SpaceError
from scalesearch.search.budget import BUDGETS, Budget
from scalesearch.search.canonical import digest
from scalesearch.search.plan import Plan
from scalesearch.search.proxies import DataFacts, image_px
from scalesearch.search.study_config import StudyConfig, with_overrides
from scalesearch.search.task import Epoch
from scalesearch.search.trial import Outcome, State, TrialSpec

DATA = DataFacts("scenes", "abc", 4, 512, 256)
TWO_WAVES = replace(BUDGETS["smoke"], seeds=1, finalists=3, final_seeds=3, width_divisor=4)


def plan_of(budget: Budget = TWO_WAVES, match: str = "flops") -> Plan:
    return Plan(StudyConfig(SMALL, Decimal(1), budget, "balanced", match), DATA)


def planted(spec: TrialSpec) -> float:
    """Accuracy from depth, with a small seed effect and noise that is the trial's own."""
    noise = Random(spec.id).uniform(-0.002, 0.002)
    return 0.5 + 0.02 * sum(staged(spec.network).depths) + 0.01 * spec.seed + noise


def outcome(accuracy: float, state: State = "complete") -> Outcome:
    return Outcome(state, (Epoch(1, 512, 1.0, 1.0, accuracy, 1.0),), 1.0, 1.0)


def run_all(plan: Plan, measure: Callable[[TrialSpec], float] = planted) -> dict[str, Outcome]:
    """Run whatever is planned and not yet recorded, until nothing is."""
    outcomes: dict[str, Outcome] = {}
    while left := plan.pending(outcomes):
        outcomes.update({spec.id: outcome(measure(spec)) for spec in left})
    return outcomes


def test_the_first_wave_is_the_baseline_and_every_candidate_dearest_first() -> None:
    plan = plan_of(replace(TWO_WAVES, seeds=2))
    first = plan.waves({})[0]
    networks = {plan.base_id, *plan.by_network}
    assert len(plan.trained) == 6
    assert {(spec.network_id, spec.seed) for spec in first} == {(one, seed) for one in networks for seed in (0, 1)}
    assert len(first) == len({spec.id for spec in first}) == 14
    macs = [cost(spec.proxy).macs for spec in first]
    assert macs == sorted(macs, reverse=True)
    assert {spec.data for spec in first} == {"abc"}
    assert {spec.proxy.classes for spec in first} == {4}


def second_wave(plan: Plan, outcomes: Mapping[str, Outcome]) -> tuple[TrialSpec, ...]:
    return next(iter(plan.waves(outcomes)[1:]), ())


def test_the_second_wave_is_for_the_best_of_the_first() -> None:
    plan = plan_of()
    first = plan.waves({})[0]
    outcomes = {spec.id: outcome(planted(spec)) for spec in first}
    second = second_wave(plan, outcomes)
    assert plan.planned(outcomes) == first + second
    score = {spec.network_id: planted(spec) for spec in first if spec.network_id != plan.base_id}
    finalists = {spec.network_id for spec in second}
    assert len(finalists) == 3
    assert plan.base_id not in finalists
    assert {spec.seed for spec in second} == {1, 2}
    assert len(second) == 6
    # The planted gain is far above what a few per cent of MACs are worth, so the deepest are the finalists.
    assert max(score, key=lambda key: score[key]) in finalists
    assert min(score, key=lambda key: score[key]) not in finalists


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"seeds": 2},
        {"seeds": 3},
        {"seeds": 4},
        {"finalists": 0},
        {"finalists": 99},
        {"candidates": 2},
        {"candidates": None, "step": Decimal("0.2"), "tolerance": Decimal("0.2")},
    ],
)
def test_the_total_is_what_is_run(changes: dict[str, int | Decimal | None]) -> None:
    plan = plan_of(replace(TWO_WAVES, **changes))  # type: ignore[arg-type]
    assert len(run_all(plan)) == plan.total_trials()


def test_resuming_asks_for_the_same_trials() -> None:
    """Whatever part of the first wave is recorded, and in whatever order, the plan is the same."""
    plan, random = plan_of(), Random(1)
    every = run_all(plan)
    whole = plan.planned(every)
    assert {spec.id for spec in whole} == set(every)
    for _ in range(25):
        kept = random.sample(sorted(every), random.randint(0, len(every)))
        recorded = {key: every[key] for key in kept}
        found = plan_of().planned(recorded)
        first_over = all(spec.id in recorded for spec in plan.waves({})[0])
        assert found == (whole if first_over else plan.waves({})[0])


def test_what_the_second_wave_finds_does_not_change_who_is_in_it() -> None:
    plan = plan_of()
    every = run_all(plan)
    first = {spec.id for spec in plan.waves({})[0]}
    whole = plan.planned(every)
    for network in {spec.network_id for spec in whole}:
        worse = {spec.id for spec in whole if spec.network_id == network} - first
        swapped = {key: outcome(0.0) if key in worse else one for key, one in every.items()}
        assert plan.planned(swapped) == whole


def test_a_trial_that_ended_badly_is_over_but_counts_for_nothing() -> None:
    plan = plan_of()
    first = plan.waves({})[0]
    outcomes = {spec.id: outcome(planted(spec)) for spec in first}
    best = second_wave(plan, outcomes)[0].network_id
    spoilt = next(spec for spec in first if spec.network_id == best)
    outcomes[spoilt.id] = outcome(0.99, "diverged")
    assert best not in {spec.network_id for spec in second_wave(plan, outcomes)}
    assert best not in {arm.key for arm in plan.arms(outcomes)}
    assert len(second_wave(plan, outcomes)) == 6
    ranking = plan.ranking({spoilt.id: outcomes[spoilt.id]})
    assert ranking is None
    assert second_wave(plan, {}) == ()


def test_a_study_with_fewer_candidates_left_than_finalists_is_over_all_the_same() -> None:
    """Otherwise it would say for ever that it is being resumed."""
    plan = plan_of()
    survivors = {digest(one.architecture) for one in plan.trained[:2]} | {plan.base_id}
    outcomes: dict[str, Outcome] = {}
    while left := plan.pending(outcomes):
        for spec in left:
            state: State = "complete" if spec.network_id in survivors else "diverged"
            outcomes[spec.id] = outcome(planted(spec), state)
    assert len(outcomes) == 7 + 2 * 2 < plan.total_trials()


def test_the_ranking_finds_what_was_planted() -> None:
    plan = plan_of(replace(TWO_WAVES, seeds=3, finalists=0))
    ranking = plan.ranking(run_all(plan))
    assert ranking is not None
    layers = [sum(staged(plan.by_network[one.key].architecture).depths) for one in ranking.arms]
    assert layers[0] == max(layers)
    assert ranking.degrees_of_freedom == 5 * 2


def test_the_macs_ratio_is_of_the_proxies_and_left_out_of_the_literal_protocol() -> None:
    plan = plan_of()
    for key, one in plan.by_network.items():
        spec = plan.spec(one.architecture, 0)
        base = cost(plan.spec(SMALL.architecture, 0).proxy).macs
        assert plan.proxies.ratio(spec.network_id) == pytest.approx(cost(spec.proxy).macs / base / 2)
        assert spec.network_id == key == digest(one.architecture)
    outcomes = run_all(plan)
    assert {arm.macs_ratio for arm in plan.arms(outcomes)} != {1.0}
    assert plan.base_arm(outcomes).macs_ratio == pytest.approx(0.5)
    literal = plan_of(match="none")
    assert {arm.macs_ratio for arm in literal.arms(run_all(literal))} == {1.0}


def test_where_activations_are_matched_the_proxies_activations_are_adjusted_for() -> None:
    plan = Plan(replace(plan_of().config, cost="activations"), DATA)
    outcomes = run_all(plan)
    base = cost(plan.spec(plan.config.baseline.architecture, 0).proxy).activations
    found = {arm.key: arm.macs_ratio for arm in plan.arms(outcomes)}
    assert len(found) == len(plan.trained)
    for key, one in plan.by_network.items():
        own = cost(plan.spec(one.architecture, 0).proxy).activations
        assert found[key] == pytest.approx(own / base / 2)
        assert one.cost.activations / cost(plan.config.baseline.architecture).activations == pytest.approx(
            2, rel=0.05
        )


def test_images_are_kept_as_large_as_the_largest_proxy() -> None:
    plan = plan_of()
    sides = [spec.proxy.side for spec in plan.waves({})[0]]
    assert image_px(plan.config) == max(sides) > TWO_WAVES.resolution


def test_fewer_than_two_candidates_are_no_comparison() -> None:
    fixed = replace(SMALL, axes=("depth",))
    budget = replace(TWO_WAVES, step=Decimal("0.5"), tolerance=Decimal("0.1"))
    with pytest.raises(SpaceError, match="only 1 of 1 grid points gives a network of the wanted cost"):
        _ = Plan(StudyConfig(fixed, Decimal(1), budget), DATA).trained


@pytest.mark.parametrize("phi", ["0", "-4.01", "10.1", "NaN", "Infinity"])
def test_phi_is_checked(phi: str) -> None:
    with pytest.raises(SpaceError, match="phi is"):
        StudyConfig(SMALL, Decimal(phi), TWO_WAVES)


def test_overrides() -> None:
    quick = BUDGETS["quick"]
    assert with_overrides(quick, None, None, None) == quick
    changed = with_overrides(quick, Decimal("0.2"), Decimal("0.3"), 5)
    assert changed == replace(quick, step=Decimal("0.2"), tolerance=Decimal("0.3"), seeds=5, final_seeds=5)
    assert with_overrides(BUDGETS["smoke"], None, None, 2).final_seeds == 0
