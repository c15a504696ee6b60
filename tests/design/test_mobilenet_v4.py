"""MobileNetV4 (Qin et al. 2024): its bottlenecks, and the head's normalised hidden layer."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import pytest

from scalesearch.design.architecture import Architecture, Head, Stage, Stem
from scalesearch.design.baseline_file import baseline_text, parse_baseline
from scalesearch.design.baselines import load_baseline
from scalesearch.design.coefficients import Multipliers
from scalesearch.design.cost import cost
from scalesearch.design.rounding import Rounding
from scalesearch.design.scaling import Baseline
from scalesearch.errors import InputError, SpaceError
from scalesearch.export.import_definition import read_network
from scalesearch.export.library_rules import same_network
from scalesearch.export.timm_definition import timm_definition
from scalesearch.search.canonical import as_json, from_json
from scalesearch.search.make_proxy import make_proxy
from scalesearch.search.stage_space import (
    StageOptions,
    StagePoint,
    StageSpace,
    describe_stages,
    network_of,
    options,
    parse_choice,
)

NET = Architecture(
    9, Stem(3, 1, 6), (Stage("conv", 3, 1, 1, 6, 1),), Head(None, 5, hidden=16, hidden_norm="batch_norm")
)
BASELINE = Baseline("any", "x", NET, Rounding("paper", 4))


def test_a_normalised_hidden_layer_has_scales_and_shifts_in_place_of_a_bias() -> None:
    plain = replace(NET, head=replace(NET.head, hidden_norm=None))
    assert cost(NET).params == cost(plain).params - 16 + 2 * 16
    assert cost(NET).macs == cost(plain).macs


def test_a_file_states_what_normalises_the_hidden_layer() -> None:
    text = baseline_text(BASELINE)
    assert "head: {hidden: 16, hidden_norm: batch_norm, classes: 5}\n" in text
    assert parse_baseline(text, "f").architecture == NET
    for old, new, line in (
        ("hidden: 16, ", "", "f:12: head.hidden_norm: hidden_norm is given, but there is no hidden layer"),
        ("batch_norm, c", "layer_norm, c", "f:12: head.hidden_norm: input should be 'batch_norm'"),
    ):
        with pytest.raises(InputError, match=re.escape(line)):
            parse_baseline(text.replace(old, new), "f")
    with pytest.raises(SpaceError, match="hidden_norm is 'layer_norm', but it must be batch_norm or left out"):
        Head(None, 5, hidden=3, hidden_norm="layer_norm")


def test_json_leaves_it_out_where_there_is_none() -> None:
    assert from_json(Architecture, as_json(NET)) == NET
    assert as_json(NET.head)["hidden_norm"] == "batch_norm"  # type: ignore[index,call-overload]
    assert "hidden_norm" not in as_json(Head(None, 5, hidden=3))  # type: ignore[operator]


def test_a_proxy_and_a_wider_network_keep_it() -> None:
    assert make_proxy(NET, BASELINE, 2, 9, 5).head == replace(NET.head, hidden=8)
    assert BASELINE.scale(Multipliers(Decimal(1), Decimal(2))).architecture.head == NET.head


def test_it_is_a_keyword_of_timm() -> None:
    mobile = replace(NET, stem=Stem(3, 2, 8), stages=(Stage("conv", 3, 1, 1, 8, 1),), activation="relu")
    text = timm_definition(replace(BASELINE, architecture=mobile))
    assert "    head_norm=True,\n" in text
    assert same_network(read_network(text, "x")) == same_network(mobile)


# As in timm, `_gen_mobilenet_v4`: kernel before the expansion, kernel behind it (0: none), stride, inner and out
# widths.
SMALL = [
    (5, 5, 2, 192, 96), *[(0, 3, 1, 192, 96)] * 4, (3, 0, 1, 384, 96),
    (3, 3, 2, 576, 128), (5, 5, 1, 512, 128), (0, 5, 1, 512, 128), (0, 5, 1, 384, 128), *[(0, 3, 1, 512, 128)] * 2,
]  # fmt: skip
MEDIUM = [
    (3, 5, 2, 192, 80), (3, 3, 1, 160, 80),
    (3, 5, 2, 480, 160), *[(3, 3, 1, 640, 160)] * 2, (3, 5, 1, 640, 160), (3, 3, 1, 640, 160),
    (3, 0, 1, 640, 160), (0, 0, 1, 320, 160), (3, 0, 1, 640, 160),
    (5, 5, 2, 960, 256), (5, 5, 1, 1024, 256), *[(3, 5, 1, 1024, 256)] * 2, (0, 0, 1, 1024, 256),
    (3, 0, 1, 1024, 256), (3, 5, 1, 512, 256), (5, 5, 1, 1024, 256), *[(0, 0, 1, 1024, 256)] * 2,
    (5, 0, 1, 512, 256),
]  # fmt: skip


def rows_of(net: Architecture) -> list[tuple[int, int, int, int, int]]:
    found = []
    for block in net.walk():
        if block.kind == "uib":
            layers = {layer.role: layer for layer in block.layers}
            start = layers["start"].kernel if "start" in layers else 0
            inside = layers["depthwise"].kernel if "depthwise" in layers else 0
            found.append((start, inside, block.stride, layers["expand"].out_width, block.out_width))
    return found


@pytest.mark.parametrize(
    ("name", "rows"), [("mobilenet_v4_conv_small", SMALL), ("mobilenet_v4_conv_medium", MEDIUM)]
)
def test_every_row_of_the_table(name: str, rows: list[tuple[int, int, int, int, int]]) -> None:
    assert rows_of(load_baseline(name).architecture) == rows


def test_depth_leaves_the_first_convolutions_alone() -> None:
    base = load_baseline("mobilenet_v4_conv_small")
    deep = base.scale(Multipliers(Decimal(2))).architecture
    assert deep.depths == (1, 1, 1, 1, 2, 8, 2, 2, 2, 2, 2, 4)
    wide = base.scale(Multipliers(Decimal(1), Decimal("1.5"))).architecture
    assert wide.widths == (48, 48, 48, 144, 96, *[144] * 3, *[192] * 5, 1440)
    assert wide.head.hidden == 1280


def test_the_stride_is_that_of_the_last_depthwise_convolution() -> None:
    for start, kernel, role in ((3, 5, "depthwise"), (1, 5, "depthwise"), (3, 1, "start"), (1, 1, "expand")):
        stage = Stage("uib", kernel, 2, 2, 8, 1, start_kernel=start)
        (_, block, *_) = replace(NET, stages=(stage,)).walk()
        assert [layer.role for layer in block.layers if layer.stride == 2] == [role]
        assert block.layers[-1].out_px == block.out_px == 5


def test_what_a_stage_may_be() -> None:
    makes: tuple[tuple[Callable[[], Stage], str], ...] = (
        (
            lambda: Stage("mbconv", 3, 1, 2, 8, 1, start_kernel=3),
            "start_kernel is given, but an mbconv stage has none",
        ),
        (
            lambda: Stage("inverted_residual", 3, 1, 2, 8, 1, group_width=2),
            "group_width is given, but an inverted_residual stage has none; leave it out",
        ),
        (lambda: Stage("uib", 3, 1, 2, 8, 1, start_kernel=4), "start_kernel is 4, but it must be odd"),
        (lambda: Stage("uib", 3, 1, 2, 8, 1, start_kernel=17), "start_kernel is 17, but it must be in 1 … 15"),
        (
            lambda: Stage("uib", 3, 1, 2, 8, 1, Decimal("0.25"), gate="fbnet_v3"),
            "gate is fbnet_v3, but a uib's is mobilenet_v3",
        ),
    )
    for make, reason in makes:
        with pytest.raises(SpaceError, match=re.escape(f"stage: {reason}")):
            make()


def test_files_and_json_keep_the_first_kernel() -> None:
    stages = (
        Stage("uib", 1, 2, Decimal("2.5"), 8, 1, start_kernel=5),
        Stage("uib", 3, 1, 2, 8, 2),
        Stage("uib", 3, 1, 2, 8, 1, Decimal("0.25"), gate="mobilenet_v3"),
    )
    net = replace(NET, stages=stages)
    text = baseline_text(replace(BASELINE, architecture=net))
    assert "{kind: uib, start_kernel: 5, kernel: 1, stride: 2, expansion: 2.5, width: 8, depth: 1}\n" in text
    assert "{kind: uib, kernel: 3, stride: 1, expansion: 2, width: 8, depth: 2}\n" in text
    gated = "{kind: uib, kernel: 3, stride: 1, expansion: 2, width: 8, depth: 1, se: 0.25, gate: mobilenet_v3}\n"
    assert gated in text
    assert parse_baseline(text, "f").architecture == net
    assert from_json(Architecture, as_json(net)) == net
    assert "start_kernel" not in as_json(stages[1])  # type: ignore[operator]
    with pytest.raises(InputError, match=r"^f:11: stages.0.start_kernel: start_kernel is 2, but it must be odd"):
        parse_baseline(text.replace("start_kernel: 5", "start_kernel: 2"), "f")


def test_a_space_of_stages_keeps_the_first_kernel_of_its_kind_alone() -> None:
    base = load_baseline("mobilenet_v4_conv_small")
    space = StageSpace("any", "x", base.name, StageOptions(kind=("uib", "inverted_residual"), layers=(0, 1)))
    words = options(space, base)
    own = StagePoint(tuple(parse_choice({key: values[0] for key, values in one.items()}) for one in words))
    network = network_of(space, base, own)
    assert [stage.start_kernel for stage in network.stages] == [1, 1, 1, 1, 5, 1, 3, 3, 5, 1, 1, 1]
    other = StagePoint(tuple(replace(one, kind="inverted_residual") for one in own.choices))
    assert {stage.start_kernel for stage in network_of(space, base, other).stages} == {1}
    assert list(describe_stages(network))[4:6] == ["uib5+5 e3 96×1", "uib3 e2 96×4"]
