"""RepVGG (Ding et al. 2021): its block as it is trained and as it is deployed."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest

from scalesearch.design.architecture import Architecture, Head, Stage, Stem
from scalesearch.design.baseline_file import baseline_text, parse_baseline
from scalesearch.design.baselines import load_baseline
from scalesearch.design.coefficients import Multipliers
from scalesearch.design.cost import cost, cost_grid
from scalesearch.design.cost_breakdown import counter_totals, layer_costs
from scalesearch.design.scaling import Baseline
from scalesearch.errors import SpaceError

A0 = load_baseline("repvgg_a0")
NET = Architecture(9, Stem(3, 2, 4, kind="repvgg"), (Stage("repvgg", 3, 1, 1, 4, 1),), Head(None, 2), "relu")


def test_a_block_by_hand() -> None:
    # 9 px, stem to 5 px of 4; one block that keeps the shape, so with an identity branch.
    macs = 27 * 4 * 25 + 3 * 4 * 25 + 36 * 4 * 25 + 4 * 4 * 25 + 4 * 2
    params = 27 * 4 + 3 * 4 + 2 * 8 + 36 * 4 + 4 * 4 + 3 * 8 + 4 * 2 + 2
    got = cost(NET)
    assert (got.macs, got.params, got.activations) == (macs, params, 4 * 4 * 25 + 2)
    assert counter_totals(layer_costs(NET)).norms["batch_norm"] == 2 * 5 * 4 * 25
    deployed = cost(NET.deployed)
    assert (deployed.macs, deployed.params) == (27 * 4 * 25 + 36 * 4 * 25 + 8, 27 * 4 + 4 + 36 * 4 + 4 + 10)
    assert deployed.activations == 2 * 4 * 25 + 2


@pytest.mark.parametrize(("stride", "width", "norms"), [(1, 4, 3), (1, 5, 2), (2, 4, 2), (2, 5, 2)])
def test_only_a_block_that_keeps_its_shape_has_an_identity_branch(stride: int, width: int, norms: int) -> None:
    (_, block, _) = replace(NET, stages=(Stage("repvgg", 3, stride, 1, width, 1),)).walk()
    assert sum(channels > 0 for layer in block.layers for _, channels, _ in layer.normalised) == norms


def test_a_grid_whose_networks_differ_in_identity_branches_is_counted_as_one_by_one() -> None:
    widths = np.array([(4, 4), (4, 5), (3, 3), (6, 3)])
    depths, sides = np.array([[1], [2], [3], [1]]), np.array([9, 8, 7, 5])
    found = cost_grid(NET, widths, depths, sides)
    for row, (width, depth, side) in enumerate(zip(widths.tolist(), depths.tolist(), sides.tolist(), strict=True)):
        one = cost(NET.resized(width, depth, side))
        assert tuple(int(getattr(found, key)[row]) for key in ("macs", "params", "activations", "stored")) == (
            one.macs,
            one.params,
            one.activations,
            one.stored,
        )


def test_depth_leaves_the_last_stage_alone_and_width_scales_every_channel_count() -> None:
    net = A0.architecture
    assert (net.widths, net.depths) == ((48, 48, 96, 192, 1280), (2, 4, 14, 1))
    deep = A0.scale(Multipliers(Decimal("1.5"))).architecture
    assert (deep.depths, deep.widths) == ((3, 6, 21, 1), net.widths)
    wide = A0.scale(Multipliers(Decimal(1), Decimal("1.25"))).architecture
    assert wide.widths == (64, 64, 120, 240, 1600)


def test_the_deployed_form_is_a_network_of_its_own() -> None:
    deployed = A0.deployed
    assert deployed.name == "repvgg_a0-deployed"
    assert {stage.kind for stage in deployed.architecture.stages} == {deployed.architecture.stem.kind}
    text = baseline_text(deployed)
    assert "stem: {kind: repvgg_deploy, kernel: 3, stride: 2, width: 48}\n" in text
    assert parse_baseline(text, "f") == deployed
    long = replace(A0, name="a" * 64)
    assert long.deployed.name == "a" * 55 + "-deployed"
    assert A0.scale(Multipliers(Decimal(2))).deployed.architecture.depths == (4, 8, 28, 1)


@pytest.mark.parametrize("baseline", [load_baseline("b0"), A0.deployed], ids=["b0", "deployed"])
def test_what_has_no_other_form_is_named(baseline: Baseline) -> None:
    with pytest.raises(
        SpaceError, match=f"^{baseline.name}: no block is deployed in another form than it is trained in$"
    ):
        baseline.deployed  # noqa: B018


@pytest.mark.parametrize("kind", ["repvgg", "repvgg_deploy"])
def test_what_a_stage_may_be(kind: str) -> None:
    for changes, reason in (
        ({"expansion": 2}, f"expansion is given, but a {kind} stage has none"),
        ({"se": Decimal("0.25")}, f"se is given, but a {kind} stage has none"),
        ({"group_width": 2}, f"group_width is given, but a {kind} stage has none"),
        ({"kernel": 2}, "kernel is 2, but it must be odd"),
    ):
        with pytest.raises(SpaceError, match=re.escape(f"stage: {reason}")):
            replace(Stage(kind, 3, 1, 1, 4, 1), **changes)
