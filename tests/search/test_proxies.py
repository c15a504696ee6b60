"""Proxies of matched cost and at a larger φ: the networks by hand, the side by trying every one."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from scalesearch.design.architecture import Architecture
from scalesearch.design.baselines import load_baseline
from scalesearch.design.cost import cost
from scalesearch.search.budget import BUDGETS
from scalesearch.search.candidates import Candidate
from scalesearch.search.kinds.rules import SINGLE, RuleComparison
from scalesearch.search.kinds.sampler import CoefficientSearch
from scalesearch.search.plan import Plan
from scalesearch.search.proxies import DataFacts, candidate_proxy, image_px, phi_of_proxies, proxy_of
from scalesearch.search.study_config import StudyConfig, enumerate_candidates, select_candidates

DATA = DataFacts("planted", "f" * 64, classes=11, train=130, val=70)


def config(baseline: str = "b0", phi: str = "1", proxy_phi: str | None = "2", **changes: Any) -> StudyConfig:
    budget = replace(
        BUDGETS["quick"],
        proxy_side="proportional",
        recipe=BUDGETS["quick"].recipe.from_scratch,
        proxy_phi=None if proxy_phi is None else Decimal(proxy_phi),
    )
    return replace(StudyConfig(load_baseline(baseline), Decimal(phi), budget), **changes)


def candidate_of(asked: StudyConfig, alpha: str, beta: str) -> Candidate:
    wanted = Decimal(alpha), Decimal(beta)
    (found,) = (
        one
        for one in enumerate_candidates(asked).candidates
        if (one.coefficients.alpha, one.coefficients.beta) == wanted
    )
    return found


def proxy(asked: StudyConfig, candidate: Candidate) -> Architecture:
    found = candidate_proxy(asked, candidate, DATA.classes)
    assert isinstance(found, Architecture)
    return found


def base_proxy(asked: StudyConfig) -> Architecture:
    found = proxy_of(asked, asked.baseline.architecture, DATA.classes)
    assert isinstance(found, Architecture)
    return found


def test_a_proxy_is_the_candidate_scaled_to_the_budgets_phi() -> None:
    """B0 by 1.2 and 1.1 at φ = 2: widths times 1.21 to multiples of 8, over 4; depths times 1.44."""
    asked = config()
    found = proxy(asked, candidate_of(asked, "1.2", "1.1"))
    assert found.widths == tuple(one // 4 for one in (40, 24, 32, 48, 96, 136, 232, 384, 1552))
    assert found.depths == (1, 3, 3, 4, 4, 6, 2)
    assert found.head.classes == 11


def test_its_side_is_the_one_at_which_it_costs_most_nearly_four_times_the_baselines_proxy() -> None:
    asked = config()
    wanted = 4 * cost(base_proxy(asked)).macs
    for one in select_candidates(asked, enumerate_candidates(asked)):
        found = proxy(asked, one)
        off = {side: abs(cost(replace(found, resolution=side)).macs - wanted) for side in range(40, 2 * found.side)}
        assert off[found.side] == min(off.values()), one.label


def matched(baseline: str, phi: str = "1", **changes: Any) -> StudyConfig:
    asked = config(baseline, phi, proxy_phi=None, **changes)
    return replace(asked, budget=replace(asked.budget, proxy_side="matched"))


@pytest.mark.parametrize(
    ("baseline", "phi", "changes"),
    [
        ("b0", "1", {}),
        ("resnet18", "2", {"cost": "activations"}),
        ("mobilenet_v2", "-1", {}),
        ("mobilenet_v1", "2", {"kind": RuleComparison(SINGLE)}),
    ],
)
def test_proxies_can_cost_as_nearly_the_same_as_networks_do(
    baseline: str, phi: str, changes: dict[str, Any]
) -> None:
    """Of all sides that a proxy of these widths and depths may have; smaller ones for smaller networks."""
    asked = matched(baseline, phi, **changes)
    kind = changes.get("cost", "macs")
    wanted = 2 ** float(phi) * getattr(cost(base_proxy(asked)), kind)
    sides = range(16, 41) if phi == "-1" else range(40, 160)
    proportional = replace(asked, budget=replace(asked.budget, proxy_side="proportional"))
    others = 0
    for one in select_candidates(asked, enumerate_candidates(asked)):
        found, plain = proxy(asked, one), proxy(proportional, one)
        assert (found.widths, found.depths) == (plain.widths, plain.depths)
        off = {side: abs(getattr(cost(replace(found, resolution=side)), kind) - wanted) for side in sides}
        assert off[found.side] == min(off.values()), one.label
        others += found.resolution != plain.resolution
    assert others


def test_sides_are_in_proportion_where_costs_are_not_matched() -> None:
    for asked in (matched("b0", match="none"), config(proxy_phi=None)):
        for one in select_candidates(asked, enumerate_candidates(asked))[::5]:
            assert proxy(asked, one) == proxy_of(asked, one.architecture, DATA.classes)


def test_by_activations_the_side_is_matched_by_activations() -> None:
    asked = config(cost="activations")
    wanted = 4 * cost(base_proxy(asked)).activations
    one = candidate_of(asked, "1.1", "1.2")
    found = proxy(asked, one)
    off = {side: abs(cost(replace(found, resolution=side)).activations - wanted) for side in range(40, 120)}
    assert off[found.side] == min(off.values())


def test_literal_candidates_keep_their_own_gamma() -> None:
    asked = config(match="none")
    one = candidate_of(asked, "1", "1.2")
    gamma = one.coefficients.gamma
    assert proxy(asked, one).resolution == round(40 * float(gamma) ** 2)


@pytest.mark.parametrize("proxy_phi", [None, "1", "0.5"])
def test_no_larger_phi_changes_nothing(proxy_phi: str | None) -> None:
    asked = config(proxy_phi=proxy_phi)
    assert phi_of_proxies(asked) == 1
    for one in select_candidates(asked, enumerate_candidates(asked)):
        assert proxy(asked, one) == proxy_of(asked, one.architecture, DATA.classes)


def test_a_study_of_a_larger_phi_keeps_its_own() -> None:
    asked = config(phi="3")
    assert phi_of_proxies(asked) == 3
    one = enumerate_candidates(asked).candidates[0]
    assert proxy(asked, one) == proxy_of(asked, one.architecture, DATA.classes)


def test_compared_rules_are_trained_as_they_are() -> None:
    """A comparison says what rules are worth at one cost, not which direction to grow in."""
    asked = config(kind=RuleComparison(SINGLE))
    assert phi_of_proxies(asked) == 1


def test_samplers_candidates_are_enlarged_too() -> None:
    asked = config("tiny", kind=CoefficientSearch("gp"))
    own = enumerate_candidates(asked).candidates[1]
    assert sum(proxy(asked, own).depths) >= sum(own.architecture.depths)  # type: ignore[union-attr]
    assert phi_of_proxies(asked) == 2


def test_costs_are_adjusted_for_at_the_phi_of_the_proxies() -> None:
    plan = Plan(config(), DATA)
    base = cost(base_proxy(plan.config)).macs
    assert plan.proxies.adjusted_ratio(plan.base_id) == pytest.approx(1 / 4)
    for key, one in plan.by_network.items():
        assert plan.proxies.adjusted_ratio(key) == pytest.approx(cost(proxy(plan.config, one)).macs / base / 4)


def test_a_trial_names_the_candidate_and_trains_its_larger_proxy() -> None:
    plan = Plan(config(), DATA)
    one = plan.trained[3]
    spec = plan.spec(one.architecture, 5)
    assert spec.network == one.architecture
    assert spec.proxy == proxy(plan.config, one)
    assert spec.seed == 5


def test_images_are_kept_as_large_as_the_largest_proxy() -> None:
    asked = config("mobilenet_v2")
    sides = [proxy(asked, one).side for one in select_candidates(asked, enumerate_candidates(asked))]
    assert image_px(asked) == max(sides) > image_px(config("mobilenet_v2", proxy_phi=None))
