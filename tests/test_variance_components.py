"""Variance components of the benchmarks: against planted ones, a textbook's table, and another way to count."""

from __future__ import annotations

import numpy as np
import pytest
from variance_components import components

NO_COVARIATE = np.zeros(6)


def test_a_textbook_table() -> None:
    """Yield of dyestuff, six batches of five (Davies 1947, table 6.2; in lme4 as `Dyestuff`).

    Published there: mean square between 11,271.5, within 2,451.25, so σ² of batches 1,764.05.
    """
    grams = np.array(
        [
            [1545, 1440, 1440, 1520, 1580],
            [1540, 1555, 1490, 1560, 1495],
            [1595, 1550, 1605, 1510, 1560],
            [1445, 1440, 1595, 1465, 1545],
            [1595, 1630, 1515, 1635, 1625],
            [1520, 1455, 1450, 1480, 1445],
        ],
        dtype=float,
    )
    found = components(grams, NO_COVARIATE)
    assert found.mean == pytest.approx(1527.5)
    assert found.noise**2 == pytest.approx(2451.25)
    assert found.signal**2 == pytest.approx(1764.05)
    assert found.snr == pytest.approx((11271.5 / 2451.25 - 1) / 5)
    assert found.icc == pytest.approx(1764.05 / (1764.05 + 2451.25))
    # F(5, 24) quantiles of printed tables: 3.1548 and 1 / 6.2780.
    assert found.low == pytest.approx((11271.5 / 2451.25 / 3.1548 - 1) / 5, rel=1e-3)
    assert found.high == pytest.approx((11271.5 / 2451.25 * 6.2780 - 1) / 5, rel=1e-3)


def test_planted_components_are_found_and_the_interval_holds_them() -> None:
    """With a slope over the covariate, which is no signal; 300 tables of 7 networks and 4 seeds."""
    draw = np.random.default_rng(5)
    covariate = np.linspace(-0.1, 0.3, 7) ** 2
    held, snrs = 0, []
    for _ in range(300):
        networks = draw.normal(0, 0.03, 7)
        table = 0.6 + 2 * covariate[:, None] + networks[:, None] + draw.normal(0, 0.02, (7, 4))
        found = components(table, covariate)
        held += found.low <= 2.25 <= found.high
        snrs.append(found.snr)
    assert 0.92 <= held / 300 <= 0.98
    # E F = df2 / (df2 − 2) · (1 + n SNR).
    assert np.mean(snrs) == pytest.approx((21 / 19 * (1 + 4 * 2.25) - 1) / 4, rel=0.1)


def test_networks_that_differ_by_seeds_alone_have_no_signal() -> None:
    draw = np.random.default_rng(6)
    found = [components(draw.normal(0, 1, (8, 4)), draw.normal(0, 1, 8)) for _ in range(200)]
    assert np.mean([one.snr for one in found]) == pytest.approx((24 / 22 - 1) / 4, abs=0.05)
    assert 0.01 <= np.mean([one.low > 0 for one in found]) <= 0.06
    assert abs(np.mean([one.tau for one in found])) < 0.05
    assert min(one.icc for one in found) == min(one.signal for one in found) == 0


def test_seeds_that_agree_have_a_tau_of_one() -> None:
    table = np.array([[1.0, 1.1, 0.9], [2.0, 2.1, 1.9], [3.0, 3.1, 2.9], [5.0, 5.1, 4.9]])
    assert components(table, np.zeros(4)).tau == 1
    flat = components(np.ones((4, 3)), np.arange(4.0))
    assert flat.noise == flat.tau == 0


def test_what_a_seed_does_to_all_networks_is_no_paired_noise() -> None:
    """Planted: networks .05, seeds .2, their interaction .01."""
    draw = np.random.default_rng(7)
    found = [
        components(
            draw.normal(0, 0.05, (9, 1)) + draw.normal(0, 0.2, (1, 4)) + draw.normal(0, 0.01, (9, 4)), np.zeros(9)
        )
        for _ in range(100)
    ]
    assert np.mean([one.paired**2 for one in found]) ** 0.5 == pytest.approx(0.01, rel=0.05)
    assert np.mean([one.noise**2 for one in found]) ** 0.5 == pytest.approx(0.2, rel=0.1)
