"""A user's own network: found, built, counted; what is wrong with one is said in a line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from unittest.mock import patch

import pytest
import torch

from scalesearch.design.coefficients import Coefficients, Multipliers
from scalesearch.design.factory import FactoryNetwork
from scalesearch.errors import InputError
from scalesearch.nets.build import build
from scalesearch.nets.factory import Factory, count_factory, load_factory, measure_factory
from scalesearch.nets.factory_grid import count_function
from scalesearch.nets.fvcore_witness import fvcore_macs
from scalesearch.nets.multiply_adds import count_forward
from scalesearch.search.budget import BUDGETS, Budget
from scalesearch.search.factory_grid import FactoryBaseline, NetworkCounter, literal_px
from scalesearch.search.grid import triples
from scalesearch.search.kinds.grid import GridSearch, count_grid
from scalesearch.search.setting import Setting

NAME = "factories:build"
STEP, SLACK = Decimal("0.2"), Decimal("0.2")


@dataclass(frozen=True)
class Points(GridSearch):
    """A search of a few points in place of a whole grid."""

    points: tuple[Coefficients, ...] = ()

    def count_networks(self, setting: Setting, counter: NetworkCounter) -> tuple[FactoryNetwork, ...]:
        return count_grid(setting, counter, self.points)


def count_factory_grid(
    factory: Factory,
    grid: Sequence[Coefficients],
    phi: Decimal,
    budget: Budget,
    match: str,
    cost_kind: str = "macs",
) -> FactoryBaseline:
    return count_function(factory, Points(tuple(grid)), phi, budget, match, cost_kind)


def macs_by_hand(depth: float, width: float, px: int) -> int:
    blocks, channels, side = round(5 * depth), 2 * round(8 * width), -(-px // 2)
    return side**2 * (27 * channels + blocks * 9 * channels**2) + 11 * channels


@pytest.mark.parametrize(("depth", "width", "px"), [("1", "1", 40), ("1.4", "1.2", 51), ("2", "0.5", 23)])
def test_fvcore_counts_what_the_function_builds(depth: str, width: str, px: int) -> None:
    counted = count_factory(load_factory(NAME), Decimal(depth), Decimal(width), px)
    blocks, channels, side = round(5 * float(depth)), 2 * round(8 * float(width)), -(-px // 2)
    weights = 27 * channels + channels + blocks * (9 * channels**2 + channels + 2 * channels) + 11 * channels + 11
    assert counted == FactoryNetwork(
        factory=NAME,
        depth=Decimal(depth),
        width=Decimal(width),
        resolution=px,
        classes=11,
        macs=macs_by_hand(float(depth), float(width), px),
        params=weights,
        activations=(1 + blocks) * channels * side**2 + 11,
    )
    with torch.no_grad():
        assert build(counted)(torch.zeros(2, 3, px, px)).shape == (2, 11)


def test_a_function_says_the_channels_of_its_images() -> None:
    factory = load_factory("factories:grey")
    counted = count_factory(factory, Decimal(1), Decimal(1), 9)
    assert (factory.in_channels, counted.in_channels) == (1, 1)
    assert counted.macs == 9 * 8 * 49 + 8 * 49 * 7
    assert load_factory(NAME).in_channels == 3


WRONG = [
    ("factories:no_channels", "the argument in_channels has the default 0, but images have 1 … 1024 channels"),
    ("nowhere.at_all:build", "cannot be imported (ModuleNotFoundError: No module named 'nowhere')"),
    ("nowhere.at_all:build", "; nowhere must be installed, or lie in this folder as nowhere.py"),
    ("factories.py:build", "; write a module's name, as in factories:build"),
    ("factories:absent", "cannot be imported (AttributeError"),
    ("factories:absent", "; its functions are "),
    ("factories:three", "cannot be imported (TypeError"),
    ("factories:no_width", "no_width does not take width; it must be a function of"),
    ("factories:no_default", "the argument resolution has no whole number of px as its default"),
]


@pytest.mark.parametrize(("name", "reason"), WRONG)
def test_a_function_that_cannot_be_used_is_named(name: str, reason: str) -> None:
    with pytest.raises(InputError) as caught:
        load_factory(name)
    assert str(caught.value).startswith(f"baseline {name!r}: ")
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("no_module", "gives a int, but must give a torch module"),
        ("no_logits", "must turn images (N, 3, 40, 40) into logits"),
        ("fails", "(depth=1, width=1.2, resolution=40): fails (ValueError: only width 1 at factories.py:"),
    ],
)
def test_a_function_that_fails_is_told_with_its_call(name: str, reason: str) -> None:
    width = Decimal("1.2") if name == "fails" else Decimal(1)
    with pytest.raises(InputError) as caught:
        count_factory(load_factory(f"factories:{name}"), Decimal(1), width, 40)
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_catalogue_matches_the_cost_by_px() -> None:
    """Against trying every px: the nearest to twice the cost, never below the function's own."""
    grid, base = triples(STEP, SLACK), macs_by_hand(1, 1, 40)
    found = count_factory_grid(load_factory(NAME), grid, Decimal(1), BUDGETS["smoke"], "flops")
    assert found.architecture.macs == base
    pairs = {(point.alpha, point.beta) for point in grid}
    assert {(one.network.depth, one.network.width) for one in found.entries} == pairs
    assert len(found.entries) == len(pairs)
    for entry in found.entries:
        depth, width = float(entry.network.depth), float(entry.network.width)
        sides = {px: abs(macs_by_hand(depth, width, px) - 2 * base) for px in range(40, 99)}
        assert sides[entry.network.resolution] == min(sides.values())
        small = entry.proxy
        assert small.depth == entry.network.depth
        assert small.width == entry.network.width / 4
        assert small.resolution == literal_px(24, Decimal(entry.network.resolution) / 40)


def test_the_proxies_of_a_function_are_made_at_the_budgets_phi() -> None:
    """Depth and width squared, and the px, by trying each, at which a proxy costs four times the unscaled one's."""
    budget, one = replace(BUDGETS["smoke"], proxy_phi=Decimal(2)), Decimal(1)
    point = Coefficients(Decimal("1.2"), Decimal("1.1"), Decimal("1.17"))
    found = count_factory_grid(load_factory(NAME), [point], one, budget, "flops")
    (entry,) = found.entries
    assert (entry.network.depth, entry.network.width) == (Decimal("1.2"), Decimal("1.1"))
    assert (entry.proxy.depth, entry.proxy.width) == (Decimal("1.44"), Decimal("1.21") / 4)
    sides = {px: abs(macs_by_hand(1.44, 1.21 / 4, px) - 4 * found.base.proxy.macs) for px in range(24, 80)}
    assert sides[entry.proxy.resolution] == min(sides.values())
    (literal,) = count_factory_grid(load_factory(NAME), [point], one, budget, "none").entries
    assert literal.proxy.resolution == literal_px(24, (Decimal(literal.network.resolution) / 40) ** 2)


@pytest.mark.parametrize("phi", ["1", "-1"])
def test_the_proxies_of_a_function_can_be_matched_in_cost(phi: str) -> None:
    budget = replace(BUDGETS["smoke"], proxy_side="matched", resolution=32)
    point = Coefficients(Decimal("1.2"), Decimal("1.1"), Decimal("1.17"))
    found = count_factory_grid(load_factory(NAME), [point], Decimal(phi), budget, "flops")
    (entry,) = found.entries
    depth, width = (float(value) for value in (entry.proxy.depth, entry.proxy.width))
    assert (depth, width * 4) == pytest.approx((float(entry.network.depth), float(entry.network.width)))
    wanted = found.base.proxy.macs * 2 ** int(phi)
    sides = {px: abs(macs_by_hand(depth, width, px) - wanted) for px in range(8, 80)}
    assert sides[entry.proxy.resolution] == min(sides.values())


def test_only_the_networks_that_are_taken_are_traced_by_fvcore() -> None:
    budget, one = replace(BUDGETS["smoke"], proxy_phi=Decimal(2)), Decimal(1)
    point = Coefficients(Decimal("1.2"), Decimal("1.1"), Decimal("1.17"))
    with (
        patch("scalesearch.nets.factory.fvcore_macs", wraps=fvcore_macs) as traced,
        patch("scalesearch.nets.factory.count_forward", wraps=count_forward) as forward,
    ):
        found = count_factory_grid(load_factory(NAME), [point], one, budget, "flops")
    networks = [network for pair in (found.base, *found.entries) for network in (pair.network, pair.proxy)]
    sides = [call.args[1].shape[-1] for call in traced.call_args_list]
    assert sorted(sides) == sorted(network.resolution for network in networks)
    assert forward.call_count >= len(networks) + 4  # each match tries two sides or more


def test_a_measured_network_has_the_counts_of_a_checked_one() -> None:
    factory, sizes = load_factory("fused:attention"), (Decimal("1.5"), Decimal("1.1"), 72)
    assert measure_factory(factory, *sizes) == count_factory(factory, *sizes)


@pytest.mark.slow  # as by px, with another count
def test_the_catalogue_matches_activations() -> None:
    """Against counting every px, near which no side is nearer to twice the activations."""
    from scalesearch.nets.factory import count_factory

    grid, factory = triples(STEP, SLACK), load_factory(NAME)
    found = count_factory_grid(factory, grid, Decimal(1), BUDGETS["smoke"], "flops", "activations")
    wanted = 2 * found.architecture.activations
    for one in [entry.network for entry in found.entries][:3]:
        sides = range(max(40, one.resolution - 4), one.resolution + 5)
        counts = {px: count_factory(factory, one.depth, one.width, px).activations for px in sides}
        assert abs(one.activations - wanted) == min(abs(count - wanted) for count in counts.values())


def test_the_literal_catalogue_takes_gamma() -> None:
    grid = triples(STEP, SLACK)
    found = count_factory_grid(load_factory(NAME), grid, Decimal(2), BUDGETS["smoke"], "none")
    wanted = {Multipliers(*(one**2 for one in (p.alpha, p.beta, p.gamma))) for p in grid}
    assert {(one.network.depth, one.network.width, one.network.resolution) for one in found.entries} == {
        (by.depth, by.width, literal_px(40, by.resolution)) for by in wanted
    }


def test_attention_networks_are_matched_by_their_whole_cost() -> None:
    """Their cost grows faster than px²; the nearest side that the stem's 4 px patches allow is taken."""
    factory = load_factory("fused:attention")
    point = Coefficients(Decimal(1), Decimal("1.1"), Decimal("1.2"))
    budget = replace(BUDGETS["smoke"], width_divisor=1)
    (entry,) = count_factory_grid(factory, [point], Decimal(1), budget, "flops").entries
    target = 2 * 25_952_896
    counts = {px: count_factory(factory, Decimal(1), Decimal("1.1"), px).macs for px in range(64, 93, 4)}
    assert abs(entry.network.macs - target) == min(abs(macs - target) for macs in counts.values())


def test_what_fails_in_a_training_step_is_found_before_any_trial() -> None:
    factory = load_factory("fused:frozen")
    with pytest.raises(InputError, match="has no weight that its logits depend on"):
        count_factory_grid(factory, triples(STEP, SLACK)[:1], Decimal(1), BUDGETS["smoke"], "none")
    overwriting = load_factory("fused:overwritten")
    with pytest.raises(InputError, match=r"fails in a training step .*modified by an inplace operation"):
        count_factory_grid(overwriting, triples(STEP, SLACK)[:1], Decimal(1), BUDGETS["smoke"], "none")
