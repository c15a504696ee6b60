"""The best member under limits, against a search by brute force."""

from __future__ import annotations

import re
from decimal import Decimal
from random import Random

import pytest
from networks import SMALL

from scalesearch.design.architecture import Architecture
from scalesearch.design.coefficients import Coefficients
from scalesearch.design.cost import cost
from scalesearch.design.factory import Network
from scalesearch.design.memory import inference_bytes
from scalesearch.design.phi_members import phi_members
from scalesearch.design.solve import Limit, solve
from scalesearch.errors import InputError

BASE = SMALL.architecture
MEMBERS = phi_members(
    SMALL, Coefficients(Decimal("1.2"), Decimal("1.1"), Decimal("1.15")), "balanced", Decimal(-2), Decimal(2)
)


def macs(at_most: float) -> Limit:
    return Limit("multiply-adds", "--max-flops", at_most, lambda one: cost(one).macs, str, "macs")


def params(at_most: float) -> Limit:
    return Limit("parameters", "--max-params", at_most, lambda one: cost(one).params, str, "params")


def memory(at_most: float, batch: int = 3) -> Limit:
    def measure(network: Network) -> int:
        assert isinstance(network, Architecture)
        return inference_bytes(network, batch)

    return Limit("memory", "--max-memory", at_most, measure, str, "memory_bytes")


def test_nothing_larger_fits() -> None:
    random = Random(41)
    middle = [MEMBERS[len(MEMBERS) // 2], MEMBERS[-1], MEMBERS[len(MEMBERS) // 4]]
    networks = [one.network(BASE) for one in MEMBERS]
    every_amount = [
        {"multiply-adds": cost(net).macs, "parameters": cost(net).params, "memory": inference_bytes(net, 3)}
        for net in networks
    ]
    seen = set()
    for _ in range(25):
        like = random.choice(middle)
        network = like.network(BASE)
        every = [
            macs(like.macs * random.uniform(0.7, 1.3)),
            params(like.params * random.uniform(0.7, 1.3)),
            memory(inference_bytes(network, 3) * random.uniform(0.7, 1.3)),
        ]
        limits = random.sample(every, random.randint(1, 3))
        fits = [
            amounts for amounts in every_amount if all(amounts[limit.name] <= limit.at_most for limit in limits)
        ]
        found = solve(BASE, MEMBERS, limits)
        best = max((one["multiply-adds"], -one["parameters"]) for one in fits)
        assert (found.member.macs, -found.member.params) == best
        assert cost(found.network).macs == best[0]
        for use in found.uses:
            assert use.amount <= use.limit.at_most
            assert use.free == pytest.approx(1 - use.amount / use.limit.at_most)
        if found.following is not None:
            larger = found.following.network(BASE)
            assert found.following.macs >= found.member.macs
            assert {use.limit.name for use in found.uses if use.binds} == {
                limit.name for limit in limits if limit.measure(larger) > limit.at_most
            }
            seen |= {use.limit.name for use in found.uses if use.binds}
    assert seen == {"multiply-adds", "parameters", "memory"}


def test_a_limit_that_is_just_met_is_met() -> None:
    for one in (MEMBERS[0], MEMBERS[len(MEMBERS) // 3], MEMBERS[-1]):
        assert solve(BASE, MEMBERS, [macs(one.macs)]).member.macs == one.macs


def test_where_everything_fits_nothing_binds() -> None:
    found = solve(BASE, MEMBERS, [macs(1e15)])
    assert found.member == MEMBERS[-1]
    assert found.following is None
    assert not any(use.binds for use in found.uses)


def test_what_cannot_be_says_by_how_much() -> None:
    least = min(one.params for one in MEMBERS)
    with pytest.raises(InputError) as caught:
        solve(BASE, MEMBERS, [macs(1e15), params(least / 4)])
    words = str(caught.value)
    assert caught.value.exit_code == 2
    start = f"--max-params {least / 4}: the nearest member (φ = -1.995) has {least}.0, 4x as much; nothing"
    assert words.startswith(start)
    assert "--max-flops" not in words
    assert "\n" not in words


def test_limits_that_only_together_cannot_be_are_both_named() -> None:
    large = MEMBERS[-1]
    with pytest.raises(InputError, match=r"--max-flops .* 2x as much; --max-params .*x as much"):
        solve(BASE, [large], [macs(large.macs / 2), params(large.params / 3)])


def timed(at_most: float, asked: list[Network]) -> Limit:
    """A latency that grows with the multiply-adds, and says which networks were measured."""

    def measure(network: Network) -> float:
        asked.append(network)
        return cost(network).macs * 1e-9

    return Limit("latency", "--max-latency", at_most, measure, str, "seconds", timed=True)


def test_a_timed_limit_is_met_without_timing_what_is_far_too_slow() -> None:
    random = Random(42)
    for _ in range(20):
        wanted = random.choice(MEMBERS)
        asked: list[Network] = []
        found = solve(BASE, MEMBERS, [timed(wanted.macs * 1e-9, asked), params(1e15)])
        assert found.member.macs == wanted.macs
        assert max(cost(one).macs for one in asked) <= 3 * wanted.macs
        assert len(asked) < 25
        if found.following is not None:
            assert [use.limit.name for use in found.uses if use.binds] == ["latency"]


def test_a_timed_limit_among_those_that_keep_the_others() -> None:
    fits = [one for one in MEMBERS if one.params <= 150_000]
    found = solve(BASE, MEMBERS, [timed(1e9, []), params(150_000)])
    assert found.member.macs == max(one.macs for one in fits)
    assert [use.limit.name for use in found.uses if use.binds] == ["parameters"]


def test_a_time_that_cannot_be_is_named() -> None:
    with pytest.raises(InputError, match=re.escape("--max-latency 1e-09: the nearest member (φ = ")):
        solve(BASE, MEMBERS, [timed(1e-9, []), params(1e15)])
