"""MobileNetV3: the paper's tables row by row, how it is scaled, and what a file with its keys may not say."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from random import Random

import numpy as np
import pytest
from networks import random_architecture

from scalesearch.design.architecture import Architecture, Head, Stage, Stem
from scalesearch.design.baseline_file import baseline_text, parse_baseline
from scalesearch.design.baselines import load_baseline
from scalesearch.design.coefficients import Multipliers
from scalesearch.design.cost import cost, cost_grid
from scalesearch.design.decimals import divisible
from scalesearch.design.rounding import round_filters
from scalesearch.design.scaling import Baseline
from scalesearch.errors import InputError, SpaceError
from scalesearch.search.canonical import as_json, from_json
from scalesearch.search.make_proxy import make_proxy
from scalesearch.search.stage_space import StageOptions, StagePoint, StageSpace, network_of, options, parse_choice

# Howard et al. 2019: kernel, expanded, output, squeeze (a quarter, a multiple of 8), activation, stride.
LARGE = [
    (3, 16, 16, 0, "relu", 1), (3, 64, 24, 0, "relu", 2), (3, 72, 24, 0, "relu", 1), (5, 72, 40, 24, "relu", 2),
    (5, 120, 40, 32, "relu", 1), (5, 120, 40, 32, "relu", 1), (3, 240, 80, 0, "hard_swish", 2),
    (3, 200, 80, 0, "hard_swish", 1), (3, 184, 80, 0, "hard_swish", 1), (3, 184, 80, 0, "hard_swish", 1),
    (3, 480, 112, 120, "hard_swish", 1), (3, 672, 112, 168, "hard_swish", 1), (5, 672, 160, 168, "hard_swish", 2),
    (5, 960, 160, 240, "hard_swish", 1), (5, 960, 160, 240, "hard_swish", 1),
]  # fmt: skip
SMALL = [
    (3, 16, 16, 8, "relu", 2), (3, 72, 24, 0, "relu", 2), (3, 88, 24, 0, "relu", 1),
    (5, 96, 40, 24, "hard_swish", 2),
    (5, 240, 40, 64, "hard_swish", 1), (5, 240, 40, 64, "hard_swish", 1), (5, 120, 48, 32, "hard_swish", 1),
    (5, 144, 48, 40, "hard_swish", 1), (5, 288, 96, 72, "hard_swish", 2), (5, 576, 96, 144, "hard_swish", 1),
    (5, 576, 96, 144, "hard_swish", 1),
]  # fmt: skip


def rows_of(net: Architecture) -> list[tuple[int, int, int, int, str, int]]:
    found = []
    for block in net.walk():
        if block.name.startswith("stages."):
            layers = {layer.role: layer for layer in block.layers}
            squeeze = layers["squeeze"].out_width if "squeeze" in layers else 0
            inner = layers["depthwise"].out_width
            found.append((block.kernel, inner, block.out_width, squeeze, block.activation, block.stride))
    return found


@pytest.mark.parametrize(("name", "rows"), [("mobilenet_v3_large", LARGE), ("mobilenet_v3_small", SMALL)])
def test_every_row_of_the_papers_table(name: str, rows: list[tuple[int, int, int, int, str, int]]) -> None:
    assert rows_of(load_baseline(name).architecture) == rows


def test_the_nearest_multiple_is_that_of_the_rounding_rule() -> None:
    random = Random(0)
    for _ in range(2000):
        width, divisor = random.randint(1, 2000), random.randint(1, 40)
        by = Decimal(random.randint(1, 64 * 10**6)) / 10**6
        got = divisible(width, by, divisor)
        assert got == round_filters(width, by, divisor)
        assert divisible(np.array([width, 1]), by, divisor)[0] == got  # type: ignore[index,arg-type]
        assert Fraction(got) >= Fraction(9, 10) * width * Fraction(by)


def test_widths_scale_first_and_what_is_inside_follows() -> None:
    """As timm: `make_divisible(in_chs * exp_ratio)` of the scaled channels; the hidden layer keeps its features."""
    base = load_baseline("mobilenet_v3_small")
    wide = base.scale(Multipliers(Decimal(1), Decimal("1.5"))).architecture
    assert wide.widths == (24, 24, 40, 40, 64, 64, 72, 144, 864)
    assert [row[1] for row in rows_of(wide)][:3] == [24, 112, 144]  # 4.5 · 24 = 108, 3.67 · 40 = 146.8
    assert wide.head.hidden == 1024
    assert rows_of(base.scale(Multipliers(Decimal(2))).architecture)[:2] != rows_of(base.architecture)[:2]


def test_grids_count_what_single_networks_cost() -> None:
    net = load_baseline("mobilenet_v3_small").architecture
    widths = np.array([net.widths, tuple(width + 3 for width in net.widths)])
    depths, px = np.array([net.depths, tuple(depth + 1 for depth in net.depths)]), np.array([224, 65])
    grid = cost_grid(net, widths, depths, px)
    for place in range(2):
        one = cost(net.resized(widths[place].tolist(), depths[place].tolist(), int(px[place])))
        assert (grid.macs[place], grid.params[place]) == (one.macs, one.params)  # type: ignore[index]


def test_a_proxy_keeps_the_shape_inside() -> None:
    base = load_baseline("mobilenet_v3_small")
    proxy = make_proxy(base.architecture, base, 4, 32, 10)
    assert (proxy.inner_divisor, proxy.head.hidden, proxy.head.classes) == (2, 256, 10)
    small = [(inner, out, squeeze) for _, inner, out, squeeze, *_ in rows_of(proxy)]
    assert small == [(inner // 4, out // 4, squeeze // 4) for _, inner, out, squeeze, *_ in SMALL]


def test_json_keeps_fractions_and_leaves_out_what_is_not_used() -> None:
    for seed in range(40):
        net = random_architecture(Random(seed), kind="mbconv")
        assert from_json(Architecture, as_json(net)) == net
    stage = as_json(Stage("mbconv", 3, 1, 2, 8, 1))
    assert isinstance(stage, dict)
    assert not {"activation", "gate"} & stage.keys()
    assert as_json(Stage("mbconv", 3, 1, Decimal("2.5"), 8, 1))["expansion"] == "2.5"  # type: ignore[index,call-overload]


def test_a_space_of_stages_keeps_what_it_does_not_vary() -> None:
    base = load_baseline("mobilenet_v3_small")
    space = StageSpace("any", "x", base.name, StageOptions(kind=("mbconv", "fused_mbconv"), layers=(0, 1)))
    words = options(space, base)
    own = StagePoint(tuple(parse_choice({key: values[0] for key, values in one.items()}) for one in words))
    assert cost(network_of(space, base, own)) == cost(base.architecture)
    fractions, whole = (
        [stage.expansion for stage in network_of(space, base, StagePoint(choices)).stages]
        for choices in (
            tuple(replace(one, kind=kind) for one in own.choices) for kind in ("fused_mbconv", "convnext")
        )
    )
    assert fractions == [stage.expansion for stage in base.architecture.stages]
    assert whole == [1, 5, 4, 4, 6, 3, 6]


def test_what_a_stage_and_a_head_may_be() -> None:
    for make, reason in (
        (lambda: Stage("convnext", 3, 1, Decimal("2.5"), 8, 1), "expansion is 2.5, but a convnext's is a whole"),
        (lambda: Stage("mbconv", 3, 1, Decimal("2.0"), 8, 1), "expansion is 2.0, but a whole number is written"),
        (lambda: Stage("mbconv", 3, 1, Decimal("65.5"), 8, 1), "expansion is 65.5, but it must be in 1 … 64"),
        (lambda: Stage("mbconv", 3, 1, 2, 8, 1, gate="mobilenet_v3"), "gate is mobilenet_v3, but se is 0"),
        (lambda: Stage("mbconv", 3, 1, 2, 8, 1, Decimal(1), gate="v9"), "gate is 'v9', but it must be one of"),  # type: ignore[arg-type]
        (
            lambda: Stage("fused_mbconv", 3, 1, 2, 8, 1, Decimal(1), gate="mobilenet_v3"),
            "a fused_mbconv stage has none",
        ),
        (
            lambda: Stage("conv", 3, 1, 1, 8, 1, activation="mish"),
            "activation is 'mish', but it must be one of silu",
        ),
        (lambda: Head(None, 5, hidden=0), "head: hidden is 0, but it must be in 1 … 65536"),
    ):
        with pytest.raises(SpaceError, match=re.escape(reason)):
            make()


def test_files_say_it_in_one_line() -> None:
    text = baseline_text(load_baseline("mobilenet_v3_small"))
    assert "expansion: 3.67, width: 24, depth: 1, activation: relu}\n" in text
    assert "head: {kind: conv, width: 576, hidden: 1024, classes: 1000}\n" in text
    for old, new, line in (
        (
            "expansion: 3.67",
            "expansion: 0.5",
            "f:13: stages.2.expansion: input should be greater than or equal to 1",
        ),
        ("gate: mobilenet_v3", "gate: hard", "f:11: stages.0.gate: input should be 'mobilenet_v3'"),
        ("se: 0.25, gate", "gate", "f:11: stages.0.gate: gate is mobilenet_v3, but se is 0"),
        ("expansion: 3.67", "expansion: 3.6700000001", "f:13: stages.2.expansion: expansion is 3.6700000001, but"),
        ("activation: relu}", "activation: mish}", "f:11: stages.0.activation: input should be 'silu'"),
    ):
        with pytest.raises(InputError, match=re.escape(line)):
            parse_baseline(text.replace(old, new), "f")
    whole = parse_baseline(text.replace("expansion: 4.5", "expansion: 4.0"), "f").architecture.stages[1].expansion
    assert isinstance(whole, int)


def test_a_file_states_the_divisor_of_inner_widths_where_it_is_another() -> None:
    stage = Stage("inverted_residual", 3, 1, Decimal("1.5"), 6, 1)
    net = Architecture(9, Stem(3, 1, 6), (stage,), Head(None, 5), inner_divisor=3)
    base = load_baseline("mobilenet_v3_small")
    text = baseline_text(Baseline("any", "x", net, base.rounding))
    assert "inner_divisor: 3\n" in text
    assert parse_baseline(text, "f").architecture == net
    assert "inner_divisor" not in baseline_text(base)
