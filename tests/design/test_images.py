"""Images whose sides differ: arithmetic, texts, scaling, and the match of costs."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from random import Random

import numpy as np
import pytest
from networks import random_architecture

from scalesearch.design.architecture import Architecture
from scalesearch.design.baseline_file import baseline_text, parse_baseline
from scalesearch.design.baselines import load_baseline
from scalesearch.design.coefficients import Coefficients, Multipliers
from scalesearch.design.cost import cost, cost_grid
from scalesearch.design.explain import explain
from scalesearch.design.family import family, published
from scalesearch.design.images import (
    Rectangle,
    area,
    image_size,
    parse_image_size,
    proportional,
    sides_of,
    size_ratio,
)
from scalesearch.design.matching import match_resolutions
from scalesearch.design.phi_members import phi_members
from scalesearch.design.scaling import px_multiplier
from scalesearch.design.v2_rule import cap_resolution
from scalesearch.errors import InputError, SpaceError
from scalesearch.search.canonical import as_json, digest, from_json

B0 = load_baseline("b0")
WIDE = B0.at(Rectangle(192, 320))
COMPOUND = Coefficients(Decimal("1.2"), Decimal("1.1"), Decimal("1.15"))


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("224", 224),
        ("192x320", Rectangle(192, 320)),
        ("320x192", Rectangle(320, 192)),
        ("224x224", 224),
        *(
            (wrong, None)
            for wrong in ("", "x", "192x", "x320", "192x320x3", "-1x2", "1.5", "1e3", " 224", "192X320")
        ),
    ],
)
def test_sizes_are_read(text: str, size: int | Rectangle | None) -> None:
    assert parse_image_size(text) == size


def test_arithmetic_acts_on_each_side() -> None:
    assert -(-Rectangle(7, 10) // 2) == Rectangle(4, 5)
    assert Rectangle(7, 10) * 3 + 1 - 2 == Rectangle(20, 29)
    assert (area(Rectangle(7, 10)), area(7)) == (70, 49)
    assert str(Rectangle(7, 10)) == "7x10"


def test_proportions_are_kept_as_near_as_rounding_allows() -> None:
    for seed in range(200):
        random = Random(seed)
        base = Rectangle(*random.sample(range(1, 300), 2))
        side, multiple = random.randint(1, 900), random.choice((1, 1, 8, 32))
        long, short = max(sides_of(base)), min(sides_of(base))
        height, width = sides_of(proportional(base, side, multiple))
        longer, other = (height, width) if base.height == long else (width, height)
        assert longer == side
        assert other % multiple == 0
        assert abs(other - Decimal(side) * short / long) <= Decimal(multiple) / 2 or other == multiple
        assert proportional(base, long) == base
    assert proportional(224, 300, 32) == 300


def test_a_square_is_an_integer_everywhere() -> None:
    assert image_size(7, 7) == 7
    with pytest.raises(SpaceError, match="resolution is 224x224, but a square is its side, 224"):
        replace(B0.architecture, resolution=Rectangle(224, 224))
    assert '"resolution": 224' in str(as_json(B0.architecture)).replace("'", '"')


@pytest.mark.parametrize("size", [Rectangle(0, 5), Rectangle(5, 0), Rectangle(16385, 5), Rectangle(5, 16385)])
def test_each_side_is_in_range(size: Rectangle) -> None:
    with pytest.raises(SpaceError, match="but it must be in 1 … 16384"):
        replace(B0.architecture, resolution=size)


def test_each_side_leaves_a_patch() -> None:
    net = load_baseline("convnext_atto").architecture
    for size in (Rectangle(31, 320), Rectangle(320, 31)):
        with pytest.raises(SpaceError, match=f"resolution is {size}, but it must be at least 32"):
            replace(net, resolution=size)
    assert cost(replace(net, resolution=Rectangle(32, 320))).macs > 0


def test_files_and_json_keep_rectangles() -> None:
    text = baseline_text(WIDE)
    assert "\nresolution: 192x320\n" in text
    assert parse_baseline(text, "x") == WIDE
    for size in (224, Rectangle(192, 320)):
        architecture = B0.at(size).architecture
        assert from_json(Architecture, as_json(architecture)) == architecture
    sizes = (224, Rectangle(192, 320), Rectangle(320, 192))
    assert len({digest(B0.at(size).architecture) for size in sizes}) == 3


@pytest.mark.parametrize(
    "size", ["0x20", "x", "192x", "224x224", "0", "-3", "2.5", "[192, 320]", '"224"', "1x99999"]
)
def test_a_file_with_another_size_is_refused(size: str) -> None:
    with pytest.raises(InputError, match=r"^x:\d+: resolution: [^\n]*$"):
        parse_baseline(baseline_text(B0).replace("resolution: 224", f"resolution: {size}"), "x")


def test_both_sides_are_scaled_and_rounded() -> None:
    multipliers = Multipliers(resolution=Decimal("1.15"))
    assert WIDE.scale(multipliers).architecture.resolution == Rectangle(221, 368)  # 220.8 and 368
    multiple = replace(WIDE, architecture=replace(WIDE.architecture, resolution_multiple=32))
    assert multiple.scale(multipliers).architecture.resolution == Rectangle(
        224, 352
    )  # 6.9 and 11.5 times, the lower
    assert multiple.scale(Multipliers(resolution=Decimal("0.05"))).architecture.resolution == 32
    given = WIDE.scale(Multipliers(depth=Decimal(2)), size=Rectangle(100, 31)).architecture
    assert (given.resolution, sum(given.depths)) == (Rectangle(100, 31), 2 * sum(B0.architecture.depths))


def test_the_multiplier_of_a_rectangle_is_that_of_the_square_of_its_area() -> None:
    assert px_multiplier(Rectangle(112, 448), 224) == 1
    assert size_ratio(Rectangle(384, 640), Rectangle(192, 320)) == 2
    assert size_ratio(7, 3) == Decimal(7) / 3
    member = B0.scale(Multipliers(resolution=px_multiplier(Rectangle(192, 320), 224)), size=Rectangle(192, 320))
    assert member.name == "b0-d1-w1-192x320px"
    explanation = explain(B0, member, COMPOUND)
    assert explanation.multipliers.resolution == round((Decimal(192 * 320) / 224**2).sqrt(), 12)
    assert explanation.stages[0].px == (224, Rectangle(192, 320))
    added = sum(stage.by_resolution for stage in explanation.stages)
    assert added == cost(member.architecture).macs - cost(B0.architecture).macs


def test_grids_count_rectangles() -> None:
    for seed in range(20):
        random = Random(seed)
        net = random_architecture(random)
        least = net.smallest_resolution
        net = replace(net, resolution=Rectangle(*random.sample(range(least, least + 60), 2)))
        sides = np.array([net.longer_side + step for step in (0, 1, 7, 30)])
        widths, depths = (np.tile(np.array(sizes), (4, 1)) for sizes in (net.widths, net.depths))
        grid = cost_grid(net, widths, depths, sides)
        for row, side in enumerate(sides.tolist()):
            single = cost(replace(net, resolution=net.proportional(side)))
            assert (grid.macs[row], grid.params[row], grid.activations[row], grid.stored[row]) == (  # type: ignore[index]
                single.macs,
                single.params,
                single.activations,
                single.stored,
            )


@pytest.mark.parametrize("ratio", ["0.3", "1", "2", "3.7"])
def test_the_match_is_the_nearest_of_all_proportional_sizes(ratio: str) -> None:
    for seed in range(12):
        random = Random(seed)
        net = random_architecture(random)
        least = net.smallest_resolution
        size = Rectangle(*random.sample(range(least + 9, 2 * least + 40), 2))
        net = replace(net, resolution=size, resolution_multiple=random.choice((1, 1, 4)))
        (found,) = match_resolutions(net, [(net.widths, net.depths)], Decimal(ratio))
        target = float(ratio) * cost(net).macs
        shrinks, long = Decimal(ratio) < 1, net.longer_side
        first, last = (net.smallest_longer_side, long + 1) if shrinks else (long, 4 * long)
        sides = [side for side in range(first, last) if side % net.resolution_multiple == 0]
        tried = [abs(cost(replace(net, resolution=net.proportional(side))).macs - target) for side in sides]
        assert abs(cost(found).macs - target) == min(tried)
        assert found.resolution == net.proportional(found.longer_side)


def test_a_family_of_rectangles_keeps_their_proportions() -> None:
    members = family(WIDE, COMPOUND)
    assert [member.name for member in members] == ["b0-192x320px", *(f"phi{phi}" for phi in range(1, 8))]
    for member in members:
        height, width = sides_of(member.architecture.resolution)
        assert abs(height - Decimal(width) * 192 / 320) <= Decimal("0.5")
        assert member.matched
        if member.phi:
            assert member.resolution_multiplier == round(
                size_ratio(member.architecture.resolution, Rectangle(192, 320)), 5
            )
    unmatched = family(WIDE, COMPOUND, match=False)[1]
    assert unmatched.architecture.resolution == Rectangle(221, 368)
    with pytest.raises(SpaceError, match="here it must take square ones"):
        published(replace(WIDE, name="b0"))


def test_members_over_real_phi_are_rectangles() -> None:
    members = phi_members(WIDE, COMPOUND, "balanced", Decimal(-1), Decimal(1))
    assert len(members) > 100
    for member in members[::20]:
        network = member.network(WIDE.architecture)
        assert cost(network).macs == member.macs
        assert network.resolution == WIDE.architecture.proportional(network.longer_side)
    assert WIDE.architecture in [member.network(WIDE.architecture) for member in members]


def test_rule_v2_caps_the_longer_side() -> None:
    large = replace(WIDE.architecture, resolution=Rectangle(600, 1000))
    assert cap_resolution(WIDE.architecture, large).resolution == Rectangle(288, 480)
    assert cap_resolution(large, large) == large


def test_rectangles_are_not_square() -> None:
    assert B0.architecture.side == 224
    with pytest.raises(SpaceError, match="takes images of 192x320 px, but here it must take square ones"):
        _ = WIDE.architecture.side
