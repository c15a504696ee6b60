"""The shipped RegNets against the paper's linear parametrisation (Radosavovic et al. 2020, equations 2 to 4)."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from math import log

import pytest

from scalesearch.design.baselines import load_baseline
from scalesearch.design.coefficients import Multipliers
from scalesearch.design.cost import cost
from scalesearch.search.make_proxy import make_proxy

# w_a, w_0, w_m, depth, group width: the paper's Appendix; torchvision `regnet.py`, pycls `configs/dds_baselines`.
PARAMETERS = {
    "regnetx_400mf": (24.48, 24, 2.54, 22, 16),
    "regnety_400mf": (27.89, 48, 2.09, 16, 8),
    "regnety_1.6gf": (20.71, 48, 2.65, 27, 24),
    "regnety_8gf": (76.82, 192, 2.19, 17, 56),
}


def quantised(w_a: float, w_0: int, w_m: float, depth: int) -> list[int]:
    """The width of every block, a multiple of 8: w_0 · w_m^s, s the nearest integer at the line w_0 + w_a · j."""
    steps = [round(log((w_0 + w_a * block) / w_0) / log(w_m)) for block in range(depth)]
    return [8 * round(w_0 * w_m**step / 8) for step in steps]


def in_groups(width: int, group_width: int) -> int:
    """torchvision's `_make_divisible`: halves up, and up where the nearest multiple loses more than 10 %."""
    nearest = (width + group_width // 2) // group_width * group_width
    return nearest + group_width if 10 * nearest < 9 * width else nearest


@pytest.mark.parametrize("name", PARAMETERS)
def test_stages_are_those_of_the_linear_parametrisation(name: str) -> None:
    *line, group_width = PARAMETERS[name]
    blocks = quantised(*line)  # type: ignore[arg-type]
    stages = load_baseline(name).architecture.stages
    assert [stage.depth for stage in stages] == [blocks.count(width) for width in sorted(set(blocks))]
    assert [stage.width for stage in stages] == [
        in_groups(width, int(group_width)) for width in sorted(set(blocks))
    ]
    for stage in stages:
        assert (stage.group_width, stage.expansion, stage.stride) == (group_width, 1, 2)
        assert stage.se == (Decimal("0.25") if "regnety" in name else 0)


@pytest.mark.parametrize(
    ("name", "place", "width", "counts"),
    [
        ("regnetx_400mf", 3, 384, (5_157_512, 397_677_568, 3_143_272)),
        ("regnety_8gf", 0, 168, (39_180_068, 7_963_057_312, 17_968_916)),
    ],
)
def test_where_pycls_rounds_otherwise(name: str, place: int, width: int, counts: tuple[int, int, int]) -> None:
    """timm's regnetx_004 and regnety_080, which round as pycls does."""
    network = load_baseline(name).architecture
    stages = list(network.stages)
    stages[place] = replace(stages[place], width=width)
    found = cost(replace(network, stages=tuple(stages)))
    assert (found.params, found.macs, found.activations) == counts


@pytest.mark.parametrize("name", PARAMETERS)
def test_groups_keep_their_width_where_widths_scale(name: str) -> None:
    baseline = load_baseline(name)
    for hundredths in range(10, 300, 7):
        network = baseline.scale(Multipliers(Decimal(1), Decimal(hundredths) / 100)).architecture
        proxy = make_proxy(network, baseline, 4, 32, 10)
        for stage, small in zip(network.stages, proxy.stages, strict=True):
            assert stage.group_width == PARAMETERS[name][-1]
            assert small.group_width == PARAMETERS[name][-1] // 4
            assert (4 * small.width, small.groups) == (stage.width, stage.groups)
