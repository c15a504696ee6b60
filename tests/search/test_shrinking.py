"""Searches and comparisons at φ < 0: candidates are smaller than the baseline, matched, ranked and trained so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from math import log
from random import Random

import numpy as np
import pytest
from networks import random_baseline, staged
from planted import plan, with_times

from scalesearch.design.architecture import Architecture
from scalesearch.design.baselines import load_baseline
from scalesearch.design.coefficients import Coefficients, Multipliers
from scalesearch.design.cost import cost
from scalesearch.design.matching import TOLERANCE, sides_from
from scalesearch.design.scaling import Baseline, scaled
from scalesearch.errors import SpaceError
from scalesearch.search.budget import BUDGETS
from scalesearch.search.candidates import CandidateSet, candidates
from scalesearch.search.decision.records import study_data
from scalesearch.search.grid import triples
from scalesearch.search.kinds.rules import NAMED, rule_candidates, rule_paths
from scalesearch.search.kinds.sampler import CoefficientSearch
from scalesearch.search.proxies import candidate_proxy, image_px, phi_of_proxies
from scalesearch.search.ranking import Arm, rank
from scalesearch.search.study_config import StudyConfig, enumerate_candidates, select_candidates
from scalesearch.search.timings import match_times, shape_paths

B0 = load_baseline("b0")
QUICK = replace(BUDGETS["quick"], recipe=BUDGETS["quick"].recipe.from_scratch)
COARSE = triples(Decimal("0.1"), Decimal("0.1"))


def every(found: CandidateSet) -> list[Architecture]:
    return [staged(one.architecture) for one in (*found.candidates, *found.unmatched)]


def tried(
    baseline: Baseline, grid: Sequence[Coefficients], phi: Decimal, rule: str, by: str
) -> dict[tuple[tuple[int, ...], tuple[int, ...]], set[int]]:
    """By shape the sides whose cost is nearest to 2^φ × the baseline's: each side is counted."""
    base, rounding = baseline.architecture, replace(baseline.rounding, rule=rule)
    wanted = 2 ** float(phi) * getattr(cost(base), by)
    found = {}
    for point in grid:
        at = point.at(phi)
        shape = scaled(base, Multipliers(at.depth, at.width), rounding)
        misses = {
            px: abs(getattr(cost(replace(shape, resolution=px)), by) - wanted)
            for px in range(base.smallest_resolution, base.side + 1)
        }
        least = min(misses.values())
        found[shape.widths, shape.depths] = {px for px, miss in misses.items() if miss == least}
    return found


@pytest.mark.parametrize("by", ["macs", "activations"])
@pytest.mark.parametrize("phi", ["-0.5", "-1", "-2.5"])
def test_every_candidate_has_the_side_that_trying_all_finds(phi: str, by: str) -> None:
    random = Random(71)
    grid = [*COARSE[::4], Coefficients(Decimal(1), Decimal(1), Decimal("1.41"))]
    for baseline in (random_baseline(random), random_baseline(random), load_baseline("tiny")):
        baseline = replace(baseline, origin=None, axes=("depth", "width", "resolution"))
        for rule in ("balanced", "paper"):
            oracle = tried(baseline, grid, Decimal(phi), rule, by)
            networks = every(candidates(baseline, grid, Decimal(phi), rule, cost_kind=by))
            assert {(one.widths, one.depths) for one in networks} == set(oracle)
            for one in networks:
                assert one.resolution in oracle[one.widths, one.depths]


@pytest.mark.parametrize(("phi", "compared", "unmatched"), [("-1", 16, 4), ("-2", 9, 8), ("-4", 7, 7)])
def test_golden_counts_of_b0(phi: str, compared: int, unmatched: int) -> None:
    found = candidates(B0, COARSE, Decimal(phi))
    assert (found.triples, len(found.candidates), len(found.unmatched)) == (21, compared, unmatched)
    assert sorted(alias for one in (*found.candidates, *found.unmatched) for alias in one.aliases) == sorted(COARSE)
    base = B0.architecture
    for one in found.candidates:
        net = staged(one.architecture)
        assert abs(one.flops_ratio / Decimal(2) ** Decimal(phi) - 1) <= TOLERANCE
        assert net.side <= base.side
        assert all(now <= before for now, before in zip(net.widths, base.widths, strict=True))
        assert all(1 <= now <= before for now, before in zip(net.depths, base.depths, strict=True))
        assert one.coefficients.gamma == round((Decimal(net.side) / 224) ** (1 / Decimal(phi)), 5) >= 1


def test_gamma_taken_literally() -> None:
    for one in candidates(B0, COARSE, Decimal(-1), match="none").candidates:
        assert staged(one.architecture).resolution == int(224 / one.coefficients.gamma + Decimal("0.5"))
    with pytest.raises(SpaceError, match="must be at least 32"):
        candidates(load_baseline("convnext_tiny"), [Coefficients(*map(Decimal, "112"))], Decimal(-4), match="none")


@pytest.mark.parametrize("phi", ["-4.001", "0", "-0", "10.1", "NaN"])
def test_what_no_phi_is(phi: str) -> None:
    with pytest.raises(SpaceError, match="it must be in -4 … 10 and not 0"):
        StudyConfig(B0, Decimal(phi), BUDGETS["smoke"])


def test_rules_shrink_along_themselves() -> None:
    found = {one.name: one for one in rule_candidates(B0, NAMED, Decimal(-1), "balanced").candidates}
    assert list(found) == [rule.name for rule in NAMED]
    base = B0.architecture
    for name, one in found.items():
        net = staged(one.architecture)
        assert abs(one.flops_ratio * 2 - 1) <= TOLERANCE
        assert (net.depths != base.depths) == (name not in ("width", "resolution"))
        assert (net.widths != base.widths) == (name not in ("depth", "resolution"))
        assert (net.side < base.side) == (name not in ("depth", "width"))
        assert min(one.coefficients.alpha, one.coefficients.beta, one.coefficients.gamma) >= 1
        assert max(one.coefficients.alpha, one.coefficients.beta, one.coefficients.gamma) > 1


@pytest.mark.parametrize("axis", ["depth", "width"])
def test_a_single_dimension_is_the_nearest_of_all_its_multipliers(axis: str) -> None:
    base, half = B0.architecture, cost(B0.architecture).macs / 2
    rounding = replace(B0.rounding, rule="balanced")
    multipliers = [Multipliers(**{axis: Decimal(step) / 2000}) for step in range(200, 2000)]
    best = min(abs(cost(scaled(base, by, rounding)).macs - half) for by in multipliers)
    found = rule_candidates(B0, NAMED, Decimal(-1), "balanced")
    (own,) = (one for one in (*found.candidates, *found.unmatched) if one.name == axis)
    assert abs(own.cost.macs - half) == best


@pytest.mark.parametrize("by", ["macs", "activations"])
@pytest.mark.parametrize("phi", ["-0.3", "-1", "-3", "-4"])
def test_rules_of_any_baseline_have_coefficients(phi: str, by: str) -> None:
    for name in ("tiny", "resnet18", "convnext_tiny", "mobilenet_v3_small"):
        found = rule_candidates(load_baseline(name), NAMED, Decimal(phi), "balanced", by)
        assert sum(len(one.rules) for one in (*found.candidates, *found.unmatched)) == len(NAMED)


def by_layers(network: Architecture) -> float:
    """Every layer takes a while, however small."""
    return 2e-5 * sum(network.depths) + cost(network).macs * 2e-10


@pytest.mark.parametrize("name", ["tiny", "b0"])
def test_sides_and_rules_are_timed_downwards(name: str) -> None:
    base = load_baseline(name).architecture
    half = Decimal("0.5")
    sides = sides_from(base, half)
    assert list(sides) == sorted(set(sides))
    assert (base.smallest_resolution <= sides[0], sides[-1]) == (True, base.resolution)
    asked = StudyConfig(load_baseline(name), Decimal(-1), QUICK)
    shapes = [
        (staged(one.architecture).widths, staged(one.architecture).depths)
        for one in enumerate_candidates(asked).candidates
    ]

    def clock(networks: Sequence[Architecture]) -> list[float]:
        return [by_layers(one) / by_layers(base) for one in networks]

    for shape, one in zip(shapes, match_times(shape_paths(base, shapes, half, True), half, clock), strict=True):
        misses = [abs(by_layers(base.resized(*shape, px)) / by_layers(base) * 2 - 1) for px in sides]
        assert abs(by_layers(one) / by_layers(base) * 2 - 1) <= max(0.03, 1.01 * min(misses))
    for line in rule_paths(load_baseline(name), NAMED, Decimal(-1), "balanced"):
        assert list(line.extents) == sorted(line.extents)
        assert line.at(len(line.extents) - 1) == base
    for one in match_times(rule_paths(load_baseline(name), NAMED, Decimal(-1), "balanced"), half, clock):
        assert by_layers(one) <= by_layers(base)


def test_candidates_by_latency_are_the_timed_ones() -> None:
    asked = with_times(replace(plan().config, phi=Decimal(-1)), lambda network: float(cost(network).macs))
    found = enumerate_candidates(asked)
    assert len(found.candidates) >= 2
    assert all(abs(one.matched_ratio * 2 - 1) <= Decimal("0.1") for one in found.candidates)


def test_proxies_are_smaller_than_the_baselines_and_not_enlarged() -> None:
    budget = replace(QUICK, proxy_phi=Decimal(2))
    asked = StudyConfig(B0, Decimal(-1), budget)
    assert phi_of_proxies(asked) == -1
    sides = [candidate_proxy(asked, one, 10).side for one in select_candidates(asked, enumerate_candidates(asked))]
    assert image_px(asked) == budget.resolution >= max(sides)


def test_a_proxy_has_a_side_that_its_network_can_have() -> None:
    convnext = load_baseline("convnext_tiny")
    asked = StudyConfig(convnext, Decimal(-2), replace(QUICK, resolution=40, width_divisor=1))
    for one in select_candidates(asked, enumerate_candidates(asked)):
        assert candidate_proxy(asked, one, 10).side >= convnext.architecture.smallest_resolution


def test_accuracies_are_adjusted_by_what_the_baseline_has_more() -> None:
    """Planted: .2 a unit of log cost; the baseline costs twice the candidates' mean."""
    arms = [
        Arm(name, {seed: 0.5 + 0.2 * log(ratio) for seed in (0, 1)}, ratio, 1, 1)
        for name, ratio in (("a", 0.97), ("b", 1.0), ("c", 1.04))
    ]
    base = Arm("base", {seed: 0.5 + 0.2 * log(2) for seed in (0, 1)}, 2.0, 1, 1)
    found = rank(arms, 1000, base)
    assert found.macs_slope == pytest.approx(0.2)
    assert max(arm.behind for arm in found.arms) == pytest.approx(0, abs=1e-9)
    assert rank(arms, 1000, replace(base, accuracies={0: 0.1, 1: 0.1})).macs_slope == 0


def test_shares_of_what_shrinks_are_positive_and_sum_to_1() -> None:
    begun = plan(phi="-1")
    data = study_data(begun, {})
    assert data.baseline_log_cost == pytest.approx(log(2), abs=0.1)
    assert data.shares is not None
    assert np.all(data.shares >= 0)
    assert data.shares.sum(axis=1) == pytest.approx(1)


def test_samplers_suggest_smaller_networks() -> None:
    asked = StudyConfig(B0, Decimal(-1), BUDGETS["smoke"], kind=CoefficientSearch("tpe"))
    for one in enumerate_candidates(asked).candidates:
        assert staged(one.architecture).side <= 224
        assert abs(one.flops_ratio * 2 - 1) <= TOLERANCE
