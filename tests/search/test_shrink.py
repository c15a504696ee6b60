"""The proxy: narrower and smaller by common factors, never shallower."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from math import lcm
from random import Random

import pytest

from scalesearch.design.architecture import Architecture, Head, Stage, Stem
from scalesearch.design.baselines import load_baseline
from scalesearch.design.coefficients import Multipliers
from scalesearch.design.rounding import Rounding
from scalesearch.design.scaling import Baseline, scaled
from scalesearch.errors import SpaceError
from scalesearch.search.make_proxy import make_proxy

B0 = load_baseline("b0")


def test_b0_at_a_quarter() -> None:
    proxy = make_proxy(B0.architecture, B0, 4, 32, 10)
    assert proxy.widths == (8, 4, 6, 10, 20, 28, 48, 80, 320)
    assert proxy.depths == B0.architecture.depths
    assert (proxy.resolution, proxy.head.classes) == (32, 10)
    assert proxy.activation == B0.architecture.activation
    assert [stage.se for stage in proxy.stages] == [stage.se for stage in B0.architecture.stages]


def test_a_divisor_of_one_changes_only_side_and_classes() -> None:
    proxy = make_proxy(B0.architecture, B0, 1, 224, 7)
    assert proxy == replace(B0.architecture, head=replace(B0.architecture.head, classes=7))


def test_relative_widths_are_kept_where_they_are_multiples() -> None:
    for width in ("1.1", "1.25", "1.4", "2"):
        network = scaled(B0.architecture, Multipliers(Decimal("1.5"), Decimal(width)), Rounding("balanced"))
        for k in (1, 2, 4, 8):
            proxy = make_proxy(network, B0, k, 32, 10)
            assert proxy.widths == tuple(width // k for width in network.widths)
            assert proxy.depths == network.depths


def test_widths_that_are_no_multiples_go_to_the_nearest_and_never_to_zero() -> None:
    odd = replace(B0.architecture, stem=replace(B0.architecture.stem, width=3))
    # 3 over 4 is nearest to no multiple of 2 above 0; 36 over 4 is 9, a tie between 8 and 10.
    assert make_proxy(odd, B0, 4, 32, 10).widths[0] == 2
    odd = replace(B0.architecture, stem=replace(B0.architecture.stem, width=36))
    assert make_proxy(odd, B0, 4, 32, 10).widths[0] == 10


def test_the_side_is_the_nearest_px_halves_up() -> None:
    for px in range(100, 700, 7):
        network = replace(B0.architecture, resolution=px)
        for side in (24, 32, 41, 224):
            expected = int(Fraction(px * side, 224) + Fraction(1, 2))
            assert make_proxy(network, B0, 4, side, 10).resolution == expected
    assert make_proxy(replace(B0.architecture, resolution=252), B0, 4, 28, 10).resolution == 32  # 31.5
    assert make_proxy(replace(B0.architecture, resolution=1), B0, 4, 8, 10).resolution == 1


@pytest.mark.parametrize("k", [3, 16, 5])
def test_a_divisor_that_would_blur_widths_is_refused(k: int) -> None:
    with pytest.raises(SpaceError, match=f"width_divisor is {k}, but it must divide b0's divisor \\(8\\)"):
        make_proxy(B0.architecture, B0, k, 32, 10)


def test_groups_stay_whole_and_relative_widths_stay() -> None:
    """Any groups, multiplier and divisor; the number of groups stays where the divisor divides their width."""
    random, same = Random(1), 0
    for _ in range(2000):
        group, divisor = random.randint(1, 40), random.choice((4, 8, 16))
        widths = [random.choice((1, 2, 4)) * group * random.randint(1, 12) for _ in range(3)]
        stages = tuple(
            Stage("bottleneck", 3, 2, random.choice((1, 2)), 2 * width, 1, group_width=group) for width in widths
        )
        architecture = Architecture(64, Stem(3, 2, 16), stages, Head(None, 10))
        baseline = Baseline("any", "x", architecture, Rounding("nearest", divisor))
        network = scaled(
            architecture, Multipliers(Decimal(1), Decimal(random.randint(10, 300)) / 100), baseline.rounding
        )
        k = random.choice([one for one in (1, 2, 4, 8, 16) if divisor % one == 0])
        proxy = make_proxy(network, baseline, k, 32, 10)
        for stage, small in zip(network.stages, proxy.stages, strict=True):
            inner = stage.width // stage.unit
            if inner % lcm(divisor, group) == 0:
                assert small.width * k == stage.width
                if group % k == 0:
                    assert small.groups == stage.groups
                    same += stage.groups > 1
    assert same > 500


def test_a_width_below_the_group_width_stays_one_group() -> None:
    stage = Stage("bottleneck", 3, 2, 1, 8, 1, group_width=12)
    network = Architecture(64, Stem(3, 2, 16), (stage,), Head(None, 10))
    proxy = make_proxy(network, Baseline("any", "x", network, Rounding("nearest", 8)), 4, 32, 10)
    assert [(one.width, one.group_width, one.groups) for one in proxy.stages] == [(2, 3, 1)]
