"""Factorised spaces: what a point means, how many there are, what keeps within limits; and their files."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from networks import SMALL

from scalesearch.design.baselines import baseline_names, load_baseline
from scalesearch.errors import InputError, SpaceError
from scalesearch.search.kinds.stages import NasSpace, StageSearch
from scalesearch.search.rewards import Reward
from scalesearch.search.stage_space import (
    StageChoice,
    StageOptions,
    StagePoint,
    StageSpace,
    describe_stages,
    network_of,
    size,
)
from scalesearch.search.stage_space_file import load_stage_space, parse_stage_space, stage_space_names

NONE = Decimal(0)
QUARTER = Decimal("0.25")


def space(every: StageOptions, stages: tuple[StageOptions, ...] = ()) -> StageSpace:
    return StageSpace("mine", "a test", "tiny", every, stages)


def test_the_shipped_spaces_are_the_papers_and_no_baselines() -> None:
    assert stage_space_names() == ["efficientnet_v2", "mnasnet"]
    assert "efficientnet_v2" not in baseline_names()
    v2, mnasnet = map(load_stage_space, stage_space_names())
    # Tan & Le 2021, section 3.3: two blocks, two kernels, three expansions, here three numbers of layers.
    assert size(v2, load_baseline(v2.baseline)) == (2 * 2 * 3 * 3) ** 7
    # Tan et al. 2019, section 4.1: three operations, two kernels, expansions, SE ratios, three layers, widths.
    assert size(mnasnet, load_baseline(mnasnet.baseline)) == (3 * 2 * 2 * 2 * 3 * 3) ** 7
    assert (v2.baseline, mnasnet.baseline) == ("b0", "mobilenet_v2")


def test_a_point_is_the_network_that_it_says() -> None:
    own = space(
        StageOptions(("conv", "mbconv", "fused_mbconv"), (3, 5), (2, 6), (QUARTER,), (-1, 2), se_kinds=("mbconv",))
    )
    point = StagePoint(
        (
            StageChoice("conv", 5, 6, QUARTER, -1, Decimal(1)),
            StageChoice("mbconv", 3, 2, QUARTER, 2, Decimal("1.25")),
            StageChoice("fused_mbconv", 5, 6, QUARTER, -1, Decimal("0.5")),
        )
    )
    network = network_of(own, SMALL, point)
    # A convolution has neither expansion nor gate, a fused block no gate here; one layer is the least; widths are
    # multiples of 4: 24 · 1.25 = 30 → 32, 48 / 2 = 24. Strides, stem, head and side are the baseline's.
    assert list(describe_stages(network)) == ["conv5 16×1", "mbconv3 e2 se.25 32×5", "fused_mbconv5 e6 24×2"]
    assert [one.stride for one in network.stages] == [1, 2, 2]
    assert replace(network, stages=SMALL.architecture.stages) == SMALL.architecture


def test_drawn_words_and_points_are_one() -> None:
    asked = StageSearch(load_stage_space("mnasnet"), "random", Reward())
    found = NasSpace(load_baseline("mobilenet_v2"), asked, 16)
    known = found.dimensions()
    assert len(known) == 6 * 7
    assert known["stages.3.width"] == ("0.75", "1", "1.25")
    for point in found.random_points(9, seed=4):
        assert found.point(found.parameters(point)) == point
    assert found.random_points(9, seed=4) != found.random_points(9, seed=5)


def test_the_baseline_is_what_no_choice_means() -> None:
    found = NasSpace(SMALL, StageSearch(space(StageOptions(kernel=(3, 7))), "random", Reward()), 16)
    point = found.point({})
    assert all(stage.kernel == 3 for stage in found.check_constraints([point])[0].network.stages)
    nothing = NasSpace(SMALL, StageSearch(space(StageOptions()), "random", Reward()), 16)
    assert nothing.dimensions() == {}
    assert nothing.check_constraints([nothing.point({})])[0].network == SMALL.architecture


def test_limits_are_kept_by_the_closed_form_and_equal_networks_are_one() -> None:
    free = NasSpace(SMALL, StageSearch(load_stage_space("mnasnet"), "random", Reward()), 16)
    points = free.random_points(60)
    every = free.candidates((*points, *points)).candidates
    assert [one.name for one in every] == [f"n{i}" for i in range(1, 61)]
    macs, params, memory = sorted(one.cost.macs for one in every)[40], 130_000, 40_000_000
    asked = replace(free.asked, max_macs=macs, max_params=params, max_memory=memory)
    limited = NasSpace(SMALL, asked, 16)
    inside = [
        one.architecture
        for one in every
        if one.cost.macs <= macs and one.cost.params <= params and one.cost.memory_bytes(16) <= memory
    ]
    assert 0 < len(inside) < 40
    assert [one.architecture for one in limited.candidates(points).candidates] == inside
    assert {name for one in limited.check_constraints(points) for name in one.violated} == {
        "max-flops",
        "max-params",
        "max-memory",
    }


def test_spaces_that_do_not_fit_are_refused() -> None:
    two = space(StageOptions(), (StageOptions(kernel=(3, 5)), StageOptions()))
    with pytest.raises(SpaceError, match="mine has choices for 2 stages, but small has 3"):
        NasSpace(SMALL, StageSearch(two, "random", Reward()), 16)
    kernels = StageSearch(space(StageOptions(kernel=(3, 5))), "random", Reward())
    with pytest.raises(SpaceError, match="kind is bottleneck, which cannot be varied"):
        NasSpace(load_baseline("resnet50"), kernels, 16)
    with pytest.raises(SpaceError, match="sampler is 'luck'"):
        replace(kernels, sampler="luck")


HEAD = "name: mine\nsource: a test\nbaseline: tiny\n"
BAD = {
    "no choices": (HEAD, "f.yaml:1: every: is missing"),
    "unknown key": (
        HEAD + "every:\n  kernels: [3]\n",
        "f.yaml:5: every.kernels: is not a key here; known",
    ),
    "no list": (HEAD + "every:\n  kernel: 3\n", "f.yaml:5: every.kernel: must be a list"),
    "word": (
        HEAD + "every:\n  kernel: [three]\n",
        "f.yaml:5: every.kernel.0: is 'three', but must be",
    ),
    "even": (HEAD + "every:\n  kernel: [3, 4]\n", "f.yaml:5: every.kernel: kernel has 4, but each must be odd"),
    "twice": (
        HEAD + "every:\n  layers: [1, 1]\n",
        "f.yaml:5: every.layers: layers is [1, 1], but a",
    ),
    "kind": (
        HEAD + "every: {}\nstages:\n  - {}\n  - {kind: [pool]}\n",
        "f.yaml:7: stages.1.kind: kind has pool, but each must be one of conv, mbconv",
    ),
    "bottleneck": (HEAD + "every: {kind: [bottleneck]}\n", "f.yaml:4: every.kind: kind has bottleneck, but each"),
    "list": ("- 1\n", "f.yaml:1: file: must be a mapping of keys"),
    "boolean": (HEAD + "every: {se: [no]}\n", "f.yaml:4: every.se.0: 'no' is ambiguous"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_one_line_that_says_where(name: str) -> None:
    text, expected = BAD[name]
    with pytest.raises(InputError) as error:
        parse_stage_space(text, "f.yaml")
    assert str(error.value).startswith(expected)
    assert "\n" not in str(error.value)


def test_an_unknown_space_names_the_known() -> None:
    with pytest.raises(InputError, match=r"--space 'b0': is none of efficientnet_v2, mnasnet; give one"):
        load_stage_space("b0")
