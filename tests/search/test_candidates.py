"""Networks, not triples: golden counts on B0, and what must hold for any baseline."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from random import Random

import pytest
from networks import random_architecture, staged

from scalesearch.design.baselines import load_baseline
from scalesearch.design.coefficients import Coefficients, Multipliers
from scalesearch.design.cost import cost
from scalesearch.design.rounding import Rounding
from scalesearch.design.scaling import Baseline, flops_ratio, scaled
from scalesearch.errors import SpaceError
from scalesearch.search.budget import BUDGETS
from scalesearch.search.candidates import CandidateSet, candidates, farthest_points, nearest_alias
from scalesearch.search.grid import triples
from scalesearch.search.study_config import StudyConfig

B0 = load_baseline("b0")
ONE = Decimal(1)
FINE = triples(Decimal("0.05"), Decimal("0.1"))
COARSE = triples(Decimal("0.1"), Decimal("0.1"))


def ratio_of(rule: str, *by: str) -> Decimal:
    found = B0.scale(Multipliers(*map(Decimal, by)), rule)
    assert found.origin is not None
    return found.origin.flops_ratio


# Grid, rounding, match: how many are compared, and how many cannot be matched.
@pytest.mark.parametrize(
    ("grid", "rule", "match", "compared", "unmatched"),
    [
        (FINE, "paper", "none", 65, 0),
        (FINE, "paper", "flops", 16, 22),
        (FINE, "balanced", "none", 94, 0),
        (FINE, "balanced", "flops", 57, 20),
        (COARSE, "balanced", "flops", 20, 1),
    ],
)
def test_golden_counts(
    grid: tuple[Coefficients, ...], rule: str, match: str, compared: int, unmatched: int
) -> None:
    found = candidates(B0, grid, ONE, rule, match)
    assert (found.triples, len(found.candidates), len(found.unmatched)) == (len(grid), compared, unmatched)
    check(found, grid, 2.0, match)


def check(found: CandidateSet, grid: tuple[Coefficients, ...], wanted: float, match: str) -> None:
    every = (*found.candidates, *found.unmatched)
    aliases = [alias for one in every for alias in one.aliases]
    assert sorted(aliases) == sorted(grid)
    assert len({one.architecture for one in every}) == len(every)
    for one in every:
        assert one.cost == cost(one.architecture)
        assert one.architecture.side >= B0.architecture.side
    if match == "flops":
        assert len({(staged(one.architecture).widths, staged(one.architecture).depths) for one in every}) == len(
            every
        )
        assert all(abs(float(one.flops_ratio) / wanted - 1) <= 0.05 for one in found.candidates)
        assert all(abs(float(one.flops_ratio) / wanted - 1) > 0.05 for one in found.unmatched)


def test_the_nominal_constraint_does_not_bound_the_cost() -> None:
    ratios = [one.flops_ratio for one in candidates(B0, FINE, ONE, "paper", "none").candidates]
    assert (round(min(ratios), 2), round(max(ratios), 2)) == (Decimal("1.93"), Decimal("3.33"))


def test_golden_ratios() -> None:
    assert B0.scale(Multipliers(resolution=Decimal("1.15"))).architecture.resolution == 258
    assert round(ratio_of("paper", "1.2", "1.1", "1.15"), 2) == Decimal("2.57")
    assert round(ratio_of("paper", "1.1"), 2) == Decimal("1.48")
    assert round(ratio_of("balanced", "1.2"), 2) == Decimal("1.19")


@pytest.mark.parametrize("phi", ["0.5", "2", "3"])
def test_any_phi_is_matched_to_its_own_budget(phi: str) -> None:
    found = candidates(B0, COARSE, Decimal(phi))
    check(found, COARSE, 2 ** float(phi), "flops")
    assert len(found.candidates) >= len(COARSE) // 2
    for one in found.candidates:
        gamma = (one.architecture.side / 224) ** (1 / float(phi))
        assert float(one.coefficients.gamma) == pytest.approx(gamma, abs=1e-5)


def test_own_coefficients() -> None:
    for one in candidates(B0, FINE, ONE).candidates:
        own = one.coefficients
        assert own.gamma == round(Decimal(one.architecture.side) / 224, 5)
        assert (own.alpha, own.beta) in {(alias.alpha, alias.beta) for alias in one.aliases}
        assert one.label == str(own).strip("()").replace(", ", "/")
    for one in candidates(B0, FINE, ONE, "paper", "none").candidates:
        assert one.coefficients in one.aliases


def test_the_nearest_alias_has_the_realised_depth_and_width() -> None:
    network = scaled(B0.architecture, Multipliers(Decimal("1.5"), Decimal("1.25")), Rounding("balanced"))
    points = [
        Coefficients(Decimal(a), Decimal(b), ONE) for a in ("1.3", "1.5", "1.7") for b in ("1", "1.25", "1.5")
    ]
    near = nearest_alias(B0.architecture, network, points, ONE)
    assert (near.alpha, near.beta) == (Decimal("1.5"), Decimal("1.25"))
    halves = [Coefficients(Decimal(a), Decimal(b), ONE) for a in ("1.1", "1.22", "1.5") for b in ("1.12", "1.25")]
    near = nearest_alias(B0.architecture, network, halves, Decimal(2))
    assert (near.alpha, near.beta) == (Decimal("1.22"), Decimal("1.12"))


def test_spread_is_repeatable_distinct_and_wide() -> None:
    found = candidates(B0, FINE, ONE).candidates
    chosen = farthest_points(found, 6)
    assert chosen == farthest_points(found, 6) == farthest_points(tuple(reversed(found)), 6)
    assert len(set(chosen)) == 6
    assert set(chosen) <= set(found)
    alphas = [one.coefficients.alpha for one in chosen]
    betas = [one.coefficients.beta for one in chosen]
    every = [one.coefficients for one in found]
    assert max(alphas) == max(one.alpha for one in every)
    assert max(betas) == max(one.beta for one in every)
    assert set(farthest_points(found, 1000)) == set(found)
    assert list(chosen) == sorted(chosen, key=lambda one: one.coefficients)


def test_a_baseline_whose_resolution_is_fixed() -> None:
    fixed = replace(B0, axes=("depth", "width"))
    grid = triples(Decimal("0.05"), Decimal("0.1"), fixed.axes)
    found = candidates(fixed, grid, ONE)
    every = (*found.candidates, *found.unmatched)
    assert {one.architecture.resolution for one in every} == {224}
    assert {one.coefficients.gamma for one in every} == {ONE}
    assert found.candidates
    check(found, grid, 2.0, "flops")


def test_a_baseline_whose_depth_is_fixed() -> None:
    fixed = replace(B0, axes=("width", "resolution"))
    grid = triples(Decimal("0.05"), Decimal("0.1"), fixed.axes)
    found = candidates(fixed, grid, ONE)
    assert {staged(one.architecture).depths for one in found.candidates} == {B0.architecture.depths}
    assert len(found.candidates) >= 5
    check(found, grid, 2.0, "flops")


def test_any_network_can_be_searched() -> None:
    random = Random(1)
    for _ in range(25):
        network = random_architecture(random, 60)
        baseline = Baseline("x", "", network, Rounding("paper", random.choice((1, 2, 8))))
        found = candidates(baseline, COARSE, ONE)
        aliases = [alias for one in (*found.candidates, *found.unmatched) for alias in one.aliases]
        assert sorted(aliases) == sorted(COARSE)
        for one in found.candidates:
            assert abs(one.flops_ratio - 2) <= Decimal("0.1")
            assert one.flops_ratio == flops_ratio(one.architecture, network)


def test_an_unknown_match_is_refused() -> None:
    with pytest.raises(SpaceError, match="match is 'macs', but it must be one of flops, none"):
        StudyConfig(B0, ONE, BUDGETS["smoke"], "paper", "macs")
