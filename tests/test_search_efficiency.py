"""The replays of search strategies on planted networks."""

from __future__ import annotations

import numpy as np
import pytest
from decision_calibration import NETWORKS
from search_efficiency import (
    LEVEL,
    OURS,
    RIVALS,
    SPREAD,
    VISIBLE,
    Cell,
    adaptive,
    asha,
    full_grid,
    halving,
    make_world,
    oracle,
    plain_halving,
    prior_covariance,
    savings,
    sequential,
)

CLEAR = Cell("quadratic", 0.05, 1e6)


def test_a_world_is_as_noisy_as_its_cell_says() -> None:
    cell = Cell("quadratic", 0.2, 4.0)
    worlds = [make_world(cell, np.random.default_rng(seed)) for seed in range(300)]
    truth = np.array([world.truth_N for world in worlds])
    assert np.var((truth - LEVEL) / SPREAD) == pytest.approx(1.0, abs=0.1)
    last = np.array([world.measured_NSR[:, :, -1] for world in worlds])
    assert np.var((last - truth[..., None]) / SPREAD) == pytest.approx(1 / 4, abs=0.01)
    # A lower rung shows less of the differences, with as much noise.
    first = np.array([world.measured_NSR[:, :, 0] for world in worlds])
    centred = first.mean(axis=2) - first.mean()
    slope = float(np.mean(centred * (truth - truth.mean())) / np.var(truth))
    assert slope == pytest.approx(VISIBLE[0], abs=0.02)


@pytest.mark.parametrize("surface", ["ridge", "step"])
def test_a_surface_outside_of_the_model_has_the_same_spread(surface: str) -> None:
    truth = make_world(Cell(surface, 0.0, 1.0), np.random.default_rng(1)).truth_N
    assert truth.std() == pytest.approx(SPREAD)


def test_the_prior_has_a_variance_of_one_and_the_own_share_is_independent() -> None:
    covariance = prior_covariance(0.3)
    assert np.trace(covariance) / NETWORKS == pytest.approx(1.0)
    assert np.linalg.eigvalsh(covariance).min() == pytest.approx(0.3)


@pytest.mark.parametrize("name", sorted((OURS | RIVALS).keys() - {"random choice", "Ray's ASHA, seeds: 1"}))
def test_without_noise_every_strategy_finds_the_best(name: str) -> None:
    world = make_world(CLEAR, np.random.default_rng(3))
    *_, (_, choice) = (OURS | RIVALS)[name](world, np.random.default_rng(0))
    assert world.regret(choice) < 0.05


def test_trainings_are_counted() -> None:
    world, rng = make_world(CLEAR, np.random.default_rng(4)), np.random.default_rng(0)
    assert [spent for spent, _ in full_grid(2, world, rng)] == [40]
    assert [spent for spent, _ in sequential(world, rng)] == [20, 30, 40, 56]
    assert [spent for spent, _ in oracle(world, rng)] == [20, 30, 40, 56]
    assert [spent for spent, _ in adaptive(world, rng)] == list(range(6, 35, 4))
    # 20, 10, 5, 4 and 4 candidates; a rung resumes before the decay, at .7 of the rung below.
    steps = [20 / 16, 10 * (1 / 8 - 0.7 / 16), 5 * (1 / 4 - 0.7 / 8), 4 * (1 / 2 - 0.7 / 4), 4 * (1 - 0.7 / 2)]
    with_seeds = [*np.cumsum(steps), np.sum(steps) + 4 * 2, np.sum(steps) + 4 * 7]
    found = [spent for spent, _ in halving(world, rng)]
    np.testing.assert_allclose(found, with_seeds)
    # Without further seeds, halving goes on to three candidates and two.
    fewer = [*steps[:3], steps[3] * 3 / 4, steps[4] * 2 / 4]
    np.testing.assert_allclose([spent for spent, _ in plain_halving(world, rng)], [np.sum(fewer)])
    ((spent, _),) = asha(1, world, rng)
    assert 20 / 16 < spent < 20


def test_what_a_search_saves() -> None:
    rival = np.array([[40.0, 0.3], [40.0, 0.5]])
    ours = np.array([[[10.0, 0.9], [20.0, 0.2]], [[10.0, 0.1], [20.0, 0.6]]])
    everything = np.array([[0, 1]])
    assert savings(rival, ours, everything).tolist() == [2.0]  # .5 after the first wave, .4 after the second
    assert savings(rival, ours, np.array([[1, 1], [0, 0]])).tolist() == [4.0, 2.0]
    assert savings(np.array([[40.0, 0.1]] * 2), ours, everything).tolist() == [0.0]
