"""Replays of searches from planted trials, whose truth is known."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from proxy_snr import CANDIDATE, UNSCALED, Trial, read
from search_replay import Replay, accuracy_of, evidence, measured, planted, search, truth_of

from scalesearch.design.baselines import load_baseline
from scalesearch.search.budget import BUDGETS
from scalesearch.search.expectations import LEADS
from scalesearch.search.plan import Plan
from scalesearch.search.proxies import DataFacts
from scalesearch.search.study_config import StudyConfig

SEEDS = range(40, 48)
SLOPE = 0.1
"""The gain in accuracy for a unit of the logarithm of the proxy's cost."""


@pytest.fixture(scope="module")
def plan() -> Plan:
    budget = BUDGETS["quick"]
    config = StudyConfig(load_baseline("tiny"), Decimal(1), budget, scheduler="adaptive")
    return Plan(config, DataFacts("fractal", "", 40, 5000, 2000))


def trials(plan: Plan, value_of: Callable[[int], float], noise: float) -> list[Trial]:
    """Trials of candidates whose accuracy at equal cost is .7 + `value_of(index)`; their losses say the same."""
    draw, found = np.random.default_rng(3), []
    networks = [(key, CANDIDATE, value_of(index)) for index, key in enumerate(plan.by_network)]
    for key, role, value in [*networks, (plan.base_id, UNSCALED, 0.0)]:
        log_cost = float(np.log(plan.proxies.adjusted_ratio(key)))
        for seed in SEEDS:
            accuracy = 0.6 + value + SLOPE * log_cost + draw.normal(0, noise)
            loss = float(np.exp(-2 * (accuracy - 0.6)))
            found.append(Trial(f"{key}-{seed}", key, seed, log_cost, accuracy, loss, 1.0, 1.0, role))
    return found


def test_without_noise_every_search_finds_the_best(plan: Plan) -> None:
    data = evidence("tiny", trials(plan, lambda index: 0.01 * (index % 5), 1e-5))
    for one in measured(data, 3, None):
        assert one.regret == pytest.approx(0, abs=1e-3)
        assert one.least_regret == pytest.approx(0, abs=1e-3)
        assert np.corrcoef(one.posterior_K, one.truth_KN.mean(1))[0, 1] > 0.99


def test_the_truth_is_corrected_for_cost(plan: Plan) -> None:
    data = evidence("tiny", trials(plan, lambda index: 0.01 * (index % 5), 1e-6))
    means_K = data.corrected(lambda values: values.accuracy, data.seeds).mean(1)
    wanted_K = np.array([0.01 * (index % 5) for index in range(len(data.networks))])
    # The mean lead over the unscaled network is taken as the gain by cost, so only a slope by cost can be left.
    rest_K = means_K - wanted_K
    assert np.corrcoef(rest_K, data.log_costs)[0, 1] ** 2 > 0.99 or rest_K.std() < 1e-4
    assert data.spreads[0] == pytest.approx(means_K.std(ddof=1), rel=1e-3)


def test_a_search_uses_its_own_seeds_only(plan: Plan) -> None:
    data = evidence("tiny", trials(plan, lambda _: 0.0, 0.01))
    asked = set[int]()

    class Watched(dict[tuple[str, int], object]):
        def __getitem__(self, key: tuple[str, int]) -> object:
            asked.add(key[1])
            return super().__getitem__(key)

    search(data.plan, Watched(data.results), [43, 41, 47, 40, 44, 46])  # type: ignore[arg-type]
    assert asked == {43, 41, 47, 40, 44}


def test_equal_networks_have_few_significant_winners_and_a_leader_many(plan: Plan) -> None:
    data = evidence("tiny", trials(plan, lambda index: 0.05 * (index % 5), 0.004))
    assert planted(data, 40, None) <= 0.15
    assert planted(data, 8, 3.0) >= 0.85


def test_the_truth_of_longer_trainings_may_have_some_of_the_networks(plan: Plan) -> None:
    all_trials = trials(plan, lambda index: 0.01 * (index % 5), 0.003)
    data = evidence("tiny", all_trials)
    some = {key for index, key in enumerate(plan.by_network) if index % 2}
    kept = [one for one in all_trials if one.network in some or one.role == UNSCALED]
    truth = truth_of(data, kept)
    assert set(truth.networks) == some
    # The slope is that of a search: with all networks, the truth is the search's own corrected table.
    np.testing.assert_allclose(
        truth_of(data, all_trials).values_KN, data.corrected(accuracy_of, data.seeds), atol=1e-9
    )
    with pytest.raises(SystemExit, match="unscaled=1"):
        truth_of(data, [one for one in all_trials if one.role != UNSCALED])
    assert truth.reliability > 0.9
    (one,) = measured(data, 1, truth)
    assert len(one.posterior_K) == len(some)


def test_the_true_regret_lies_between_its_bounds() -> None:
    """Twelve networks, true values known, five noisy seeds; a choice that does not depend on them."""
    generator, true_regrets, least, most = np.random.default_rng(8), [], [], []
    for _ in range(800):
        values_K = generator.normal(0, 1, 12)
        choice = int(np.argmax(values_K + generator.normal(0, 0.7, 12)))
        truth_KN = values_K[:, None] + generator.normal(0, 0.9, (12, 5))
        one = Replay(values_K, truth_KN, choice, 1.0, significant=False, macs=1)
        true_regrets.append(values_K.max() - values_K[choice])
        least.append(one.least_regret)
        most.append(one.regret)
    assert np.mean(least) < np.mean(true_regrets) < np.mean(most)


def test_too_few_seeds_are_refused(plan: Plan) -> None:
    few = [one for one in trials(plan, lambda _: 0.0, 0.01) if one.seed < 42]
    with pytest.raises(SystemExit, match="needs 5 seeds of every network, has 2"):
        evidence("tiny", few)
    assert evidence("tiny", trials(plan, lambda _: 0.0, 0.01), 8).plan.scheduler.seeds == 8


@pytest.mark.slow
def test_what_plans_promise_is_what_replays_give() -> None:
    """Shares of 60 replays: within three standard errors of those of 100."""
    files = {"b0": "b0-classes", "mobilenet_v2": "mobilenet_v2-classes"}
    folder = Path(__file__).parents[1] / "results" / "proxy_snr"
    for one in LEADS:
        shares = []
        for baseline, name in files.items():
            rows = [trial for _, trial in read(folder / f"{name}.jsonl")]
            data = evidence(baseline, rows, one.seeds)
            shares.append(100 * planted(data, 60, one.lead / data.spreads[0], of_best=True))
        assert min(shares) == pytest.approx(one.lowest, abs=24)
        assert max(shares) == pytest.approx(one.highest, abs=15)
