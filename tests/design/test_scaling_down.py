"""Families below φ = 0: no dimension is above the baseline's, and no side brings the cost nearer to 2^φ."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from random import Random

import pytest
from networks import random_baseline

from scalesearch.design.architecture import Architecture
from scalesearch.design.baselines import baseline_names, load_baseline
from scalesearch.design.coefficients import Coefficients, Multipliers, phi_of
from scalesearch.design.cost import cost
from scalesearch.design.family import family, member_name
from scalesearch.design.member import Member
from scalesearch.design.phi_members import phi_members
from scalesearch.design.rounding import ROUNDING_RULES
from scalesearch.design.scaling import Baseline, scaled
from scalesearch.errors import InputError

B0 = load_baseline("b0")
PAPER = Coefficients(Decimal("1.2"), Decimal("1.1"), Decimal("1.15"))


def members(
    baseline: Baseline, phis: list[Decimal], rule: str = "balanced", by: str = "macs"
) -> tuple[Member, ...]:
    return family(baseline, PAPER, rule, cost_kind=by, phis={member_name(baseline.name, phi): phi for phi in phis})


def defined(baseline: Baseline, phi: Decimal, rule: str, by: str) -> Architecture:
    """The member at one φ below 0, its side found by trying every one; of sides of one cost the largest."""
    at, base = PAPER.at(phi), baseline.architecture
    shape = scaled(base, Multipliers(at.depth, at.width), replace(baseline.rounding, rule=rule))
    wanted = 2 ** float(phi) * getattr(cost(base), by)
    sides = range(base.side, base.smallest_resolution - 1, -1)
    tried = [replace(shape, resolution=px) for px in sides]
    costs = [getattr(cost(one), by) for one in tried]
    least = min(abs(one - wanted) for one in costs)
    smallest = min(one for one in costs if abs(one - wanted) == least)
    return tried[costs.index(smallest)]


@pytest.mark.parametrize("by", ["macs", "activations"])
@pytest.mark.parametrize("rule", ROUNDING_RULES)
def test_every_member_is_the_one_that_trying_every_side_finds(rule: str, by: str) -> None:
    random = Random(61)
    phis = [Decimal(one) for one in ("-4", "-2.5", "-1", "-0.2")]
    for _ in range(6):
        baseline = replace(random_baseline(random), origin=None)
        _, *found = members(baseline, phis, rule, by)
        for phi, one in zip(phis, found, strict=True):
            assert one.baseline.architecture == defined(baseline, phi, rule, by), phi


@pytest.mark.parametrize("name", baseline_names())
def test_no_dimension_of_a_smaller_member_is_above_the_baselines(name: str) -> None:
    baseline = load_baseline(name)
    base = baseline.architecture
    for rule in ROUNDING_RULES:
        for one in members(baseline, [Decimal(-4), Decimal(-1)], rule)[1:]:
            net = one.baseline.architecture
            assert base.smallest_resolution <= net.side <= base.side
            assert all(0 < now <= before for now, before in zip(net.depths, base.depths, strict=True))
            assert all(0 < now <= before for now, before in zip(net.widths, base.widths, strict=True))


def test_b0_scaled_down() -> None:
    """Depths by `balanced` rounding, and px."""
    found = members(B0, [Decimal(phi) for phi in range(-1, -5, -1)])
    rows = [
        (one.baseline.name, one.baseline.architecture.depths, one.baseline.architecture.resolution)
        for one in found[1:]
    ]
    assert rows == GOLDEN
    for one in found[1:]:
        assert one.phi is not None
        assert one.baseline.architecture == defined(B0, Decimal(one.phi), "balanced", "macs")


GOLDEN = [
    ("b-1", (1, 2, 2, 2, 2, 3, 1), 178),
    ("b-2", (1, 1, 1, 2, 2, 3, 1), 146),
    ("b-3", (1, 1, 1, 1, 2, 2, 1), 114),
    ("b-4", (1, 1, 1, 1, 1, 2, 1), 96),
]


def test_a_family_down_is_what_solve_passes_through() -> None:
    listed = {one.network(B0.architecture) for one in phi_members(B0, PAPER, "balanced", Decimal(-4), Decimal(0))}
    for one in members(B0, [Decimal("-3.3"), Decimal(-2), Decimal("-0.75")])[1:]:
        assert one.baseline.architecture in listed


def test_the_implied_gamma_is_above_1() -> None:
    (_, one) = members(B0, [Decimal(-2)])
    assert one.implied_gamma == round((Decimal(146) / 224) ** (Decimal(1) / -2), 5) > 1
    assert one.baseline.origin is not None
    assert one.baseline.origin.multipliers == PAPER.at(-2).rounded()


def test_depths_and_widths_end_at_one_layer_and_one_multiple_of_the_divisor() -> None:
    tiny = load_baseline("tiny")
    steep = Coefficients(Decimal(4), Decimal(4), Decimal(1))
    (_, one) = family(tiny, steep, phis={"least": Decimal(-4)})
    assert set(one.baseline.architecture.depths) == {1}
    assert set(one.baseline.architecture.widths) == {tiny.rounding.divisor}


def test_a_side_that_no_network_can_have_is_refused_where_it_is_taken_literally() -> None:
    convnext = load_baseline("convnext_tiny")
    steep = Coefficients(Decimal(1), Decimal(1), Decimal(2))
    with pytest.raises(InputError, match=r"phi-4 \(φ = -4 of \(1, 1, 2\)\): .*must be at least 32"):
        family(convnext, steep, match=False, phis={"phi-4": Decimal(-4)})
    (_, one) = family(convnext, steep, phis={"phi-4": Decimal(-4)})
    assert one.baseline.architecture.side >= 32


@pytest.mark.parametrize(("ratio", "phi"), [("0.25", "-2"), ("0.5", "-1"), ("8", "3"), ("0.3", "-1.736965594")])
def test_the_phi_of_a_ratio(ratio: str, phi: str) -> None:
    assert phi_of(Decimal(ratio)) == Decimal(phi)
