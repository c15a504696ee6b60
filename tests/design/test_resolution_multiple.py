"""Sides that are multiples of some px: the nearest of all of them, in files, families, limits and proxies."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from scalesearch.design.architecture import Architecture
from scalesearch.design.baseline_file import baseline_text, parse_baseline
from scalesearch.design.baselines import load_baseline
from scalesearch.design.coefficients import Coefficients, Multipliers
from scalesearch.design.cost import cost
from scalesearch.design.family import family
from scalesearch.design.matching import match_resolutions, sides_from
from scalesearch.design.phi_members import phi_members
from scalesearch.design.scaling import Baseline
from scalesearch.errors import InputError
from scalesearch.search.make_proxy import make_proxy

PAPER = Coefficients(Decimal("1.2"), Decimal("1.1"), Decimal("1.15"))


def with_multiple(name: str, multiple: int) -> Baseline:
    baseline = load_baseline(name)
    return replace(baseline, architecture=replace(baseline.architecture, resolution_multiple=multiple))


def sides(base: Architecture, multiple: int, shrinks: bool) -> list[int]:
    every = range(multiple, 1500, multiple)
    return [px for px in every if (px <= base.side if shrinks else px >= base.side)]


@pytest.mark.parametrize("name", ["b0", "tiny", "convnext_tiny"])
@pytest.mark.parametrize("multiple", [20, 32, 48])
@pytest.mark.parametrize("ratio", ["0.25", "0.6", "2", "5.5"])
def test_the_side_is_the_multiple_whose_cost_is_nearest(name: str, multiple: int, ratio: str) -> None:
    base = with_multiple(name, multiple).architecture
    shape = (base.widths, base.depths)
    (matched,) = match_resolutions(base, [shape], Decimal(ratio))
    allowed = [px for px in sides(base, multiple, Decimal(ratio) < 1) if px >= base.smallest_resolution]
    target = float(ratio) * cost(base).macs
    best = min(allowed, key=lambda px: (abs(cost(base.resized(*shape, px)).macs - target), px))
    assert matched.resolution == best
    assert set(sides_from(base, Decimal(ratio))) <= set(allowed)


def test_members_and_solutions_have_such_sides() -> None:
    baseline = with_multiple("b0", 32)
    members = family(baseline, PAPER, phis={"a": Decimal(-1), "b": Decimal(1), "c": Decimal(3)})
    assert [member.architecture.resolution for member in members] == [224, 192, 256, 352]
    literal = family(baseline, PAPER, match=False, phis={"b": Decimal(1), "c": Decimal(3)})
    assert [member.architecture.resolution for member in literal] == [224, 256, 352], "257.6 and 340.7 px"
    solved = phi_members(baseline, PAPER, "balanced", Decimal("-0.5"), Decimal("1.5"))
    assert {member.resolution for member in solved} == {192, 224, 256, 288}


def test_a_file_keeps_the_multiple_and_scaled_networks_too() -> None:
    baseline = with_multiple("mobilenet_v2", 24)
    text = baseline_text(baseline)
    assert "\nresolution_multiple: 24\n" in text
    assert parse_baseline(text, "mine.yaml") == baseline
    assert "resolution_multiple" not in baseline_text(load_baseline("mobilenet_v2"))
    scaled = baseline.scale(Multipliers(resolution=Decimal("1.2")))
    assert scaled.architecture.resolution == 264, "268.8 px"
    assert scaled.architecture.resolution_multiple == 24
    assert baseline.scale(Multipliers(depth=Decimal(2))).architecture.resolution == 224


def test_proxies_are_those_without_the_multiple() -> None:
    baseline = with_multiple("b0", 32)
    scaled = baseline.architecture.resized(baseline.architecture.widths, baseline.architecture.depths, 288)
    plain = replace(scaled, resolution_multiple=1)
    assert make_proxy(scaled, baseline, 4, 40, 7) == make_proxy(plain, load_baseline("b0"), 4, 40, 7)


@pytest.mark.parametrize("multiple", ["0", "513", "1.5"])
def test_a_multiple_that_no_file_can_have(multiple: str) -> None:
    text = baseline_text(with_multiple("b0", 32)).replace("multiple: 32", f"multiple: {multiple}")
    with pytest.raises(InputError, match="resolution_multiple"):
        parse_baseline(text, "mine.yaml")
