"""The side of the image at which a function's network costs nearest to a target: as by trying every side."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scalesearch.design.factory import FactoryNetwork
from scalesearch.errors import InputError
from scalesearch.search.match_side import match_side


def network(px: int, macs: int) -> FactoryNetwork:
    return FactoryNetwork("a:b", Decimal(1), Decimal(1), px, 10, macs, 7, 3 * macs)


def padded_macs(px: int, multiple: int, power: int) -> int:
    return 5 + int((-(-px // multiple) * multiple) ** power)


@settings(deadline=None)
@given(
    base=st.integers(1, 90),
    multiple=st.sampled_from([1, 2, 7, 32]),
    power=st.sampled_from([2, 3, 4]),
    ratio=st.floats(0.05, 9),
    kind=st.sampled_from(["macs", "activations"]),
    start=st.one_of(st.none(), st.floats(0.3, 3)),
    sides_of=st.sampled_from([1, 3, 32]),
)
def test_the_cost_is_the_nearest_of_all_sides(
    base: int, multiple: int, power: int, ratio: float, kind: str, start: float | None, sides_of: int
) -> None:
    def count(px: int) -> FactoryNetwork:
        counted.append(px)
        return network(px, padded_macs(px, multiple, power))

    counted: list[int] = []
    shrinks, target = ratio < 1, getattr(count(base), kind) * ratio
    base_side = max(1, base // sides_of) if shrinks else -(-base // sides_of)
    indices = range(1, base_side + 1) if shrinks else range(base_side, 8 * base_side + 60)
    sides = [sides_of * index for index in indices]
    start_px = None if start is None else sides_of * min(max(round(base_side * start), indices[0]), indices[-1])
    counted.clear()
    found = match_side(count, base, target, kind, shrinks, start_px, sides_of)
    assert len(counted) == len(set(counted)) <= 22
    assert found.resolution in sides
    best = min(abs(getattr(network(px, padded_macs(px, multiple, power)), kind) - target) for px in sides)
    assert abs(getattr(found, kind) - target) == pytest.approx(best)


def test_few_sides_are_counted_where_the_cost_is_smooth() -> None:
    counted: list[int] = []

    def count(px: int) -> FactoryNetwork:
        counted.append(px)
        return network(px, padded_macs(px, 1, 2))

    assert match_side(count, 224, 2 * 224**2, "macs").resolution == 317
    assert counted == [224, 317, 316]


def test_a_cost_that_no_side_changes_ends_the_search() -> None:
    found = match_side(lambda px: network(px, 100), 30, 200, "macs")
    assert (found.resolution, found.macs) == (30, 100)
    assert match_side(lambda px: network(px, 100), 30, 50, "macs", shrinks=True).resolution == 1


@pytest.mark.parametrize("start_px", [None, 20, 60])
def test_sides_at_which_the_function_fails_are_left_out(start_px: int | None) -> None:
    def count(px: int) -> FactoryNetwork:
        if px < 17:
            raise InputError(f"a:b: fails on an image of {px} px")
        return network(px, padded_macs(px, 1, 2))

    assert match_side(count, 64, 5 + 5**2, "macs", shrinks=True, start_px=start_px).resolution == 17
    assert match_side(count, 64, 5 + 30**2, "macs", shrinks=True, start_px=start_px).resolution == 30


@pytest.mark.parametrize("allowed", [1, 32])
def test_a_function_of_one_side_or_of_multiples_is_said_to_fail(allowed: int) -> None:
    """Below its own side no side near it works: it cannot be matched, and the answer is no network at that side."""

    def count(px: int) -> FactoryNetwork:
        if px != 64 and (allowed == 1 or px % allowed):
            raise InputError(f"a:b: fails on an image of {px} px")
        return network(px, padded_macs(px, 1, 2))

    with pytest.raises(InputError, match="fails on an image of 45 px"):
        match_side(count, 64, 5 + 45.3**2, "macs", shrinks=True)


def test_other_failures_are_errors() -> None:
    def count(px: int) -> FactoryNetwork:
        if px != 64:
            raise InputError(f"a:b: fails on an image of {px} px")
        return network(px, padded_macs(px, 1, 2))

    with pytest.raises(InputError, match="fails on an image of 128 px"):
        match_side(count, 64, 4 * 64.0**2, "macs")
