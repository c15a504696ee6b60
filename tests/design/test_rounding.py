"""Rounding against oracles in fractions, written from the papers and not from the code."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from math import lcm
from random import Random

import pytest

from scalesearch.design.decimals import ceiling, floor, format_decimal, nearest, power, product
from scalesearch.design.rounding import (
    ROUNDING_RULES,
    Rounding,
    balanced_repeats,
    nearest_repeats,
    round_filters,
    round_repeats,
)
from scalesearch.design.rounding import nearest_filters as nearest_multiple
from scalesearch.errors import SpaceError

EXAMPLES = 10_000
B0_DEPTHS = (1, 2, 2, 3, 3, 4, 1)


def multiplier(random: Random) -> Decimal:
    """0.01 … 8 with zero to six decimal places; often a value that makes ties."""
    places = random.randint(0, 6)
    least = max(1, 10**places // 100)
    return Decimal(random.randint(least, 8 * 10**places)).scaleb(-places)


def depths(random: Random) -> tuple[int, ...]:
    return tuple(random.randint(1, random.choice((3, 30))) for _ in range(random.randint(1, 9)))


def nearest_filters(width: int, by: Fraction, divisor: int) -> int:
    """Of all multiples of the divisor (one at least) the nearest, halves up; the next where 10 % got lost."""
    wanted = width * by
    around = range(max(1, int(wanted) // divisor - 1), int(wanted) // divisor + 3)
    found = min((k * divisor for k in around), key=lambda multiple: (abs(multiple - wanted), -multiple))
    return found + divisor if 10 * found < 9 * wanted else found


def webster(layers: Sequence[int], by: Fraction) -> tuple[int, ...]:
    """All quotients L / (2s + 1), from the second seat on, sorted: the first are dealt out."""
    total = int(sum(layers) * by + Fraction(1, 2))
    more = max(0, total - len(layers))
    quotients = [
        (Fraction(count, 2 * seats + 1), stage)
        for stage, count in enumerate(layers)
        for seats in range(1, more + 1)
    ]
    winners = [stage for _, stage in sorted(quotients, reverse=True)[:more]]
    return tuple(1 + winners.count(stage) for stage in range(len(layers)))


def test_widths_follow_the_published_rule() -> None:
    random, raised = Random(1), 0
    for _ in range(EXAMPLES):
        width, by, divisor = (
            random.randint(1, random.choice((40, 2000))),
            multiplier(random),
            random.choice((1, 2, 3, 4, 8, 16)),
        )
        got = round_filters(width, by, divisor)
        assert got == nearest_filters(width, Fraction(by), divisor), (width, by, divisor)
        assert got % divisor == 0
        assert 10 * got >= 9 * width * Fraction(by)
        raised += got > width * Fraction(by) + Fraction(divisor, 2)
    assert raised > EXAMPLES // 200


def test_paper_depths_are_exact_ceilings() -> None:
    random = Random(2)
    for _ in range(EXAMPLES):
        layers, by = depths(random), multiplier(random)
        got = round_repeats(layers, by)
        assert all(0 <= one - count * Fraction(by) < 1 for one, count in zip(got, layers, strict=True)), (
            layers,
            by,
        )


def test_balanced_depths_are_websters() -> None:
    random, ties = Random(3), 0
    for _ in range(EXAMPLES):
        layers, by = tuple(random.randint(1, 6) for _ in range(random.randint(1, 7))), multiplier(random) / 2
        got = balanced_repeats(layers, by)
        assert got == webster(layers, Fraction(by)), (layers, by)
        ties += len(set(layers)) < len(layers)
    assert ties > EXAMPLES // 2


def test_resolutions_are_the_nearest_px_halves_up() -> None:
    random = Random(4)
    for _ in range(EXAMPLES):
        px, by = random.randint(8, 600), multiplier(random)
        got = Rounding("paper").resolution(px, by)
        assert got == max(1, (2 * px * Fraction(by) + 1) // 2), (px, by)
    assert Rounding("balanced").resolution(225, Decimal("1.5")) == 338
    assert Rounding("balanced").resolution(3, Decimal("0.01")) == 1


@pytest.mark.parametrize("rule", ROUNDING_RULES)
def test_more_is_never_less(rule: str) -> None:
    random, rounding = Random(5), Rounding(rule, 8)
    for _ in range(EXAMPLES // 4):
        layers, width = depths(random), random.randint(1, 700)
        low, high = sorted((multiplier(random), multiplier(random)))
        fewer, more = rounding.depths(layers, low), rounding.depths(layers, high)
        assert all(one <= other for one, other in zip(fewer, more, strict=True)), (layers, low, high)
        assert rounding.width(width, low) <= max(width * (low == 1), rounding.width(width, high)) or high == 1
        assert rounding.resolution(width, low) <= rounding.resolution(width, high)
        assert rounding.depths(layers, Decimal("1.000")) == layers
        assert rounding.width(width, Decimal("1.0")) == width
        assert rounding.resolution(width, Decimal("1.00")) == width


def test_a_balanced_total_is_the_nearest_integer() -> None:
    random = Random(6)
    for _ in range(EXAMPLES // 4):
        layers, by = depths(random), multiplier(random)
        total = max(len(layers), int(sum(layers) * Fraction(by) + Fraction(1, 2)))
        assert sum(balanced_repeats(layers, by)) == total, (layers, by)


def test_what_floats_get_wrong() -> None:
    assert round_repeats((25,), Decimal("2.2")) == (55,)
    assert round_filters(40, Decimal("1.1"), 8) == 48  # 44 is a tie: halves up
    assert Rounding("paper").resolution(100, Decimal("1.005")) == 101


def test_alpha_up_to_a_quarter_is_one_network_by_the_paper() -> None:
    lists = {round_repeats(B0_DEPTHS, Decimal(i) / 100) for i in range(105, 126, 5)}
    assert lists == {(2, 3, 3, 4, 4, 5, 2)}
    balanced = {balanced_repeats(B0_DEPTHS, Decimal(i) / 100) for i in range(105, 126, 5)}
    assert len(balanced) == 4
    assert balanced_repeats(B0_DEPTHS, Decimal("1.2")) == (1, 2, 2, 4, 4, 5, 1)


def test_divisors_and_rules_are_checked() -> None:
    with pytest.raises(SpaceError, match="divisor is 0"):
        Rounding("paper", 0)
    with pytest.raises(SpaceError, match="rounding is 'up', but it must be one of balanced, paper"):
        Rounding("up")


def test_whole_powers_are_exact() -> None:
    random = Random(7)
    for _ in range(EXAMPLES):
        base, exponent = Decimal(random.randint(10**8, 4 * 10**8)) / 10**8, random.randint(0, 10)
        got = power(base, Decimal(exponent))
        assert Fraction(got) == Fraction(base) ** exponent
        assert power(base, Decimal(f"{exponent}.0")) == got


def test_broken_powers_have_twelve_digits() -> None:
    assert power(Decimal(2), Decimal("0.5")) == Decimal("1.41421356237")
    assert power(Decimal("1.15"), Decimal("2.5")) == Decimal("1.41822325023")
    assert power(Decimal(4), Decimal(-1)) == Decimal("0.25")


def test_exact_arithmetic() -> None:
    random = Random(8)
    for _ in range(EXAMPLES):
        value, other = Decimal(random.randint(-(10**6), 10**6)) / 1000, multiplier(random)
        exact = Fraction(value)
        assert Fraction(product(value, other)) == exact * Fraction(other)
        assert (floor(value), ceiling(value)) == (exact // 1, -(-exact // 1))
        assert nearest(value) == (exact + Fraction(1, 2)) // 1
        assert Decimal(format_decimal(value)) == value
        assert format_decimal(value) == format_decimal(value + Decimal("0.0000"))
    assert (format_decimal(Decimal("1.10")), format_decimal(Decimal("-0.0")), format_decimal(Decimal("1E+2"))) == (
        "1.1",
        "0",
        "100",
    )


def test_v2_drops_the_tenth_that_the_paper_keeps() -> None:
    random, differ = Random(7), 0
    for _ in range(EXAMPLES):
        width, by, divisor = random.randint(1, 700), multiplier(random), random.choice((1, 4, 8, 32))
        wanted = width * Fraction(by)
        got = nearest_multiple(width, by, divisor)
        assert got == max(divisor, int((2 * wanted + divisor) // (2 * divisor)) * divisor)
        for rule in ("v2", "nearest"):
            assert Rounding(rule, divisor).width(width, by) == (width if by == 1 else got)
        differ += got != round_filters(width, by, divisor)
    assert differ > EXAMPLES // 200


def test_nearest_depths_are_nearest_stage_by_stage() -> None:
    random = Random(8)
    for _ in range(EXAMPLES):
        layers, by = depths(random), multiplier(random)
        got = nearest_repeats(layers, by)
        expected = tuple(max(1, int((2 * count * Fraction(by) + 1) // 2)) for count in layers)
        assert got == expected == Rounding("nearest").depths(layers, by)
    assert nearest_repeats((1, 3), Decimal("0.1")) == (1, 1)


def test_torchvisions_head_follows_the_last_stage() -> None:
    """torchvision `efficientnet.py`: `lastconv_output_channels = 4 * lastconv_input_channels`."""
    random, differ = Random(9), 0
    for _ in range(EXAMPLES):
        by = multiplier(random)
        widths = Rounding("torchvision").widths((32, 320, 1280), by, (1, 1, 1), (None,) * 3, head=True)
        assert widths[2] == 4 * widths[1] or by == 1
        differ += widths[2] != Rounding("paper").widths((32, 320, 1280), by, (1, 1, 1), (None,) * 3, head=True)[2]
    assert differ > EXAMPLES // 2
    assert Rounding("torchvision").widths((32, 320), Decimal(2), (1, 1), (None, None), head=False) == (64, 640)


def test_a_unit_scales_the_inner_width() -> None:
    """A bottleneck's width is rounded as its inner width is, so both stay multiples of the divisor."""
    for by in ("1.1", "1.2", "1.9"):
        inner = Rounding("paper").width(64, Decimal(by))
        assert Rounding("paper").width(256, Decimal(by), unit=4) == 4 * inner


def test_groups_divide_every_scaled_width() -> None:
    """Whole groups and a multiple of the divisor, or one group; the nearest such width by the rule."""
    random, single, other = Random(10), 0, 0
    for _ in range(EXAMPLES):
        group, divisor, by = random.randint(1, 64), random.choice((1, 2, 3, 8, 16)), multiplier(random)
        width, unit = group * random.randint(1, random.choice((2, 30))), random.choice((1, 2, 4))
        rule = random.choice(ROUNDING_RULES)
        got = Rounding(rule, divisor).width(unit * width, by, unit, group)
        if by == 1:
            assert got == unit * width
            continue
        inner, rest = divmod(got, unit)
        assert (rest, inner % divisor) == (0, 0)
        plain_width = Rounding(rule, divisor).width(unit * width, by, unit) // unit
        if plain_width <= group:
            assert inner == plain_width
            single += 1
        else:
            assert inner % group == 0
            assert inner == Rounding(rule, lcm(divisor, group)).width(width, by)
            other += inner != plain_width
    assert min(single, other) > EXAMPLES // 40


@pytest.mark.parametrize("rule", ROUNDING_RULES)
def test_more_is_never_less_in_groups(rule: str) -> None:
    random = Random(11)
    for _ in range(EXAMPLES // 4):
        group, rounding = random.randint(1, 64), Rounding(rule, random.choice((1, 2, 3, 8, 16)))
        width = group * random.randint(1, 30)
        low, high = sorted((multiplier(random), multiplier(random)))
        if 1 not in (low, high):
            assert rounding.width(width, low, 1, group) <= rounding.width(width, high, 1, group)
