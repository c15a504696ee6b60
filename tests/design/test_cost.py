"""The closed form against published counts, against arithmetic by hand, and against itself on grids."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise
from random import Random

import numpy as np
import pytest
from networks import random_architecture, rows

from scalesearch.design.architecture import Architecture, Head, Stage, Stem
from scalesearch.design.baselines import load_baseline
from scalesearch.design.coefficients import Multipliers
from scalesearch.design.cost import Cost, cost, cost_grid
from scalesearch.design.family import published
from scalesearch.design.scaling import scaled
from scalesearch.errors import SpaceError

B0 = load_baseline("b0")
FAMILY = {row["name"]: row for row in rows("published_family.csv")}


@pytest.mark.parametrize("name", sorted(FAMILY))
def test_the_published_family_costs_what_was_counted(name: str) -> None:
    row = FAMILY[name]
    by = Multipliers(Decimal(row["depth"]), Decimal(row["width"]))
    network = replace(scaled(B0.architecture, by, B0.rounding), resolution=int(row["resolution"]))
    got = cost(network)
    models = (f"tf_efficientnet_{name}", f"efficientnet_{name}")
    counted = [one for one in rows("published_costs.csv") if one["model"] in models]
    assert len(counted) == 2
    for one in counted:
        assert one["resolution"] == row["resolution"]
        assert got.params == int(one["params"])
        assert got.macs == int(one["macs_conv_linear"])
        assert got.activations == int(one["activations_conv_linear_outputs"])


def test_the_published_members_cost_the_same() -> None:
    models = {one["model"]: int(one["macs_conv_linear"]) for one in rows("published_costs.csv")}
    for member in published(B0):
        assert cost(member.baseline.architecture).macs == models[f"efficientnet_{member.baseline.name}"]


SAME_NETWORK = {
    "mobilenetv1_100": "mobilenet_v1",
    "mobilenetv2_100": "mobilenet_v2",
    "mnasnet_100": "mnasnet",
    "mnasnet1_0": "mnasnet",
    "tf_efficientnet_lite0": "efficientnet_lite0",
    "mobilenetv3_large_100": "mobilenet_v3_large",
    "mobilenetv3_small_100": "mobilenet_v3_small",
    "ghostnet_100": "ghostnet",
    "mobilenetv4_conv_medium": "mobilenet_v4_conv_medium",
    "mobilenetv4_conv_small": "mobilenet_v4_conv_small",
    "resnext50_32x4d": "resnext50",
    "regnet_x_400mf": "regnetx_400mf",
    "regnet_y_400mf": "regnety_400mf",
    "regnet_y_1_6gf": "regnety_1.6gf",
    "regnet_y_8gf": "regnety_8gf",
    "regnety_004": "regnety_400mf",
    "regnety_016": "regnety_1.6gf",
    "regnety_080_tv": "regnety_8gf",
}
V2_FAMILY = {one.baseline.name: one.baseline for one in published(load_baseline("efficientnet_v2_b0"))}
OTHERS = [one for one in rows("published_costs.csv") if not re.search(r"efficientnet_b\d", one["model"])]


@pytest.mark.parametrize("row", OTHERS, ids=lambda row: f"{row['library']}-{row['model']}-{row['resolution']}")
def test_every_baseline_costs_what_was_counted(row: dict[str, str]) -> None:
    name = SAME_NETWORK.get(row["model"], row["model"].replace("tf_efficientnetv2", "efficientnet_v2"))
    baseline = V2_FAMILY[name] if name in V2_FAMILY else load_baseline(name)
    got = cost(replace(baseline.architecture, resolution=int(row["resolution"])))
    counted = (int(row["params"]), int(row["macs_conv_linear"]), int(row["activations_conv_linear_outputs"]))
    assert (got.params, got.macs, got.activations) == counted


def test_no_published_row_is_left_out() -> None:
    assert len(rows("published_costs.csv")) == 60
    assert len(OTHERS) == 60 - 2 * len(FAMILY) == 44


# Depth ×4, width ×2, resolution ×2, and 1.4 × 1.2 at 291 px, in multiply-adds (Tan & Le 2019, Tables 3 and 7).
MULTIPLES = {
    "b0": ("1.575", "1.450", "1.538", "1.800"),
    "mobilenet_v1": ("2.646", "2.216", "2.272", "2.470"),
    "mobilenet_v2": ("1.220", "1.137", "1.199", "1.442"),
    "resnet50": ("14.571", "15.870", "16.351", "15.862"),
}


@pytest.mark.parametrize("name", sorted(MULTIPLES))
def test_multiples_of_one_dimension(name: str) -> None:
    """Counted with the paper's rounding: what Tables 3 and 7 print beside, to two digits."""
    baseline, got = load_baseline(name), []
    for depth, width, px in (("4", "1", 224), ("1", "2", 224), ("1", "1", 448), ("1.4", "1.2", 291)):
        by = Multipliers(Decimal(depth), Decimal(width), round(Decimal(px) / 224, 12))
        got.append(f"{cost(baseline.scale(by, 'paper').architecture).macs / 1e9:.3f}")
    assert tuple(got) == MULTIPLES[name]


def test_a_bottleneck_by_hand() -> None:
    # 11 px, stem 3x3/2 and pool: 3 px of 4; bottleneck 3x3/2 to 8 channels, 4 inside: 2 px; projection; 2 classes.
    stage = Stage("bottleneck", 3, 2, 2, 8, 1)
    network = Architecture(11, Stem(3, 2, 4, pool=True), (stage,), Head(None, 2))
    macs = 27 * 4 * 36 + 4 * 4 * 9 + 9 * 4 * 4 * 4 + 4 * 8 * 4 + 4 * 8 * 4 + 8 * 2
    weights = 27 * 4 + 4 * 4 + 9 * 4 * 4 + 4 * 8 + 4 * 8 + 8 * 2 + 2
    norms = 2 * (4 + 4 + 4 + 8 + 8)
    activations = 4 * 36 + 4 * 9 + 4 * 4 + 8 * 4 + 8 * 4 + 2
    got = cost(network)
    assert (got.macs, got.params, got.activations) == (macs, weights + norms, activations)


def test_a_grouped_bottleneck_by_hand() -> None:
    # 5 px of 4 channels; 1x1 to 6, 3x3/2 in three groups of 2, 1x1 to 12: 3 px; projection; 2 classes.
    stage = Stage("bottleneck", 3, 2, 2, 12, 1, group_width=2)
    network = Architecture(5, Stem(1, 1, 4), (stage,), Head(None, 2))
    macs = 3 * 4 * 25 + 4 * 6 * 25 + 9 * 2 * 6 * 9 + 6 * 12 * 9 + 4 * 12 * 9 + 12 * 2
    weights = 3 * 4 + 4 * 6 + 9 * 2 * 6 + 6 * 12 + 4 * 12 + 12 * 2 + 2
    assert (cost(network).macs, cost(network).params) == (macs, weights + 2 * (4 + 6 + 6 + 12 + 12))


def test_a_stage_narrower_than_its_groups_has_one() -> None:
    for width, groups in ((4, 1), (8, 1), (16, 2), (40, 5)):
        stage = Stage("bottleneck", 3, 2, 1, width, 1, group_width=8)
        assert stage.groups == groups
        network = Architecture(5, Stem(1, 1, 4), (stage,), Head(None, 2))
        assert [layer.groups for block in network.walk() for layer in block.layers if layer.groups > 1] == [
            groups
        ] * (groups > 1)
        dense = replace(network, stages=(replace(stage, group_width=None),))
        assert (cost(network) == cost(dense)) == (groups == 1)


def test_a_small_network_by_hand() -> None:
    # 11 px, stem 3x3/2: 6 px of 4; MBConv 5x5/2 e3 se .5: 12 inner, squeeze 2, 3 px of 5; head 7; 2 classes.
    network = Architecture(
        11, Stem(3, 2, 4), (Stage("mbconv", 5, 2, 3, 5, 1, Decimal("0.5")),), Head(7, 2)
    )  # fmt: skip
    macs = 27 * 4 * 36 + 4 * 12 * 36 + 25 * 12 * 9 + 12 * 2 + 2 * 12 + 12 * 5 * 9 + 5 * 7 * 9 + 7 * 2
    weights = 27 * 4 + 4 * 12 + 25 * 12 + (12 * 2 + 2) + (2 * 12 + 12) + 12 * 5 + 5 * 7 + (7 * 2 + 2)
    norms = 2 * (4 + 12 + 12 + 5 + 7)
    activations = 4 * 36 + 12 * 36 + 12 * 9 + 2 + 12 + 5 * 9 + 7 * 9 + 2
    got = cost(network)
    assert (got.macs, got.params, got.activations) == (macs, weights + norms, activations)
    assert got.memory_bytes(9) == 4 * (3 * got.params + 9 * got.stored)


def test_the_squeeze_is_of_the_block_input_and_at_least_one() -> None:
    def squeezed(width: int, se: str) -> int:
        stage = Stage("mbconv", 3, 1, 6, width, 1, Decimal(se))
        network = Architecture(5, Stem(3, 1, width), (stage,), Head(None, 3))
        layers = {layer.role: layer for block in network.walk() for layer in block.layers}
        return layers["squeeze"].out_width

    assert [squeezed(40, "0.25"), squeezed(7, "0.25"), squeezed(3, "0.25"), squeezed(100, "0.29")] == [
        10,
        1,
        1,
        29,
    ]


def test_the_walk_names_every_block_once() -> None:
    names = [block.name for block in B0.architecture.walk()]
    assert names[:3] == ["stem", "stages.0.0", "stages.1.0"]
    assert names[-3:] == ["stages.6.0", "head", "classifier"]
    assert len(names) == len(set(names)) == sum(B0.architecture.depths) + 3
    blocks = list(B0.architecture.walk())
    assert all(one.out_width == other.in_width for one, other in pairwise(blocks))
    assert [block.in_px for block in blocks if block.name.endswith(".0")] == [112, 112, 56, 28, 14, 14, 7]


def test_a_grid_is_counted_as_one_by_one() -> None:
    random = Random(5)
    for _ in range(60):
        network = random_architecture(random)
        count, stages = random.randint(1, 12), len(network.stages)
        draw = np.random.default_rng(random.randint(0, 99))
        units = [unit * (group or 1) for unit, group in zip(network.units, network.group_widths, strict=True)]
        least = max(stage.parts for stage in network.stages)
        widths = draw.integers(least, 200, (count, len(network.widths))) * np.array(units)
        depths, sides = draw.integers(1, 9, (count, stages)), draw.integers(network.smallest_resolution, 300, count)
        grid = cost_grid(network, widths, depths, sides)
        for i in range(count):
            one = cost(network.resized(widths[i].tolist(), depths[i].tolist(), int(sides[i])))
            at = (grid.macs, grid.params, grid.activations, grid.stored)
            assert Cost(*(int(np.asarray(field)[i]) for field in at)) == one


def test_a_grid_beyond_64_bits_is_refused_and_one_with_a_long_ratio_is_not() -> None:
    stage = Stage("mbconv", 15, 1, 64, 65536, 4096, Decimal("0.123456789"))
    network = Architecture(16384, Stem(15, 1, 65536), (stage,), Head(None, 3))

    def grid(px: int, depth: int) -> Cost:
        return cost_grid(network, np.array([[65536, 65536]]), np.array([[depth]]), np.array([px]))

    with pytest.raises(SpaceError, match="must fit in 64 bits"):
        grid(16384, 4096)
    small = cost(network.resized([65536, 65536], [1], 2))
    assert int(np.asarray(grid(2, 1).macs)[0]) == small.macs
