"""Taking members apart: the φ of each dimension, and whose multiply-adds are whose."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from math import inf, log2
from random import Random

import pytest
from networks import SMALL, random_baseline, random_multipliers

from scalesearch.design.baselines import load_baseline
from scalesearch.design.coefficients import Coefficients, Multipliers
from scalesearch.design.cost import cost
from scalesearch.design.explain import effective_phi, explain, phi_range
from scalesearch.design.networks import load_network
from scalesearch.errors import SpaceError

B0 = load_baseline("b0")
ONES = Coefficients(Decimal(1), Decimal("1.1"), Decimal("1.15"))

# Depth, width, resolution: log of tensorflow/tpu's multipliers over log of the paper's 1.2, 1.1, 1.15.
EFFECTIVE = {"b1": ("0.52", "0.00", "0.49"), "b4": ("3.22", "3.53", "3.78"), "b7": ("6.21", "7.27", "7.05")}


@pytest.mark.parametrize("name", sorted(EFFECTIVE))
def test_the_phi_of_published_members(name: str) -> None:
    found = explain(B0, load_network(name))
    assert tuple(f"{phi:.2f}" for phi in found.phis) == EFFECTIVE[name]


def test_the_measured_phi_is_that_of_published_costs() -> None:
    found = explain(B0, load_network("b1"))
    assert found.measured_phi == pytest.approx(log2(686_802_832 / 385_814_752))


def test_phi_one_is_b2_and_not_b1() -> None:
    found, b1, b2 = explain(B0, load_network("b1")), load_network("b1"), load_network("b2")
    assert found.twin == "b2"
    assert (found.at_one.widths, found.at_one.depths) == (b2.architecture.widths, b2.architecture.depths)
    assert found.at_one.widths != b1.architecture.widths
    assert found.at_one.resolution == 258
    assert explain(SMALL, SMALL.scale(Multipliers(depth=Decimal(2)))).twin is None


def test_which_phi_rounds_to_all_three() -> None:
    """Against a scan of φ in thousandths that rounds by itself."""
    for index in range(1, 8):
        name = f"b{index}"
        found = explain(B0, load_network(name))
        by, px = found.multipliers, load_network(name).architecture.resolution
        fits = [
            phi / 1000
            for phi in range(-500, 9000)
            if abs(1.2 ** (phi / 1000) - float(by.depth)) <= 0.05
            and abs(1.1 ** (phi / 1000) - float(by.width)) <= 0.05
            and abs(224 * 1.15 ** (phi / 1000) - px) <= 2
        ]
        if not fits:
            assert found.common is None
        else:
            assert found.common == pytest.approx((fits[0], fits[-1]), abs=1e-3)
    assert [name for name in EFFECTIVE if explain(B0, load_network(name)).common] == ["b1"]


def test_ranges_at_their_edges() -> None:
    half = Decimal("0.05")
    assert phi_range(Decimal("1.04"), Decimal(1), half) == (-inf, inf)
    assert phi_range(Decimal("1.06"), Decimal(1), half) == (inf, -inf)
    low, high = phi_range(Decimal("0.05"), Decimal(2), half)
    assert low == -inf
    assert high == pytest.approx(log2(0.1))
    assert effective_phi(Decimal(8), Decimal(2)) == pytest.approx(3)
    assert effective_phi(Decimal(8), Decimal(1)) is None


def test_a_coefficient_of_one_has_no_phi() -> None:
    found = explain(B0, load_network("b1"), ONES)
    assert found.phis[0] is None
    assert found.common is None  # depth 1.1 is no power of 1


def test_every_multiply_add_is_somebodys() -> None:
    random = Random(21)
    for _ in range(60):
        baseline = replace(random_baseline(random), origin=None)
        member = baseline.scale(random_multipliers(random))
        found = explain(baseline, member)
        base, net = baseline.architecture, member.architecture
        assert sum(one.macs for one in found.stages) == cost(base).macs
        assert sum(one.scaled_macs for one in found.stages) == cost(net).macs
        deeper = replace(
            base,
            stages=tuple(replace(one, depth=d) for one, d in zip(base.stages, net.depths, strict=True)),
        )
        assert sum(one.by_depth for one in found.stages) == cost(deeper).macs - cost(base).macs
        whole = replace(net, resolution=base.resolution)
        assert sum(one.by_resolution for one in found.stages) == cost(net).macs - cost(whole).macs
        body = [one for one in found.stages if one.name.startswith("stages.")]
        assert [one.layers for one in body] == list(zip(base.depths, net.depths, strict=True))
        assert found.stages[0].px == (base.resolution, net.resolution)


def test_sizes_of_b1_stage_by_stage() -> None:
    rows = {one.name: one for one in explain(B0, load_network("b1")).stages}
    assert rows["stages.6"].layers == (1, 2)
    assert rows["stages.6"].px == (7, 8)
    assert rows["head"].channels == (1280, 1280)
    assert all(one.by_width == 0 for one in rows.values())
    assert rows["classifier"].scaled_macs == 1_280_000


def test_a_network_without_an_origin_is_refused() -> None:
    with pytest.raises(SpaceError, match="was not scaled"):
        explain(B0, B0)
