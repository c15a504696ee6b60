"""The benchmark of two kinds of proxies, against planted networks."""

from __future__ import annotations

import numpy as np
import pytest
from proxy_agreement import Table, agreement, directions, shares_of_networks, tables
from proxy_snr import CANDIDATE, UNSCALED, Trial

KEYS = 2000


def planted(rho: float, first_noise: float, second_noise: float, seeds: tuple[int, int]) -> tuple[Table, Table]:
    """Networks of variance 1 whose two values correlate by `rho`; costs have a slope of their own in each table."""
    draw = np.random.default_rng(3)
    values_K2 = draw.multivariate_normal([0, 0], [[1, rho], [rho, 1]], KEYS)
    costs = draw.normal(size=(2, KEYS))
    noises = first_noise, second_noise
    found = [
        Table(values_K2[:, [i]] + 3 * i * costs[i][:, None] + draw.normal(0, noises[i], (KEYS, seeds[i])), costs[i])
        for i in range(2)
    ]
    return found[0], found[1]


def test_the_correlation_without_noise_is_the_planted_one() -> None:
    found = agreement(*planted(0.8, 0.5, 2.0, (3, 6)))
    assert found.first_reliability == pytest.approx(3 / (3 + 0.25), abs=0.02)
    assert found.second_reliability == pytest.approx(6 / (6 + 4), abs=0.02)
    assert found.corrected == pytest.approx(0.8, abs=0.03)
    assert found.correlation == pytest.approx(0.8 * np.sqrt(3 / 3.25 * 0.6), abs=0.03)


def test_the_predictive_snr_is_that_of_a_trial_with_the_other_kinds_truth() -> None:
    """One trial is value + noise: its squared correlation with the other's truth is ρ² / (1 + noise²)."""
    share = 0.9**2 / (1 + 0.7**2)
    found = agreement(*planted(0.9, 0.7, 1.5, (4, 5)))
    assert found.predictive_snr == pytest.approx(share / (1 - share), rel=0.08)


def test_what_only_counts_parameters_predicts_nothing() -> None:
    """A score without noise that has nothing to do with the other's values: any SNR, and no predictive one."""
    found = agreement(*planted(0.0, 0.01, 1.0, (2, 4)))
    assert found.first_reliability > 0.99
    assert found.predictive_snr == pytest.approx(0, abs=0.01)
    assert abs(found.tau) < 0.05


def test_directions_are_the_planted_ones() -> None:
    """Scores rise by .04 from all width to all depth, by -.07 to all resolution, and by .3 in the log of cost."""
    draw = np.random.default_rng(5)
    shares_K3 = draw.dirichlet((1, 1, 1), 40)
    costs_K = draw.normal(size=40)
    values_K = 0.5 + 0.04 * shares_K3[:, 0] - 0.07 * shares_K3[:, 2] + 0.3 * costs_K
    table = Table(values_K[:, None] + draw.normal(0, 0.006, (40, 9)), costs_K)
    depth, resolution = directions(table, shares_K3)
    assert depth.error == pytest.approx(resolution.error, rel=0.5)
    assert depth.error < 0.004
    assert abs(depth.value - 0.04) < 3 * depth.error
    assert abs(resolution.value + 0.07) < 3 * resolution.error


def test_errors_of_directions_are_as_large_as_their_scatter() -> None:
    draw = np.random.default_rng(6)
    shares_K3, costs_K = draw.dirichlet((1, 1, 1), 15), draw.normal(size=15)
    found = [directions(Table(draw.normal(0, 0.1, (15, 1)), costs_K), shares_K3)[0] for _ in range(400)]
    scatter = np.std([one.value for one in found])
    assert np.mean([one.error**2 for one in found]) ** 0.5 == pytest.approx(scatter, rel=0.12)


def test_shares_are_those_of_the_candidates() -> None:
    shares = shares_of_networks("tiny")
    assert len(shares) > 5
    assert all(sum(row) == pytest.approx(1) for row in shares.values())


def test_the_slope_is_that_from_the_unscaled_network_where_there_is_one() -> None:
    """Depth costs more here and gains nothing: a line through the candidates would blame the cost."""
    draw = np.random.default_rng(6)
    costs_K = 0.7 + draw.normal(0, 0.05, 12)

    def trial(network: str, seed: int, log_cost: float, accuracy: float, role: str) -> Trial:
        return Trial(f"{network}-{seed}", network, seed, log_cost, accuracy, 1.0, 1.0, 1.0, role)

    trials = [
        trial(f"n{n}", seed, cost, 0.6 + 0.1 * cost - 0.5 * (cost - 0.7) + draw.normal(0, 0.001), CANDIDATE)
        for n, cost in enumerate(costs_K.tolist())
        for seed in (3, 4)
    ]
    base = [trial("base", seed, 0.0, 0.6, UNSCALED) for seed in (3, 4)]
    names = [f"n{n}" for n in range(12)]
    found = tables([*trials, *base], names)["accuracy"]
    assert found.slope == pytest.approx(0.1, abs=0.02)
    means_K = found.adjusted().mean(1)
    assert np.polyfit(costs_K, means_K, 1)[0] == pytest.approx(-0.5, abs=0.03)
    assert found.reliability > 0.9
    without = tables(trials, names)["accuracy"]
    assert without.slope is None
    assert np.polyfit(costs_K, without.adjusted().mean(1), 1)[0] == pytest.approx(0, abs=1e-9)
