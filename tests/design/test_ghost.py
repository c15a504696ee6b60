"""GhostNet (Han et al. 2020): its bottlenecks, in the rows of the paper's table and by hand."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from scalesearch.design.architecture import Architecture, Head, Stage, Stem
from scalesearch.design.baseline_file import baseline_text, parse_baseline
from scalesearch.design.baselines import load_baseline
from scalesearch.design.coefficients import Multipliers
from scalesearch.design.cost import cost, cost_grid
from scalesearch.design.cost_breakdown import counter_totals, layer_costs
from scalesearch.errors import SpaceError

GHOSTNET = load_baseline("ghostnet")
NET = Architecture(9, Stem(3, 2, 4), (Stage("ghost", 3, 2, 3, 6, 1),), Head(None, 2), "relu")

# Table 1 of the paper: kernel, inner width, output width, whether it has a gate, stride.
ROWS = [
    (3, 16, 16, 0, 1), (3, 48, 24, 0, 2), (3, 72, 24, 0, 1), (5, 72, 40, 1, 2), (5, 120, 40, 1, 1),
    (3, 240, 80, 0, 2), (3, 200, 80, 0, 1), (3, 184, 80, 0, 1), (3, 184, 80, 0, 1), (3, 480, 112, 1, 1),
    (3, 672, 112, 1, 1), (5, 672, 160, 1, 2), (5, 960, 160, 0, 1), (5, 960, 160, 1, 1), (5, 960, 160, 0, 1),
    (5, 960, 160, 1, 1),
]  # fmt: skip


def rows_of(net: Architecture) -> list[tuple[int, int, int, int, int]]:
    blocks = [block for block in net.walk() if block.kind == "ghost"]
    return [(one.kernel, one.inner_width, one.out_width, int(bool(one.se)), one.stride) for one in blocks]


def test_every_row_of_the_table() -> None:
    net = GHOSTNET.architecture
    assert rows_of(net) == ROWS
    squeezed = [layer.out_width for block in net.walk() for layer in block.layers if layer.role == "squeeze"]
    assert squeezed == [20, 32, 120, 168, 168, 240, 240]  # a quarter of the inner width, to a multiple of four


def test_half_the_width_is_ghostnet_050() -> None:
    """timm's `ghostnet_050`: every inner width of the paper halves to a multiple of four."""
    half = GHOSTNET.scale(Multipliers(Decimal(1), Decimal("0.5"))).architecture
    assert rows_of(half) == [
        (kernel, inner // 2, out // 2, gate, stride) for kernel, inner, out, gate, stride in ROWS
    ]
    assert (half.stem.width, half.head.width, half.head.hidden) == (8, 480, 1280)
    assert (cost(half).params, cost(half).macs) == (2_587_292, 42_328_152)


def test_depth_multiplies_every_stage() -> None:
    deep = GHOSTNET.scale(Multipliers(Decimal(2))).architecture
    assert deep.depths == (2, 4, 4, 2, 2, 4, 4, 2, 2, 2, 2, 2)


def test_a_strided_block_by_hand() -> None:
    # 9 px, stem to 5 px of 4; 6 + 6 inner maps, depthwise 3x3/2 to 3 px, 3 + 3 outer ones; shortcut 3x3/2 and 1x1.
    macs = 27 * 4 * 25 + 4 * 6 * 25 + 9 * 6 * 25 + 9 * 12 * 9 + 12 * 3 * 9 + 9 * 3 * 9 + 9 * 4 * 9 + 4 * 6 * 9 + 12
    weights = 27 * 4 + 4 * 6 + 9 * 6 + 9 * 12 + 12 * 3 + 9 * 3 + 9 * 4 + 4 * 6 + 6 * 2 + 2
    norms = 2 * (4 + 6 + 6 + 12 + 3 + 3 + 4 + 6)
    activations = (4 + 6 + 6) * 25 + (12 + 3 + 3 + 4 + 6) * 9 + 2
    got = cost(NET)
    assert (got.macs, got.params, got.activations) == (macs, weights + norms, activations)
    assert counter_totals(layer_costs(NET)).pooling == 6 * 9


def test_an_odd_width_costs_what_its_half_rounded_up_costs() -> None:
    """5 of 3 + 3 maps are handed on: both convolutions are those of 6."""
    (_, block, _) = replace(NET, stages=(Stage("ghost", 3, 1, 1, 5, 1),)).walk()
    layers = {layer.role: layer for layer in block.layers}
    assert (layers["project"].out_width, layers["project_cheap"].out_width) == (3, 3)
    assert layers["shortcut"].out_width == 5
    assert "depthwise" not in layers


def test_the_gate_pools_what_it_gates() -> None:
    net = replace(NET, stages=(Stage("ghost", 3, 2, 3, 6, 1, Decimal("0.5")),))
    assert counter_totals(layer_costs(net)).pooling == 12 * 9 + 6 * 9
    whole = replace(NET, stages=(Stage("ghost", 3, 1, 3, 6, 1, Decimal("0.5")),))
    assert counter_totals(layer_costs(whole)).pooling == 12 * 25 + 6 * 25


def test_a_grid_whose_networks_differ_in_shortcuts_is_counted_as_one_by_one() -> None:
    net = replace(NET, stages=(Stage("ghost", 5, 1, Decimal("2.5"), 4, 2, Decimal("0.25"), gate="mobilenet_v3"),))
    widths = np.array([(4, 4), (4, 5), (3, 3), (7, 3)])
    depths, sides = np.array([[1], [2], [3], [1]]), np.array([9, 8, 7, 5])
    found = cost_grid(net, widths, depths, sides)
    for row, (width, depth, side) in enumerate(zip(widths.tolist(), depths.tolist(), sides.tolist(), strict=True)):
        one = cost(net.resized(width, depth, side))
        for key in ("macs", "params", "activations", "stored"):
            assert getattr(found, key)[row] == getattr(one, key), key


def test_files_keep_it_and_refuse_what_it_has_not() -> None:
    text = baseline_text(GHOSTNET)
    row = "{kind: ghost, kernel: 5, stride: 2, expansion: 3, width: 40, depth: 2, se: 0.25, gate: mobilenet_v3}"
    assert row in text
    assert parse_baseline(text, "f") == GHOSTNET
    wrong: tuple[tuple[dict[str, Any], str], ...] = (
        ({"group_width": 2}, "group_width is given, but a ghost stage has none"),
        ({"start_kernel": 3}, "start_kernel is given, but a ghost stage has none"),
        ({"gate": "mobilenet_v3"}, "gate is mobilenet_v3, but se is 0: there is none; leave it out"),
    )
    for changes, reason in wrong:
        with pytest.raises(SpaceError, match=re.escape(f"stage: {reason}")):
            replace(Stage("ghost", 3, 1, 2, 4, 1), **changes)
