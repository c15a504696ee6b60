"""Scaling whole networks: coefficients, multipliers, baselines, families."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from random import Random

import pytest
from networks import SMALL, depth_free, random_architecture, random_multipliers, rows

from scalesearch.design.architecture import Architecture, Stage
from scalesearch.design.baselines import load_baseline
from scalesearch.design.coefficients import Coefficients, Multipliers
from scalesearch.design.cost import cost
from scalesearch.design.family import coefficients_from, describe_member, family, published
from scalesearch.design.matching import match_resolutions, sides_from
from scalesearch.design.rounding import ROUNDING_RULES, Rounding
from scalesearch.design.scaling import Baseline, Origin, scaled
from scalesearch.errors import InputError, SpaceError

B0 = load_baseline("b0")


def test_the_nominal_product_and_powers_are_exact() -> None:
    random = Random(1)
    for _ in range(1000):
        values = [Decimal(random.randint(100, 400)) / 100 for _ in range(3)]
        phi = random.randint(1, 3)
        found, (alpha, beta, gamma) = Coefficients(*values), map(Fraction, values)
        assert Fraction(found.product) == alpha * beta**2 * gamma**2
        if max(alpha, beta, gamma) ** phi > 64:
            with pytest.raises(SpaceError, match="at most 64"):
                found.at(phi)
            continue
        at = found.at(phi)
        assert tuple(map(Fraction, (at.depth, at.width, at.resolution))) == (
            alpha**phi,
            beta**phi,
            gamma**phi,
        )
        assert Fraction(at.nominal_flops_ratio) == (alpha * beta**2 * gamma**2) ** phi
    assert Coefficients(Decimal("1.2"), Decimal("1.1"), Decimal("1.15")).product == Decimal("1.92027")


def test_one_changes_nothing() -> None:
    random = Random(2)
    for _ in range(300):
        network = random_architecture(random)
        for rule in ROUNDING_RULES:
            assert scaled(network, Multipliers(), Rounding(rule)) == network
            assert scaled(network, Coefficients(*[Decimal("1.0")] * 3).at(5), Rounding(rule)) == network


def test_every_size_is_scaled_by_its_own_multiplier() -> None:
    random = Random(3)
    for _ in range(300):
        network, by = depth_free(random_architecture(random)), random_multipliers(random)
        rounding = Rounding(random.choice(("paper", "balanced", "v2", "nearest")), 3)
        got = scaled(network, by, rounding)
        assert got.widths == tuple(
            width if fixed else rounding.width(width, by.width, unit, group)
            for width, unit, group, fixed in zip(
                network.widths, network.units, network.group_widths, network.fixed, strict=True
            )
        )
        assert got.depths == rounding.depths(network.depths, by.depth)
        assert got.side == rounding.resolution(network.side, by.resolution)
        assert len(got.widths) == len(network.stages) + 1 + (network.head.width is not None)
        back = got.resized(network.widths, network.depths, network.resolution)
        assert back == network


def test_published_members_have_the_published_sizes() -> None:
    members = published(B0)
    assert [member.baseline.name for member in members] == [f"b{i}" for i in range(8)]
    for member, row in zip(members, rows("published_family.csv"), strict=True):
        by = Multipliers(Decimal(row["depth"]), Decimal(row["width"]), Decimal(row["resolution"]) / 224)
        assert member.baseline.architecture == scaled(B0.architecture, by, B0.rounding)
        assert member.baseline.architecture.resolution == int(row["resolution"])
        assert member.phi in (None, 0)
    assert describe_member(members[2]) == "b2: depth 1.2, width 1.1, 260 px"
    with pytest.raises(
        InputError, match="'small': has no published family, only b0, efficientnet_v2_b0, efficientnet_lite0 have"
    ):
        published(SMALL)


def test_a_matched_family_doubles_at_every_step() -> None:
    chosen = Coefficients(Decimal("1.2"), Decimal("1.1"), Decimal("1.1"))
    members = family(B0, chosen)
    base = cost(B0.architecture).macs
    assert [member.phi for member in members] == list(range(8))
    assert [member.baseline.name for member in members] == [f"b{i}" for i in range(8)]
    for member in members[1:]:
        network, wanted = member.baseline.architecture, 2 ** int(member.phi or 0) * base
        nearby = [replace(network, resolution=network.resolution + shift) for shift in (-1, 1)]
        assert all(abs(cost(network).macs - wanted) <= abs(cost(one).macs - wanted) for one in nearby)
        assert member.matched == (abs(Fraction(cost(network).macs, wanted) - 1) <= Fraction(5, 100))
        gamma = (network.side / 224) ** (1 / int(member.phi or 1))
        assert float(member.implied_gamma or 0) == pytest.approx(gamma, abs=1e-5)
        assert member.baseline.rounding.rule == "balanced"
    assert sum(member.matched for member in members) >= 7


def test_a_literal_family_takes_gamma_as_it_is() -> None:
    chosen = Coefficients(Decimal("1.2"), Decimal("1.1"), Decimal("1.15"))
    members = family(SMALL, chosen, "paper", match=False)
    assert [member.baseline.architecture.resolution for member in members[:4]] == [96, 110, 127, 146]
    assert [member.baseline.name for member in members[:3]] == ["small", "phi1", "phi2"]
    assert members[2].baseline.rounding == Rounding("paper", 4)


def test_matching_finds_the_best_side() -> None:
    random, base = Random(4), B0.architecture
    for _ in range(6):
        depth, width = (Decimal(random.randint(100, 180)) / 100 for _ in range(2))
        by = Multipliers(depth, width)
        shape = scaled(base, by, B0.rounding)
        ratio = Decimal(random.randint(100, 900)) / 100
        (found,) = match_resolutions(base, [(shape.widths, shape.depths)], ratio)
        wanted = float(ratio) * cost(base).macs
        sides = (replace(shape, resolution=px) for px in range(224, 760))
        best = min(sides, key=lambda one: abs(cost(one).macs - wanted))
        assert found == best
        (fixed,) = match_resolutions(base, [(shape.widths, shape.depths)], ratio, grows=False)
        assert fixed == replace(shape, resolution=224)


def test_scaling_remembers_where_it_came_from() -> None:
    by = Coefficients(Decimal("1.205"), Decimal("1.1"), Decimal("1.07177")).at(7)
    got = B0.scale(by, "balanced", "b7")
    assert (got.name, got.rounding.rule, got.origin is not None) == ("b7", "balanced", True)
    assert got.origin == Origin("b0", "balanced", by.rounded(), got.origin.flops_ratio if got.origin else by.depth)
    assert by.rounded().resolution == Decimal("1.624468055503")
    assert B0.scale(Multipliers()).rounding.rule == "paper"
    long = replace(B0, name="a" * 64)
    assert long.scale(Multipliers()).name == "a" * (64 - 12) + "-d1-w1-224px"


@pytest.mark.parametrize("values", [("1.2", "1.1"), ("1", "1", "1", "1"), ("a", "1", "1"), ("1,2", "1", "1")])
def test_coefficients_must_be_three_numbers(values: tuple[str, ...]) -> None:
    with pytest.raises(InputError, match="must be three numbers"):
        coefficients_from(values)


@pytest.mark.parametrize("value", ["0.99", "4.01", "nan", "inf", "-1"])
def test_coefficients_must_be_in_range(value: str) -> None:
    with pytest.raises(InputError, match="beta is"):
        coefficients_from(["1", value, "1"])


@pytest.mark.parametrize("value", ["0", "-1", "64.01", "NaN", "Infinity"])
def test_multipliers_must_be_in_range(value: str) -> None:
    with pytest.raises(SpaceError, match="width multiplier is"):
        Multipliers(width=Decimal(value))


def test_a_network_that_grows_too_large_says_so() -> None:
    with pytest.raises(SpaceError, match="head: width is 81920, but it must be in 1 … 65536"):
        scaled(B0.architecture, Multipliers(width=Decimal(64)), B0.rounding)


def test_values_are_checked_when_they_are_born() -> None:
    net = B0.architecture
    for wrong, changes in {
        "name is 'B 0'": {"name": "B 0"},
        "source holds": {"source": "a\nb"},
        "source has more than 1000": {"source": "a" * 1001},
        "axes is": {"axes": ("depth", "depth")},
    }.items():
        with pytest.raises(SpaceError, match=wrong):
            replace(B0, **changes)  # type: ignore[arg-type]
    with pytest.raises(SpaceError, match="baseline is"):
        Origin("a: b", "paper", Multipliers(), Decimal(1))
    with pytest.raises(SpaceError, match="rounding is"):
        Origin("a", "a: b", Multipliers(), Decimal(1))
    with pytest.raises(SpaceError, match="there is no stage"):
        Architecture(8, net.stem, (), net.head)
    with pytest.raises(SpaceError, match="kind is 'dense'"):
        Stage("dense", 3, 1, 1, 8, 1)
    with pytest.raises(SpaceError, match="activation is 'tanh'"):
        replace(net, activation="tanh")
    assert Baseline("x", "", net, Rounding("paper")).axes == ("depth", "width", "resolution")


def test_a_member_that_is_scaled_again_has_members_of_other_names() -> None:
    own = Coefficients(Decimal("1.2"), Decimal("1.1"), Decimal("1.15"))
    once = family(load_baseline("resnet18"), own)
    assert [one.baseline.name for one in once] == ["resnet18", *(f"phi{phi}" for phi in range(1, 8))]
    twice = family(once[1].baseline, own)
    names = [one.baseline.name for one in twice]
    assert names == ["phi1", *(f"phi1-phi{phi}" for phi in range(1, 8))]
    assert len({one.baseline.name for one in family(twice[1].baseline, own)}) == 8


@pytest.mark.parametrize("seed", range(20))
def test_activations_are_matched_as_well_as_any_px_does(seed: int) -> None:
    """Against counting every px over the blocks that `walk` gives."""
    random = Random(seed)
    base = random_architecture(random, 40)
    shape = (base.widths, [one + random.randint(0, 2) for one in base.depths])
    ratio = Decimal(random.choice(("1.5", "2", "4")))

    def activations(network: Architecture) -> int:
        return sum(layer.outputs for block in network.walk() for layer in block.layers)

    (found,) = match_resolutions(base, [(shape[0], tuple(shape[1]))], ratio, cost_kind="activations")
    wanted = float(ratio) * activations(base)
    last = 2 * base.side * float(ratio) ** 0.5 + 8
    every = [base.resized(*shape, px) for px in range(base.side, int(last) + 1)]
    best = min(abs(activations(one) - wanted) for one in every)
    assert abs(activations(found) - wanted) <= best
    assert found.resolution in sides_from(base, ratio)
