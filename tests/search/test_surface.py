"""The response surface: planted truths are found, flat ones are not made up, predictions are really left out."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from math import log

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.preprocessing import PolynomialFeatures

from scalesearch.design.coefficients import Coefficients
from scalesearch.search.grid import triples
from scalesearch.search.surface import FEWEST, Point, coefficients_of, shares_of, surface

GRID = triples(Decimal("0.1"), Decimal("0.1"))


def points(truth: Callable[[tuple[float, float, float]], float], noise: float, seed: int = 3) -> list[Point]:
    """Every third network has three seeds, the others one; seeds have effects of their own."""
    draw, found = np.random.default_rng(seed), []
    for i, coefficients in enumerate(GRID):
        shares = shares_of(coefficients)
        seeds = range(3 if i % 3 == 0 else 1)
        values = {(0, s): truth(shares) + 0.05 * s + draw.normal(0, noise) for s in seeds}
        found.append(Point(f"n{i:02}", shares, values))
    return found


def hill(shares: tuple[float, float, float]) -> float:
    """Highest where depth has .3 and width .5 of the compute."""
    return 0.8 - 0.4 * (shares[0] - 0.3) ** 2 - 0.2 * (shares[1] - 0.5) ** 2


def test_shares_and_coefficients_are_inverse() -> None:
    for coefficients in GRID:
        shares = shares_of(coefficients)
        assert sum(shares) == pytest.approx(1)
        alpha, beta, gamma = coefficients_of(shares)
        assert alpha * beta**2 * gamma**2 == pytest.approx(2)
        assert log(alpha) / log(2) == pytest.approx(shares[0])
    assert coefficients_of((1, 0, 0)) == (2, 1, 1)
    assert shares_of(Coefficients(Decimal(1), Decimal(1), Decimal(1))) == (1 / 3, 1 / 3, 1 / 3)


def test_a_planted_hill_is_found() -> None:
    fitted = surface(points(hill, 0.0005))
    assert fitted is not None
    assert fitted.optimum == pytest.approx((0.3, 0.5, 0.2), abs=0.03)
    for axis, truth in zip(("depth", "width", "resolution"), (0.3, 0.5, 0.2), strict=True):
        low, high = fitted.region[axis]
        assert low - 0.011 <= truth <= high + 0.011  # the optimum is looked for in steps of .02
        assert high - low < 0.2
    assert fitted.r_squared > 0.99
    assert fitted.left_out_error < 0.002
    for shares in ((0.3, 0.5, 0.2), (0.0, 0.0, 1.0)):
        # Every third network has seeds 0, 1 and 2, which add .05 each: the average seed adds .05.
        assert fitted.height(shares) == pytest.approx(hill(shares) + 0.05, abs=0.005)
    gain, low, high = fitted.gain_over("n00")
    assert gain == pytest.approx(hill((0.3, 0.5, 0.2)) - hill(fitted.points[0].shares), abs=0.005)
    assert low <= gain <= high
    assert low > 0


def test_noise_is_not_an_answer() -> None:
    fitted = surface(points(lambda _: 0.7, 0.05))
    assert fitted is not None
    assert max(high - low for low, high in fitted.region.values()) > 0.5
    assert fitted.left_out_error > 0.9 * fitted.spread


def test_the_fit_is_least_squares() -> None:
    """Against scikit-learn, on networks of one seed, where seeds have no say."""
    draw = np.random.default_rng(8)
    single = [Point(one.key, one.shares, {(0, 0): draw.normal()}) for one in points(hill, 0)]
    fitted = surface(single)
    assert fitted is not None
    inputs = PolynomialFeatures(2).fit_transform(np.array([one.shares[:2] for one in single]))
    targets = np.array([one.accuracies[0, 0] for one in single])
    oracle = LinearRegression(fit_intercept=False).fit(inputs, targets)
    assert fitted.r_squared == pytest.approx(oracle.score(inputs, targets))
    misses = []
    for i in range(len(single)):
        rest = np.arange(len(single)) != i
        model = LinearRegression(fit_intercept=False).fit(inputs[rest], targets[rest])
        misses.append(targets[i] - model.predict(inputs[i : i + 1])[0])
    assert fitted.left_out_error == pytest.approx(float(np.sqrt(np.mean(np.square(misses)))))
    assert fitted.spread == pytest.approx(targets.std(ddof=1))


def test_a_lucky_seed_changes_nothing() -> None:
    before = surface(points(hill, 0.01))
    lifted = [
        Point(one.key, one.shares, {s: value + 0.3 * (s[1] == 2) for s, value in one.accuracies.items()})
        for one in points(hill, 0.01)
    ]
    after = surface(lifted)
    assert before is not None
    assert after is not None
    assert after.optimum == before.optimum
    assert after.r_squared == pytest.approx(before.r_squared)


def test_rungs_add_what_they_add_to_all() -> None:
    """Longer training lifts all networks alike here; only half of them, the better, were trained longer."""
    draw, base = np.random.default_rng(5), points(hill, 0)
    better = sorted(base, key=lambda one: -hill(one.shares))[: len(base) // 2]
    several = []
    for one in base:
        rungs = 2 if one in better else 1
        values = {(r, 0): hill(one.shares) + 0.3 * r + draw.normal(0, 0.0005) for r in range(rungs)}
        several.append(Point(one.key, one.shares, values))
    fitted = surface(several)
    assert fitted is not None
    assert fitted.optimum == pytest.approx((0.3, 0.5, 0.2), abs=0.03)
    assert fitted.r_squared > 0.99
    assert fitted.left_out_error < 0.002


def test_too_few_networks_and_networks_on_a_line_have_no_surface() -> None:
    every = points(hill, 0.01)
    assert surface(every[: FEWEST - 1]) is None
    line = [Point(f"n{i}", (i / 12, 1 - i / 12, 0.0), {(0, 0): 0.5 + i}) for i in range(12)]
    assert surface(line) is None
    assert surface([*every[:5], *(Point(f"e{i}", (0.1, 0.1, 0.8), {}) for i in range(9))]) is None
