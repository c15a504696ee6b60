"""The comparison of searches with a plain script."""

from __future__ import annotations

from decimal import Decimal

import pytest
from plain_comparison import describe, moments, plain_choices
from proxy_snr import UNSCALED, Trial
from search_replay import evidence

from scalesearch.design.baselines import load_baseline
from scalesearch.search.budget import BUDGETS
from scalesearch.search.plan import Plan
from scalesearch.search.proxies import DataFacts
from scalesearch.search.study_config import StudyConfig


def test_scripts_are_resampled_and_the_best_mean_wins() -> None:
    accuracies = {"steady": [0.5, 0.5, 0.5], "lucky": [0.1, 0.1, 0.95], "bad": [0.2, 0.2, 0.2]}
    found = plain_choices(accuracies, 4000)
    # The mean of three draws is above .5 with two draws or more of the lucky seed: 7 of 27.
    assert found.count("lucky") / 4000 == pytest.approx(7 / 27, abs=0.03)
    assert "bad" not in found


def test_a_search_is_asked_on_its_way() -> None:
    plan = Plan(
        StudyConfig(load_baseline("tiny"), Decimal(1), BUDGETS["quick"], scheduler="adaptive"),
        DataFacts("fractal", "", 40, 5000, 2000),
    )
    keys = [*plan.by_network]
    trials = [
        Trial(f"{key}-{seed}", key, seed, 0.7, 0.5 + 0.01 * place + 0.001 * seed, 1.0 - 0.01 * place, 1.0, 1.0)
        for place, key in enumerate(keys)
        for seed in range(8)
    ]
    trials += [Trial(f"b-{seed}", plan.base_id, seed, 0.0, 0.4, 1.5, 1.0, 1.0, UNSCALED) for seed in range(8)]
    data = evidence("tiny", trials)
    found = moments(data, [3, 1, 2, 0, 4, 5, 6, 7])
    assert [one.trials for one in found][:3] == [5, 6, 10]
    # Six candidates, then four in each of four waves.
    assert found[-1].trials == 6 + 4 * 4
    assert [one.macs for one in found] == sorted(one.macs for one in found)
    assert found[-1].choice == keys[-1]


def test_regrets_have_errors() -> None:
    assert describe([0.01, 0.03]) == "2.00 ± 1.00"
