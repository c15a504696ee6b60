"""Successive halving: its ladder, who goes on, when it stops, and that a resumed climb is the same climb."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from itertools import pairwise
from random import Random

import pytest
from halved import BUDGET, DATA, RECIPE, layers, outcome, plan_of, planted, run_all
from networks import SMALL, staged

from scalesearch.errors import SpaceError
from scalesearch.search.budget import Budget, with_constant_lr_and_decay
from scalesearch.search.completion import all_completed, eliminated
from scalesearch.search.metrics import ImagesError
from scalesearch.search.plan import Plan
from scalesearch.search.schedulers.base import REDUCTION, Rung, Score
from scalesearch.search.schedulers.halving import Halving, best_first, leader_stands_out, pooled_noise
from scalesearch.search.study_config import StudyConfig
from scalesearch.search.trial import Outcome, TrialSpec


def ladder(budget: Budget, train_images: int, candidates: int) -> Halving:
    return Halving.of(budget, train_images, [f"{i:02}" for i in range(candidates)])


def test_the_ladder_of_a_budget() -> None:
    """520 images are 32 batches of 16, four epochs 128 steps: rungs of 32, 64, 128, a quarter of each a decay."""
    found = ladder(BUDGET, 520, 11)
    assert found.rungs == (Rung(32 * 16, 24 * 16, 11), Rung(64 * 16, 48 * 16, 6), Rung(128 * 16, 96 * 16, 3))
    assert (found.finalists, found.seeds) == (2, 3)


def test_a_rung_is_never_narrower_than_the_finalists_and_never_empty() -> None:
    found = ladder(replace(BUDGET, finalists=5, rungs=9), 520, 7)
    assert [rung.num_entering for rung in found.rungs] == [7, 5, 5, 5, 5, 5, 5, 5]  # 128 steps halve seven times
    assert [rung.samples // 16 for rung in found.rungs] == [1, 2, 4, 8, 16, 32, 64, 128]
    assert all(0 <= rung.decay_start < rung.samples for rung in found.rungs)
    assert ladder(replace(BUDGET, finalists=99), 520, 3).finalists == 3
    alone = ladder(
        replace(BUDGET, finalists=5, final_seeds=1), 520, 7
    )  # without further seeds nobody is a finalist
    assert [rung.num_entering for rung in alone.rungs] == [7, 4, 2]
    assert ladder(replace(BUDGET, rungs=1), 520, 11).rungs == (Rung(128 * 16, 96 * 16, 11),)


def test_the_better_half_goes_on_and_the_best_get_the_seeds() -> None:
    plan = plan_of()
    outcomes = run_all(plan)
    waves = plan.waves(outcomes)
    rungs, final = waves[:3], waves[3]
    assert len(waves) == 4
    candidates = [[spec for spec in wave if spec.network_id != plan.base_id] for wave in rungs]
    assert [len(wave) for wave in candidates] == [11, 6, 3]
    assert {spec.seed for wave in candidates for spec in wave} == {0}
    for entered, stayed in pairwise(candidates):
        ids = {spec.network_id for spec in stayed}
        best = sorted(entered, key=lambda spec: -planted(spec))[: len(ids)]
        assert ids == {spec.network_id for spec in best}
    assert {spec.seed for spec in final} == {1, 2}
    assert len({spec.network_id for spec in final}) == 2
    assert {spec.samples for spec in final} == {2048}
    assert {spec.since for spec in final} == {0}
    assert len(outcomes) == plan.total_trials() == 11 + 6 + 3 + 3 * 3 + 2 * 2


def test_a_rung_goes_on_where_the_one_before_forked() -> None:
    plan = plan_of()
    outcomes = run_all(plan)
    for wave, since in zip(plan.waves(outcomes)[:3], (0, 24 * 16, 48 * 16), strict=True):
        assert {spec.since for spec in wave} == {since}
    seen = sum(plan.proxies.images(spec) for spec in plan.planned(outcomes))
    first = (11 + 3) * 512 + (6 + 3) * (1024 - 384) + (3 + 3) * (2048 - 768)
    assert seen == plan.total_images() == first + 4 * 2048


def test_trunks_have_one_name_over_all_rungs() -> None:
    plan = plan_of()
    outcomes = run_all(plan)
    first, second, *_ = plan.waves(outcomes)
    before = {(spec.network_id, spec.seed): spec for spec in first}
    for spec in second:
        other = before[spec.network_id, spec.seed]
        assert other.checkpoint_id == spec.checkpoint_id
        assert other.id != spec.id
    assert len({spec.checkpoint_id for spec in first}) == len(first)


def test_resuming_asks_for_the_same_trials() -> None:
    """Whatever part of whatever rung is recorded, what is left leads to the same whole."""
    plan, random = plan_of(), Random(1)
    every = run_all(plan)
    whole = {spec.id for spec in plan.planned(every)}
    assert whole == set(every)
    for _ in range(10):
        kept = random.sample(sorted(every), random.randint(0, len(every)))
        recorded = {key: every[key] for key in kept}
        while left := plan_of().pending(recorded):
            assert not {spec.id for spec in left} & set(recorded)
            recorded.update({spec.id: every[spec.id] for spec in left})
        assert recorded == every


def test_further_seeds_do_not_change_who_has_them() -> None:
    plan = plan_of()
    every = run_all(plan)
    last = plan.waves(every)[-1]
    for spec in last:
        swapped = {**every, spec.id: outcome(0.0)}
        assert plan.planned(swapped) == plan.planned(every)


def test_who_diverges_is_out() -> None:
    plan = plan_of()
    outcomes: dict[str, Outcome] = {}
    deepest = max(plan.trained, key=lambda one: sum(staged(one.architecture).depths)).architecture
    while left := plan.pending(outcomes):
        for spec in left:
            outcomes[spec.id] = outcome(planted(spec), "diverged" if spec.network == deepest else "complete")
    assert [spec.network for spec in plan.planned(outcomes)].count(deepest) == 1
    assert not all_completed(plan, outcomes)


def test_when_all_diverge_the_climb_ends() -> None:
    plan = plan_of()
    outcomes: dict[str, Outcome] = {}
    while left := plan.pending(outcomes):
        outcomes.update({spec.id: outcome(0.0, "diverged") for spec in left})
    assert len(outcomes) == 11 + 3
    assert plan.ranking(outcomes) is None


def test_it_stops_early_where_the_leader_stands_out() -> None:
    deepest = max(sum(staged(one.architecture).depths) for one in plan_of().trained)

    def clear(spec: TrialSpec) -> float:
        return (0.95 if layers(spec) == deepest else 0.4) + 0.001 * spec.seed

    plan = plan_of()
    outcomes = run_all(plan, clear)
    found = plan.state(outcomes)
    assert (found.reached, found.early_stopped) == (1, True)
    assert {spec.samples for spec in plan.waves(outcomes)[-1]} == {1024}
    ranking = plan.ranking(outcomes)
    assert ranking is not None
    assert sum(staged(plan.by_network[ranking.arms[0].key].architecture).depths) == deepest
    assert not plan.state(run_all(plan)).early_stopped


def test_the_ranking_holds_those_on_the_reached_rung_and_the_rest_is_named() -> None:
    plan = plan_of()
    outcomes = run_all(plan)
    ranking = plan.ranking(outcomes)
    assert ranking is not None
    assert len(ranking.arms) == 3
    assert sorted(arm.seeds for arm in ranking.arms) == [1, 3, 3]
    left = eliminated(plan, outcomes)
    assert sorted(left.values()) == [0] * 5 + [1] * 3
    assert set(left) | {arm.key for arm in ranking.arms} == set(plan.by_network)
    assert all_completed(plan, outcomes)
    # While the second rung is under way the first one ranks.
    part = {spec.id: outcomes[spec.id] for spec in (*plan.waves({})[0], plan.waves(outcomes)[1][0])}
    ranking = plan.ranking(part)
    assert ranking is not None
    assert len(ranking.arms) == 11


def test_order_is_by_whole_images_then_by_training_loss() -> None:
    scores = {"a": Score(0.504, 2.0), "b": Score(0.502, 1.0), "c": Score(0.52, 9.0), "d": Score(0.1, 0.1)}
    assert best_first(scores, 100) == ("c", "b", "a", "d")
    assert best_first(scores, 1000) == ("c", "a", "b", "d")
    assert best_first({"y": Score(0.5, 1.0), "x": Score(0.5, 1.0)}, 10) == ("x", "y")


def test_the_leader_needs_one_leader_on_both_rungs_beyond_the_noise() -> None:
    def scores(**values: float) -> dict[str, Score]:
        return {key: Score(value, 1.0) for key, value in values.items()}

    clear = scores(a=0.8, b=0.5, c=0.4)
    assert leader_stands_out(clear, scores(a=0.9, b=0.6), 0.1)  # 1.96 · √2 · 0.1 is 0.277
    assert not leader_stands_out(clear, scores(a=0.9, b=0.63), 0.1)
    assert not leader_stands_out(clear, scores(a=0.6, b=0.9), 0.1)
    assert not leader_stands_out(scores(a=0.8, b=0.5, c=0.6), scores(a=0.9, b=0.6), 0.1)  # c had been close
    assert leader_stands_out(clear, scores(a=0.9), 9.0)


def test_pooled_noise() -> None:
    # Sums of squares .0002 and .0008 with 1 and 2 degrees of freedom.
    assert pooled_noise([[0.5, 0.52], [0.6, 0.62, 0.64]], ImagesError((10**9,))) == pytest.approx(
        (0.001 / 3) ** 0.5
    )
    assert pooled_noise([[0.5, 0.5]], ImagesError((100,))) == pytest.approx(
        0.05
    )  # the binomial error of 100 images
    assert pooled_noise([], ImagesError((25,))) == pytest.approx(0.1)
    assert pooled_noise([[-2.5, -2.5]], None) == float("inf")  # nothing tells it: no lead stands out
    assert pooled_noise([[-2.5, -2.3]], None) == pytest.approx(0.02**0.5)


def test_a_cosine_cannot_be_prolonged() -> None:
    cosine = replace(BUDGET, recipe=replace(RECIPE, decay=Decimal(0)))
    with pytest.raises(SpaceError, match="without decay"):
        plan_of(cosine)
    assert with_constant_lr_and_decay(cosine).recipe.decay > 0
    assert with_constant_lr_and_decay(BUDGET) is BUDGET
    assert REDUCTION == 2


def test_for_curves_everyone_climbs_with_every_seed() -> None:
    plan = Plan(StudyConfig(SMALL, Decimal(1), replace(BUDGET, seeds=2), scheduler="curves"), DATA)
    outcomes = run_all(plan)
    waves = plan.waves(outcomes)
    assert [len(wave) for wave in waves] == [12 * 2] * 3
    assert len(outcomes) == plan.total_trials() == 72
    assert sum(map(plan.proxies.images, plan.planned(outcomes))) == plan.total_images() == 24 * (512 + 640 + 1280)
    assert eliminated(plan, outcomes) == {}
    assert all(sorted(arm.accuracies) == [0, 1] for arm in plan.arms(outcomes))
    # Its first seed is the trial that halving would have run.
    halved = {spec.id for spec in Plan(replace(plan.config, scheduler="halving"), DATA).waves({})[0]}
    assert len(halved & {spec.id for spec in waves[0]}) >= 11


def test_only_some_candidates() -> None:
    every = plan_of()
    wanted = tuple(sorted(every.by_network))[2:6]
    plan = Plan(replace(every.config, only=wanted), DATA)
    assert set(plan.by_network) == set(wanted)
