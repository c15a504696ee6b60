"""Latency as a fact of a study: the search for px under planted clocks, and a configuration that is read back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import count
from pathlib import Path
from random import Random

import pytest
from networks import staged
from planted import launched, plan, study, with_times

from scalesearch.cli.grid import _transfer_config
from scalesearch.design.architecture import Architecture
from scalesearch.design.baselines import load_baseline
from scalesearch.design.coefficients import Coefficients
from scalesearch.design.cost import cost
from scalesearch.errors import InputError, SpaceError
from scalesearch.search.budget import BUDGETS
from scalesearch.search.kinds.grid import shapes_to_time
from scalesearch.search.kinds.rules import NAMED, RuleComparison, ScalingRule, rule_paths
from scalesearch.search.plan import Plan
from scalesearch.search.study_config import StudyConfig, enumerate_candidates, paths_to_time, select_candidates
from scalesearch.search.timings import CLOSE, ROUNDS, LatencyMeasurement, LatencyTable, match_times, shape_paths
from scalesearch.study.study import open_or_create, open_study, recorded_timings

TINY, B0 = load_baseline("tiny"), load_baseline("b0")
ONE = Decimal(1)

Planted = Callable[[Architecture], float]


def by_macs(network: Architecture) -> float:
    return cost(network).macs * 1e-9


def by_layers(network: Architecture) -> float:
    """Every layer takes a while, however small: a GPU at batch 1."""
    return 2e-5 * sum(network.depths) + 1e-7 * network.side + cost(network).macs * 2e-10


def by_steps(network: Architecture) -> float:
    """A kernel that works in blocks of 32 px."""
    return 1e-4 * -((-network.side // 32) ** 2) * sum(network.depths)


class Clock:
    """Ratios of planted times, each off by up to `noise`; keeps what it was asked."""

    def __init__(self, base: Architecture, planted: Planted, noise: float = 0) -> None:
        self.base, self.planted, self.noise, self.random = planted(base), planted, noise, Random(7)
        self.asked: list[list[Architecture]] = []

    def __call__(self, networks: Sequence[Architecture]) -> list[float]:
        self.asked.append(list(networks))
        off = self.random.uniform
        return [self.planted(one) / self.base * (1 + off(-self.noise, self.noise)) for one in networks]


def shapes(name: str) -> tuple[tuple[tuple[int, ...], tuple[int, ...]], ...]:
    """Every fourth of the grid's: the oracle counts hundreds of networks for each."""
    return shapes_to_time(StudyConfig(load_baseline(name), ONE, BUDGETS["quick"]))[::4]


def misses(base: Architecture, shape: tuple[tuple[int, ...], tuple[int, ...]], planted: Planted) -> float:
    """The smallest miss of all sides that can be wanted: the oracle tries each."""
    every = (base.resized(*shape, px) for px in range(base.side, 3 * base.side, 2))
    return min(abs(planted(one) / planted(base) / 2 - 1) for one in every)


@pytest.mark.parametrize("planted", [by_macs, by_layers, by_steps])
@pytest.mark.parametrize("name", ["tiny", "b0"])
def test_the_px_is_as_good_as_the_best_of_all(name: str, planted: Planted) -> None:
    base = load_baseline(name).architecture
    clock = Clock(base, planted)
    found = match_times(shape_paths(base, shapes(name), Decimal(2), True), Decimal(2), clock)
    assert len(clock.asked) <= ROUNDS
    for shape, network in zip(shapes(name), found, strict=True):
        assert (network.widths, network.depths) == shape
        assert network.side >= base.side
        tried = [one for networks in clock.asked for one in networks if (one.widths, one.depths) == shape]
        miss = abs(planted(network) / planted(base) / 2 - 1)
        assert miss == min(abs(planted(one) / planted(base) / 2 - 1) for one in tried)
        best = misses(base, shape, planted)
        assert miss <= max(CLOSE, 1.01 * best) or planted is by_steps
    if planted is by_macs:
        assert sum(map(len, clock.asked)) <= 2 * len(found)


def test_a_noisy_clock_still_comes_within_the_tolerance() -> None:
    base = B0.architecture
    lines = shape_paths(base, shapes("b0"), Decimal(2), True)
    found = match_times(lines, Decimal(2), Clock(base, by_layers, 0.03))
    for shape, network in zip(shapes("b0"), found, strict=True):
        best = misses(base, shape, by_layers)
        assert abs(by_layers(network) / by_layers(base) / 2 - 1) <= max(0.1, 1.01 * best)


def test_no_side_is_tried_whose_coefficient_would_be_too_large() -> None:
    asked = replace(plan().config, phi=Decimal("0.25"))
    every = enumerate_candidates(with_times(asked, lambda network: float(network.side) ** 0.25))
    assert 3 < max(one.coefficients.gamma for one in (*every.candidates, *every.unmatched)) <= 4


def test_a_fixed_resolution_is_not_searched() -> None:
    clock = Clock(TINY.architecture, by_macs)
    lines = shape_paths(TINY.architecture, shapes("tiny"), Decimal(2), grows=False)
    found = match_times(lines, Decimal(2), clock)
    assert {one.resolution for one in found} == {TINY.architecture.resolution}
    assert clock.asked == []


@pytest.mark.parametrize("planted", [by_macs, by_layers])
@pytest.mark.parametrize("name", ["tiny", "mobilenet_v1"])
def test_a_rule_goes_on_until_it_takes_as_long(name: str, planted: Planted) -> None:
    """The oracle times every network of a line; only few are asked about."""
    baseline = load_baseline(name)
    lines = rule_paths(baseline, NAMED, ONE, "balanced")
    clock = Clock(baseline.architecture, planted)
    found = match_times(lines, Decimal(2), clock)
    assert sum(map(len, clock.asked)) <= ROUNDS * len(NAMED)
    for rival, line, network in zip(NAMED, lines, found, strict=True):
        every = [line.at(place) for place in range(len(line.extents))]
        assert every[0] == baseline.architecture, rival.name
        assert sorted(every, key=lambda one: cost(one).macs) == every
        misses = [abs(planted(one) / planted(every[0]) / 2 - 1) for one in every]
        assert misses[every.index(network)] <= max(CLOSE, 1.01 * min(misses)), rival.name


def test_width_grows_further_where_wide_layers_take_no_longer() -> None:
    lines = rule_paths(TINY, NAMED[:2], ONE, "balanced")
    depth, width = match_times(lines, Decimal(2), Clock(TINY.architecture, launched))
    for network in (depth, width):
        assert launched(network) == pytest.approx(2 * launched(TINY.architecture), rel=0.1)
    assert cost(width).macs > 2 * cost(depth).macs


def test_a_line_ends_where_a_multiplier_would_be_too_large() -> None:
    steep = ScalingRule("steep", Coefficients(Decimal(3), ONE, ONE))
    (line,) = rule_paths(TINY, (steep,), Decimal("3.5"), "balanced")
    last = line.at(len(line.extents) - 1)
    assert 60 < sum(last.depths) / sum(TINY.architecture.depths) <= 64


@pytest.mark.parametrize("phi", ["0.07", "1", "3"])
def test_the_end_of_every_line_has_coefficients(phi: str) -> None:
    asked = replace(plan().config, phi=Decimal(phi), kind=RuleComparison(NAMED), scheduler="grid", match="flops")
    base, lines = staged(asked.baseline.architecture), paths_to_time(asked)
    entries = tuple(timed(line.at(len(line.extents) - 1), 200) for line in lines)
    last = replace(asked, cost="latency", timings=LatencyTable("CPU", 1, 1, 15, timed(base, 100), entries))
    found = enumerate_candidates(last)
    assert sum(len(one.rules) for one in (*found.candidates, *found.unmatched)) == len(NAMED)


def test_a_resolution_that_does_not_grow_stays_in_every_rule() -> None:
    fixed = replace(TINY, axes=("depth", "width"))
    for line in rule_paths(fixed, NAMED, ONE, "balanced"):
        sides = {line.at(place).resolution for place in range(len(line.extents))}
        assert sides == {TINY.architecture.resolution}


def rules() -> StudyConfig:
    """The planted study's baseline under every rule, at twice its planted time."""
    return with_times(
        replace(plan().config, kind=RuleComparison(NAMED), scheduler="grid", match="flops"), by_layers
    )


def test_rules_are_compared_at_the_networks_that_were_timed(tmp_path: Path) -> None:
    asked = rules()
    assert asked.timings is not None
    found = enumerate_candidates(asked)
    every = {name: one for one in (*found.candidates, *found.unmatched) for name in one.rules}
    assert set(every) == {one.name for one in NAMED}
    for rival, entry in zip(NAMED, asked.timings.entries, strict=True):
        network = staged(every[rival.name].architecture)
        assert (network.widths, network.depths, network.resolution) == (
            entry.widths,
            entry.depths,
            entry.resolution,
        )
        assert every[rival.name].matched_ratio == entry.ratio
    assert all(abs(one.matched_ratio / 2 - 1) <= Decimal("0.1") for one in found.candidates)
    width = every["width"].coefficients
    assert (width.alpha, width.gamma) == (ONE, ONE)
    assert width.beta > NAMED[1].coefficients.beta
    begun = open_or_create(replace(study(tmp_path / "s"), plan=Plan(asked, plan().data)))
    assert open_study(tmp_path / "s") == begun


def test_a_network_that_is_none_of_the_rules_is_refused() -> None:
    asked = rules()
    assert asked.timings is not None
    depth, *others = asked.timings.entries
    wrong = replace(asked.timings, entries=(replace(depth, resolution=depth.resolution + 1), *others))
    with pytest.raises(SpaceError, match="timings are of 6 networks, but there are 7 rules"):
        replace(asked, timings=replace(asked.timings, entries=tuple(others)))
    with pytest.raises(SpaceError, match=r"depth with layers .* was not timed; begin the study anew"):
        enumerate_candidates(replace(asked, timings=wrong))


def timed(network: Architecture, hundredths: int) -> LatencyMeasurement:
    ratio = Decimal(hundredths) / 100
    return LatencyMeasurement(network.widths, network.depths, network.side, 9_999 * hundredths, 17, ratio)


def config() -> StudyConfig:
    """The planted study's, with times: shapes at 100 px take 1.80, 1.81, … times the baseline's."""
    asked = plan().config
    base, times = staged(asked.baseline.architecture), count(180)
    entries = tuple(timed(base.resized(*one, 100), next(times)) for one in shapes_to_time(asked))
    facts = LatencyTable("CPU", 1, 1, 15, timed(base, 100), entries)
    return replace(asked, cost="latency", timings=facts)


def test_candidates_are_at_the_timed_px_and_within_ten_per_cent() -> None:
    found = enumerate_candidates(config())
    every = (*found.candidates, *found.unmatched)
    assert {one.architecture.resolution for one in every} == {100}
    ratios = sorted(one.matched_ratio for one in every)
    assert ratios == [Decimal("1.8") + Decimal("0.01") * i for i in range(len(every))]
    assert all(abs(one.matched_ratio / 2 - 1) <= Decimal("0.1") for one in found.candidates)
    assert all(one.flops_ratio != one.matched_ratio for one in every)


def test_nothing_is_adjusted_where_latency_is_matched() -> None:
    asked = Plan(config(), plan().data)
    assert not asked.config.adjusts
    assert {asked.proxies.adjusted_ratio(key) for key in asked.by_network} == {1.0}


def test_the_times_come_back_and_are_not_measured_anew(tmp_path: Path) -> None:
    begun = open_or_create(replace(study(tmp_path / "s"), plan=Plan(config(), plan().data)))
    assert open_study(tmp_path / "s") == begun
    plain = replace(config(), cost="macs", timings=None)
    assert recorded_timings(tmp_path / "s", plain) == config().timings
    assert recorded_timings(tmp_path / "other", plain) is None
    with pytest.raises(InputError, match=r"another configuration \(phi: 1 there, 2 asked\)"):
        recorded_timings(tmp_path / "s", replace(plain, phi=Decimal(2)))


def test_a_study_by_multiply_adds_has_no_times_to_give(tmp_path: Path) -> None:
    open_or_create(study(tmp_path / "s"))
    with pytest.raises(InputError, match=r"cost: None there, latency asked"):
        recorded_timings(tmp_path / "s", plan().config)


def test_what_does_not_belong_together_is_refused() -> None:
    asked = config()
    for change, reason in (
        ({"timings": None}, "timings must be given for latency, and only for that"),
        ({"cost": "macs"}, "timings must be given for latency, and only for that"),
        ({"match": "none"}, "match is none: nothing is"),
        ({"cost": "x"}, "must be one of macs, activations, latency"),
    ):
        with pytest.raises(SpaceError, match=reason):
            replace(asked, **change)
    lacking = replace(asked.timings, entries=asked.timings.entries[1:]) if asked.timings else None
    with pytest.raises(SpaceError, match="was not timed; begin the study anew"):
        select_candidates(replace(asked, timings=lacking), enumerate_candidates(replace(asked, timings=lacking)))


def test_another_phi_is_asked_without_the_grids_timings() -> None:
    """They are of the grid's shapes; the rules of the other φ are timed when it comes to them."""
    asked = config()
    tied = select_candidates(asked, enumerate_candidates(asked))[:2]
    other = _transfer_config(asked, Decimal(2), tied)
    assert (other.cost, other.timings, other.phi) == ("macs", None, Decimal(2))
    assert isinstance(other.kind, RuleComparison)
    assert len(other.kind.rules) != len(asked.timings.entries if asked.timings else ())
