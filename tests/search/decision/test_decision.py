"""What is recommended, and what the records tell the model."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from math import log

import numpy as np
import pytest
from networks import SMALL, staged

from scalesearch.design.cost import cost
from scalesearch.search.budget import BUDGETS, with_constant_lr_and_decay
from scalesearch.search.canonical import digest
from scalesearch.search.decision.data import Channel, StudyData, Training
from scalesearch.search.decision.decision import TOLERANCE, Decision, decide
from scalesearch.search.decision.posterior import posterior
from scalesearch.search.decision.records import study_data
from scalesearch.search.decision.surface import surface_of
from scalesearch.search.grid import triples
from scalesearch.search.plan import Plan
from scalesearch.search.proxies import DataFacts
from scalesearch.search.shares import shares_of
from scalesearch.search.study_config import StudyConfig
from scalesearch.search.task import Epoch
from scalesearch.search.trial import Outcome, TrialSpec

DATA = DataFacts("scenes", "abc", 4, 512, 256)
_SMOKE = with_constant_lr_and_decay(BUDGETS["smoke"])
HALVED = replace(
    _SMOKE,
    step=Decimal("0.1"),
    tolerance=Decimal("0.1"),
    seeds=1,
    finalists=2,
    final_seeds=3,
    width_divisor=4,
    rungs=3,
    candidates=12,
    recipe=replace(_SMOKE.recipe, epochs=4, batch=16),
)


def plan_of() -> Plan:
    return Plan(StudyConfig(SMALL, Decimal(1), HALVED, "balanced", scheduler="halving"), DATA)


def outcome(accuracy: float, train: float = 1.0, val: float = 1.0) -> Outcome:
    return Outcome("complete", (Epoch(1, 512, train, val, accuracy, 1.0),), 1.0, 1.0)


def run_all(plan: Plan, best: str = "", level: float = 0.6) -> dict[str, Outcome]:
    """`best` is .1 above the others; the noise of a trial is .001."""
    outcomes: dict[str, Outcome] = {}

    def measure(spec: TrialSpec) -> float:
        noise = np.random.default_rng(int(spec.id, 16)).normal(0, 0.001)
        return float(level + 0.1 * (spec.network_id == best) + noise)

    while left := plan.pending(outcomes):
        outcomes.update({spec.id: outcome(measure(spec)) for spec in left})
    return outcomes


def decided(plan: Plan, outcomes: dict[str, Outcome]) -> Decision:
    ranking = plan.ranking(outcomes)
    assert ranking is not None
    return decide(plan, outcomes, ranking)


def test_a_clear_best_is_recommended_and_costs_nothing() -> None:
    plan = plan_of()
    best = sorted(plan.by_network)[3]
    found = decided(plan, run_all(plan, best))
    assert found.choice == best
    assert found.probability_best(best) > 0.99
    assert max(found.regret, found.regret_bound) < 0.01
    assert found.regret == found.expected_regret(best) == min(map(found.expected_regret, plan.by_network))
    assert found.mean(best) == pytest.approx(0.7, abs=0.01)
    assert found.error(best) < 0.01
    assert found.gain_of_another_seed <= found.regret + 1e-12


def test_of_equals_the_cheapest_that_was_trained_the_longest() -> None:
    plan = plan_of()
    outcomes = run_all(plan)
    found = decided(plan, outcomes)
    ranked = [arm.key for arm in plan.arms(outcomes)]
    best = max(map(found.mean, ranked))
    close = [key for key in ranked if best - found.mean(key) <= TOLERANCE * found.posterior.noise]
    assert found.choice == min(close, key=lambda key: plan.by_network[key].cost.activations)
    # Nothing that was ranked has both a higher expected metric and fewer activations.
    own = plan.by_network[found.choice].cost.activations
    assert not [
        k for k in ranked if found.mean(k) > found.mean(found.choice) and plan.by_network[k].cost.activations < own
    ]


def test_what_is_no_better_than_the_unscaled_network_is_not_recommended_if_another_is() -> None:
    plan = plan_of()
    outcomes = run_all(plan)
    ranked = {arm.key: found for arm in plan.arms(outcomes) for found in [decided(plan, outcomes).mean(arm.key)]}
    between = (max(ranked.values()) + sorted(ranked.values())[-2]) / 2
    base = {spec.id for spec in plan.planned(outcomes) if spec.network_id == plan.base_id}
    lifted = {key: outcome(between) if key in base else one for key, one in outcomes.items()}
    found = decided(plan, lifted)
    others = [found.mean(key) for key in ranked]
    assert found.mean(found.choice) > between or max(others) <= between


def test_records_become_trainings_with_their_rungs_and_losses() -> None:
    plan = plan_of()
    outcomes = run_all(plan)
    data = study_data(plan, outcomes)
    assert data.candidates == tuple(plan.by_network)
    assert data.rungs == (0, 1, 2)
    assert sum(len(one.values) for one in data.trainings) == 2 * len(outcomes)
    for training in data.trainings:
        rungs = sorted({channel.rung for channel in training.values})
        assert rungs == [*range(len(rungs))] or rungs == [2]  # finalists' further seeds go straight to their rung
        assert {channel.response for channel in training.values} == {0, 1}
    first = next(one for one in plan.waves({})[0] if one.network_id != plan.base_id)
    losses = {**outcomes, first.id: outcome(0.31, train=2.0, val=8.0)}
    (found,) = [one.values for one in study_data(plan, losses).trainings if one.values.get(Channel(0)) == 0.31]
    assert found[Channel(0, 1)] == pytest.approx(-log(8))
    by_loss = replace(plan, config=replace(plan.config, metric="loss"))
    assert {c.response for one in study_data(by_loss, {}).trainings for c in one.values} <= {0}


def test_shares_are_those_after_rounding() -> None:
    """Of the logarithms that the multiply-adds grow by when one dimension grows alone, to the rounded value."""
    plan = plan_of()
    data, base = study_data(plan, {}), SMALL.architecture
    assert data.shares is not None
    for key, row in zip(data.candidates, data.shares, strict=True):
        own = staged(plan.by_network[key].architecture)
        deep = base.resized(base.widths, own.depths, base.resolution)
        wide = base.resized(own.widths, base.depths, base.resolution)
        large = base.resized(base.widths, base.depths, own.resolution)
        parts = np.log([cost(one).macs / cost(base).macs for one in (deep, wide, large)])
        np.testing.assert_allclose(row, parts / parts.sum())
    ratios = [plan.proxies.adjusted_ratio(key) for key in data.candidates]
    np.testing.assert_allclose(data.log_costs, np.log(ratios) - np.mean(np.log(ratios)))
    assert data.baseline == digest(base)


def test_a_planted_hill_is_found_between_the_candidates() -> None:
    """Highest where depth has .3 and width .5 of the compute; two seeds, noise .001."""
    draw = np.random.default_rng(4)
    shares = np.array([shares_of(point) for point in triples(Decimal("0.1"), Decimal("0.1"))])
    values = 0.8 - 0.4 * (shares[:, 0] - 0.3) ** 2 - 0.2 * (shares[:, 1] - 0.5) ** 2
    trainings = tuple(
        Training(str(n), {Channel(0): value + draw.normal(0, 0.001)})
        for n, value in enumerate(values)
        for _ in "ab"
    )
    names = tuple(map(str, range(len(values))))
    found = posterior(StudyData(names, shares, np.zeros(len(values)), trainings, "base"))
    surface = surface_of(found)
    assert surface is not None
    assert surface.optimum == pytest.approx((0.3, 0.5, 0.2), abs=0.04)
    for axis, truth in zip(("depth", "width", "resolution"), (0.3, 0.5, 0.2), strict=True):
        low, high = surface.region[axis]
        assert low - 0.011 <= truth <= high + 0.011  # the optimum is looked for in steps of .02
        assert high - low < 0.25
    assert surface.explained > 0.95
    np.testing.assert_allclose(surface.heights([(0.3, 0.5, 0.2), (0.0, 0.0, 1.0)]), [0.8, 0.714], atol=0.004)


def test_networks_that_differ_each_in_its_own_way_have_a_surface_that_explains_little() -> None:
    draw = np.random.default_rng(8)
    shares = np.array([shares_of(point) for point in triples(Decimal("0.05"), Decimal("0.1"))])[::3]
    values = draw.normal(0.7, 0.03, len(shares))
    trainings = tuple(
        Training(str(n), {Channel(0): value + draw.normal(0, 0.002)})
        for n, value in enumerate(values)
        for _ in "abc"
    )
    found = posterior(
        StudyData(tuple(map(str, range(len(values)))), shares, np.zeros(len(values)), trainings, "base")
    )
    surface = surface_of(found)
    assert surface is not None
    assert surface.explained < 0.5
    low, high = surface.region["depth"]
    assert high - low > 0.3
