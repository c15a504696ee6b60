"""The rules of a Python function: found with few counted networks, and by none nearer to the target cost."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import partial
from math import ceil

import pytest

from scalesearch.design.factory import FactoryNetwork
from scalesearch.errors import SpaceError
from scalesearch.search.budget import BUDGETS
from scalesearch.search.candidates import CandidateSet
from scalesearch.search.canonical import as_json, from_json
from scalesearch.search.factory_grid import FactoryBaseline, NetworkPair
from scalesearch.search.kinds import CoefficientSearch, RuleComparison
from scalesearch.search.kinds.rules import NAMED
from scalesearch.search.match_side import match_side
from scalesearch.search.setting import Setting
from scalesearch.search.study_config import StudyConfig, enumerate_candidates

PX = 30
NAMES = {rule.name for rule in NAMED}
ALL = RuleComparison(NAMED)


@dataclass
class ClosedForm:
    """A counter of `blocks` layers of `channels` channels, at half a padded side, whose counts are known."""

    blocks: int = 10
    channels: int = 40
    multiple: int = 2
    shrinks: bool = False
    px: int = PX
    calls: list[tuple[Decimal, Decimal, int]] = field(default_factory=list)

    def sizes(self, depth: Decimal, width: Decimal) -> tuple[int, int]:
        return round(self.blocks * float(depth)), round(self.channels * float(width))

    def measure(self, depth: Decimal, width: Decimal, px: int) -> FactoryNetwork:
        self.calls.append((depth, width, px))
        return self.count(depth, width, px)

    def count(self, depth: Decimal, width: Decimal, px: int) -> FactoryNetwork:
        blocks, channels = self.sizes(depth, width)
        pixels, weights = (
            (self.multiple // 2 * ceil(px / self.multiple)) ** 2,
            27 * channels + 9 * blocks * channels**2,
        )
        counts = pixels * weights + 10 * channels, weights + 10 * channels, (1 + blocks) * channels * pixels
        return FactoryNetwork("a:b", depth, width, px, 10, *counts)

    def match(
        self, depth: Decimal, width: Decimal, target_cost: float, cost_kind: str, start_px: int | None = None
    ) -> FactoryNetwork:
        measure = partial(self.measure, depth, width)
        return match_side(measure, self.px, target_cost, cost_kind, self.shrinks, start_px)


def compared(
    counter: ClosedForm, phi: str, cost_kind: str = "macs", rules: RuleComparison = ALL
) -> tuple[FactoryBaseline, CandidateSet]:
    """Count a study's networks as `nets.factory_grid` does, each in place of its own proxy; read them back."""
    base = counter.count(Decimal(1), Decimal(1), counter.px)
    counter.calls.clear()
    unscaled = FactoryBaseline("a-b", "0" * 64, NetworkPair(base, base), ())
    setting = Setting(unscaled, Decimal(phi), BUDGETS["smoke"], cost=cost_kind)
    entries = tuple(NetworkPair(network, network) for network in rules.count_networks(setting, counter))
    written = as_json(replace(unscaled, entries=entries))
    baseline = from_json(FactoryBaseline, written, ())
    config = StudyConfig(baseline, Decimal(phi), BUDGETS["smoke"], kind=rules, cost=cost_kind)
    return baseline, enumerate_candidates(config)


@pytest.mark.parametrize("cost_kind", ["macs", "activations"])
@pytest.mark.parametrize("phi", ["0.5", "1", "2", "3.3"])
def test_rules_of_a_function_meet_the_cost_in_their_own_dimensions(phi: str, cost_kind: str) -> None:
    baseline, found = compared(ClosedForm(), phi, cost_kind)
    base = baseline.architecture
    networks: dict[str, FactoryNetwork] = {}
    for candidate in found.candidates:
        assert isinstance(candidate.architecture, FactoryNetwork)
        ratio = getattr(candidate.architecture, cost_kind) / getattr(base, cost_kind)
        assert ratio == pytest.approx(2 ** float(phi), rel=0.05)
        assert float(candidate.matched_ratio) == pytest.approx(ratio, abs=1e-5)
        networks.update(dict.fromkeys(candidate.rules, candidate.architecture))
    assert set(networks) == NAMES
    sizes = {name: (one.depth > 1, one.width > 1, one.resolution > PX) for name, one in networks.items()}
    assert sizes["depth"] == (True, False, False)
    assert sizes["width"] == (False, True, False)
    assert sizes["resolution"] == (False, False, True)
    assert sizes["compound"][:2] == sizes["fast"][:2] == (True, True)


@pytest.mark.parametrize("cost_kind", ["macs", "activations"])
@pytest.mark.parametrize("phi", ["-0.5", "-1", "-2"])
def test_rules_shrink_a_function_in_their_own_dimensions(phi: str, cost_kind: str) -> None:
    """Of 40 layers of 160 channels; no size is above the function's own."""
    baseline, found = compared(ClosedForm(40, 160, shrinks=True), phi, cost_kind)
    base = baseline.architecture
    networks: dict[str, FactoryNetwork] = {}
    for candidate in found.candidates:
        network = candidate.architecture
        assert isinstance(network, FactoryNetwork)
        ratio = getattr(network, cost_kind) / getattr(base, cost_kind)
        assert ratio == pytest.approx(2 ** float(phi), rel=0.05)
        assert max(network.depth, network.width) <= 1
        assert network.resolution <= PX
        networks.update(dict.fromkeys(candidate.rules, network))
    assert {"depth", "width", "compound"} <= set(networks), "30 px are too coarse for resolution alone"
    assert networks["depth"].width == networks["width"].depth == 1
    assert networks["depth"].resolution == networks["width"].resolution == PX


def test_a_function_of_coarse_sides_is_counted_few_times() -> None:
    """Images are padded to a multiple of 32 px. Trying the sides one by one took 228 counts for the seven rules."""
    counter = ClosedForm(20, 80, multiple=32, px=224)
    _, found = compared(counter, "1")
    assert {rule for candidate in found.candidates for rule in candidate.rules} == NAMES
    assert len(counter.calls) <= 110


@pytest.mark.parametrize("axis", ["depth", "width"])
@pytest.mark.parametrize("phi", [1, 2])
def test_one_dimension_is_the_nearest_of_all_multipliers_and_few_are_counted(axis: str, phi: int) -> None:
    """Against counting every multiplier in steps of a thousandth; 0.5 % is near enough."""
    counter = ClosedForm()
    rule = next(rule for rule in NAMED if rule.name == axis)
    baseline, _ = compared(counter, str(phi), rules=RuleComparison((rule, *NAMED[2:3])))
    num_counted = sum(px == PX for _, _, px in counter.calls) - 1  # resolution alone tries that side too
    assert num_counted <= 13
    target = baseline.architecture.macs * 2**phi
    every = [
        counter.count(*((step, Decimal(1)) if axis == "depth" else (Decimal(1), step)), PX).macs
        for step in (Decimal(thousandth) / 1000 for thousandth in range(1000, 5000))
    ]
    nearest = min(abs(macs / target - 1) for macs in every)
    miss = abs(baseline.entries[0].network.macs / target - 1)
    assert miss <= max(nearest, 0.005)


def test_a_dimension_that_the_function_rounds_coarsely_is_left_out() -> None:
    """One block becomes two or three, so that depth alone has no network of 1.6 times the cost."""
    _, found = compared(ClosedForm(blocks=1), "0.678072")
    left_out = {rule for candidate in found.unmatched for rule in candidate.rules}
    assert "depth" in left_out
    assert "width" not in left_out


def test_a_dimension_that_the_function_ignores_is_left_out() -> None:
    class Ignores(ClosedForm):
        def sizes(self, depth: Decimal, width: Decimal) -> tuple[int, int]:
            return super().sizes(Decimal(1), width)

    counter = Ignores()
    _, found = compared(counter, "1")
    (left_out,) = found.unmatched
    assert (left_out.name, left_out.flops_ratio) == ("depth", Decimal(1))
    assert sum(depth > 1 and width == 1 for depth, width, _ in counter.calls) == 3


def test_a_multiplier_out_of_range_is_refused() -> None:
    with pytest.raises(SpaceError, match="depth multiplier is 128, but it must be above 0 and at most 64"):
        compared(ClosedForm(), "7")


def test_a_kind_for_baseline_files_only_refuses_a_function() -> None:
    counter = ClosedForm()
    base = counter.count(Decimal(1), Decimal(1), PX)
    function = FactoryBaseline("a-b", "0" * 64, NetworkPair(base, base), ())
    setting = Setting(function, Decimal(1), BUDGETS["smoke"])
    with pytest.raises(SpaceError, match="is a Python function, whose networks are counted before the search"):
        CoefficientSearch("tpe").count_networks(setting, counter)
