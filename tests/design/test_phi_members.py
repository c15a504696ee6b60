"""The networks that a family passes through, against the definition applied to one φ at a time."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from itertools import pairwise
from random import Random

import pytest
from networks import SMALL, random_baseline

from scalesearch.design.architecture import Architecture
from scalesearch.design.baselines import load_baseline
from scalesearch.design.coefficients import Coefficients, Multipliers
from scalesearch.design.cost import cost
from scalesearch.design.family import family
from scalesearch.design.phi_members import phi_members
from scalesearch.design.rounding import ROUNDING_RULES
from scalesearch.design.scaling import Baseline, scaled

B0 = load_baseline("b0")
PAPER = Coefficients(Decimal("1.2"), Decimal("1.1"), Decimal("1.15"))


OF_B0 = phi_members(B0, PAPER, "balanced", Decimal(-2), Decimal(7))


def defined(baseline: Baseline, by: Coefficients, rule: str, phi: Decimal) -> Architecture:
    """The network at one φ, its side found by trying every one."""
    at, base = by.at(phi), baseline.architecture
    shape = scaled(base, Multipliers(at.depth, at.width), replace(baseline.rounding, rule=rule))
    wanted = 2 ** float(phi) * cost(base).macs
    own = base.side
    sides = (
        range(own, 4 * own) if phi >= 0 else range(own, base.smallest_resolution - 1, -1)
    )  # of equal costs the first is taken
    tried = [(replace(shape, resolution=px), cost(replace(shape, resolution=px)).macs) for px in sides]
    least = min(abs(macs - wanted) for _, macs in tried)
    nearest = [(network, macs) for network, macs in tried if abs(macs - wanted) == least]
    return min(nearest, key=lambda one: one[1])[0]


@pytest.mark.parametrize("rule", ROUNDING_RULES)
def test_every_phi_gives_a_member_by_definition(rule: str) -> None:
    random = Random(31)
    for _ in range(3):
        baseline = replace(random_baseline(random), origin=None)
        by = Coefficients(*(1 + Decimal(random.randint(0, 40)) / 100 for _ in range(3)))
        members = phi_members(baseline, by, rule, Decimal(-2), Decimal(2))
        networks = {one.network(baseline.architecture) for one in members}
        assert len(networks) == len(members)
        for thousandths in (-2000, 0, 1000, 2000, *(random.randint(-2000, 2000) for _ in range(12))):
            phi = Decimal(thousandths) / 1000
            assert defined(baseline, by, rule, phi) in networks, phi


def test_a_member_has_a_phi_that_gives_it() -> None:
    random, base = Random(32), SMALL.architecture
    members = phi_members(SMALL, PAPER, "balanced", Decimal(-2), Decimal(3))
    for one in random.sample(members, 25):
        assert defined(SMALL, PAPER, "balanced", one.phi) == one.network(base)
        price = cost(one.network(base))
        assert (one.macs, one.params) == (price.macs, price.params)
    assert all((one.macs, -one.params) <= (other.macs, -other.params) for one, other in pairwise(members))


def test_the_baseline_is_the_member_at_zero() -> None:
    (own,) = [one for one in OF_B0 if one.network(B0.architecture) == B0.architecture]
    assert own.phi == 0


def test_whole_phi_are_the_familys_members() -> None:
    networks = {one.network(B0.architecture) for one in OF_B0}
    assert {one.baseline.architecture for one in family(B0, PAPER, "balanced")} <= networks


def test_below_zero_everything_is_smaller() -> None:
    base, found = B0.architecture, phi_members(B0, PAPER, "balanced", Decimal(-4), Decimal("-0.5"))
    assert found[0].macs < cost(base).macs / 15
    for one in found:
        network = one.network(base)
        assert network.side <= 224
        assert all(new <= old for new, old in zip(network.widths, base.widths, strict=True))
        assert all(new <= old for new, old in zip(network.depths, base.depths, strict=True))


def test_the_list_ends_where_a_size_leaves_its_range() -> None:
    steep = Coefficients(Decimal(4), Decimal(1), Decimal(1))
    assert max(one.phi for one in phi_members(SMALL, steep, "paper")) <= 3  # 4^3 = 64, the largest multiplier
    assert phi_members(SMALL, steep, "paper", Decimal(-1), Decimal(2))[-1].shape[1] == (16, 48, 48)


def test_a_width_that_is_no_multiple_of_the_divisor_keeps_its_own_phi() -> None:
    """29 channels are 28 on either side of φ = 0, where rounding changes nothing."""
    stem = replace(SMALL.architecture.stem, width=29)
    baseline = replace(SMALL, architecture=replace(SMALL.architecture, stem=stem))
    tiny = Decimal("0.002")
    widths = {one.phi: one.shape[0][0] for one in phi_members(baseline, PAPER, "balanced", -tiny, tiny)}
    assert widths.pop(Decimal(0)) == 29
    assert set(widths.values()) == {28}
