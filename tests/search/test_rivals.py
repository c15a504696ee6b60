"""Named rules at equal cost: each stays on its own dimension, and none is nearer to the wanted cost."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
from networks import staged

from scalesearch.design.architecture import Architecture
from scalesearch.design.baselines import load_baseline
from scalesearch.design.coefficients import Coefficients
from scalesearch.design.cost import cost
from scalesearch.design.lacs import LACS_GPU, LACS_PX, LACS_TPU, LacsMember
from scalesearch.errors import SpaceError
from scalesearch.search.budget import BUDGETS
from scalesearch.search.factory_grid import FactoryBaseline, NetworkPair
from scalesearch.search.kinds.rules import (
    NAMED,
    RuleComparison,
    ScalingRule,
    rule_candidates,
    transfer_name,
    transfer_rules,
)
from scalesearch.search.study_config import StudyConfig, enumerate_candidates, select_candidates

TWO = Decimal(2)
NAMES = ["depth", "width", "resolution", "compound", "fast", "lacs-gpu", "lacs-tpu"]


def networks(name: str, phi: int) -> dict[str, Architecture]:
    found = rule_candidates(load_baseline(name), NAMED, Decimal(phi), "balanced")
    return {one.name: staged(one.architecture) for one in (*found.candidates, *found.unmatched)}


@pytest.mark.parametrize("name", ["b0", "mobilenet_v1", "resnet18"])
@pytest.mark.parametrize("phi", [1, 2])
def test_every_rule_meets_the_cost_in_its_own_dimension(name: str, phi: int) -> None:
    base = load_baseline(name).architecture
    found = rule_candidates(load_baseline(name), NAMED, Decimal(phi), "balanced")
    assert not found.unmatched
    assert [one.name for one in found.candidates] == NAMES
    for one in found.candidates:
        assert abs(cost(one.architecture).macs / cost(base).macs / 2**phi - 1) <= 0.05
    by = networks(name, phi)
    for axis, same in (("depth", ("widths", "resolution")), ("width", ("depths", "resolution"))):
        assert all(getattr(by[axis], one) == getattr(base, one) for one in same)
    assert (by["resolution"].widths, by["resolution"].depths) == (base.widths, base.depths)
    for axis in ("depths", "widths"):
        assert sum(getattr(by["compound"], axis)) > sum(getattr(base, axis))
    assert by["compound"].side > base.side


def test_width_alone_is_the_nearest_of_all_widths() -> None:
    """Against trying every multiplier of a fine grid."""
    baseline = load_baseline("mobilenet_v1")
    base = cost(baseline.architecture).macs
    found = cost(networks("mobilenet_v1", 2)["width"]).macs
    from scalesearch.design.coefficients import Multipliers

    every = [
        cost(baseline.scale(Multipliers(width=Decimal(step) / 1000), "balanced").architecture).macs
        for step in range(1000, 2600)
    ]
    assert abs(found - 4 * base) == min(abs(macs - 4 * base) for macs in every)


def test_fast_scaling_is_what_dollar_says() -> None:
    """d = s^.1, w = s^.4, r = s^.05: d·w²·r² = s."""
    rule = next(one.coefficients for one in NAMED if one.name == "fast")
    assert float(rule.product) == pytest.approx(2)
    assert float(rule.alpha) == pytest.approx(2**0.1)
    assert float(rule.beta) == pytest.approx(2**0.4)
    assert float(rule.gamma) == pytest.approx(2**0.05)


@pytest.mark.parametrize(("name", "members"), [("lacs-gpu", LACS_GPU), ("lacs-tpu", LACS_TPU[:4])])
def test_lacs_is_the_line_through_its_published_members(name: str, members: tuple[LacsMember, ...]) -> None:
    """Least squares of log d, log w, log r on log d·w²·r², through the origin; and all members lie on it."""
    logs = np.log([[float(one.depth), float(one.width), one.px / LACS_PX] for one in members])
    costs = logs @ [1, 2, 2]
    exponents = costs @ logs / (costs @ costs)
    rule = next(one.coefficients for one in NAMED if one.name == name)
    own = np.log2([float(rule.alpha), float(rule.beta), float(rule.gamma)])
    assert own == pytest.approx(exponents, abs=0.0005)
    assert float(rule.product) == pytest.approx(2)
    assert np.abs(np.exp(costs[:, None] * exponents - logs) - 1).max() < 0.01


def test_lacs_for_tpus_leaves_its_line_after_b4() -> None:
    rule = next(one.coefficients for one in NAMED if one.name == "lacs-tpu")
    for one, bent in zip(LACS_TPU, [False] * 4 + [True] * 3, strict=True):
        doublings = np.log2(float(one.depth) * (float(one.width) * one.px / LACS_PX) ** 2)
        assert (abs(float(rule.alpha) ** doublings / float(one.depth) - 1) > 0.05) == bent


@pytest.mark.parametrize("phi", [1, 2])
def test_rules_at_equal_activations(phi: int) -> None:
    baseline = load_baseline("mobilenet_v1")
    base = baseline.architecture
    found = rule_candidates(baseline, NAMED, Decimal(phi), "balanced", "activations")
    assert [one.name for one in found.candidates] == NAMES
    for one in found.candidates:
        ratio = one.cost.activations / cost(base).activations
        assert ratio == pytest.approx(2**phi, rel=0.05)
        assert float(one.matched_ratio) == pytest.approx(ratio, abs=1e-5)
        assert float(one.flops_ratio) == pytest.approx(one.cost.macs / cost(base).macs, abs=1e-5)
    by = {one.name: one for one in found.candidates}
    assert (staged(by["width"].architecture).depths, by["width"].architecture.resolution) == (base.depths, 224)
    assert staged(by["depth"].architecture).widths == base.widths
    # Activations grow as w, multiply-adds as w²: width alone is the dearest of all.
    assert max(found.candidates, key=lambda one: one.flops_ratio).name == "width"
    # Dollár's rule keeps its direction, d : w = .1 : .4 in logarithms.
    fast = by["fast"].coefficients
    assert np.log(float(fast.beta)) / np.log(float(fast.alpha)) == pytest.approx(4, rel=1e-3)


def test_what_no_network_matches_is_not_compared() -> None:
    found = rule_candidates(load_baseline("tiny"), NAMED, Decimal(1), "balanced")
    assert {one.name for one in found.unmatched} == {"depth", "resolution"}
    assert all(abs(one.flops_ratio / 2 - 1) > Decimal("0.05") for one in found.unmatched)


def test_a_comparison_takes_every_rule_and_one_of_ones_own() -> None:
    own = ScalingRule("found", Coefficients(Decimal("1.3"), Decimal("1.1"), Decimal("1.1")))
    config = StudyConfig(load_baseline("b0"), TWO, BUDGETS["smoke"], kind=RuleComparison((*NAMED, own)))
    chosen = select_candidates(config, enumerate_candidates(config))
    assert [one.label for one in chosen] == [*NAMES, "found"]


def test_rules_that_give_one_network_are_one_candidate() -> None:
    compound = next(one for one in NAMED if one.name == "compound")
    again = ScalingRule("found", compound.coefficients)
    found = rule_candidates(load_baseline("b0"), (*NAMED, again), Decimal(2), "balanced").candidates
    assert [one.name for one in found].count("compound = found") == 1
    assert sorted(rule for one in found for rule in one.rules) == sorted([*(one.name for one in NAMED), "found"])
    assert len({one.architecture for one in found}) == len(found) == len(NAMED)


def test_the_tied_set_competes_with_the_single_dimensions() -> None:
    base = load_baseline("b0")
    first = StudyConfig(base, Decimal(1), BUDGETS["quick"])
    found = select_candidates(first, enumerate_candidates(first))
    rivals = transfer_rules(found)
    assert rivals[-3:] == NAMED[:3]
    names = [one.name for one in rivals]
    assert len(names) == len(set(names))
    # Depth 2 and depth 1.9 with a px or two are depth alone, and so for the other two.
    singles = {transfer_name(one) for one in found} & {"depth", "width", "resolution"}
    assert singles == {"depth", "width", "resolution"}
    own = {one.name: one.coefficients for one in rivals}
    for one in found:
        if transfer_name(one) == one.label:
            assert own[one.label] == one.coefficients


def test_a_function_needs_one_counted_network_for_each_rule() -> None:
    from scalesearch.design.factory import FactoryNetwork

    network = FactoryNetwork("a:b", Decimal(1), Decimal(1), 32, 10, 5, 6, 7)
    function = FactoryBaseline("a-b", "0" * 64, NetworkPair(network, network), ())
    with pytest.raises(SpaceError, match="has 0 counted networks, but there are 7 rules; begin the study anew"):
        StudyConfig(function, TWO, BUDGETS["smoke"], kind=RuleComparison(NAMED))
