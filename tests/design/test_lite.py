"""EfficientNet-Lite: stages whose depth is fixed, and its published members as golden values."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from random import Random

import pytest
from networks import random_architecture, random_multipliers

from scalesearch.design.architecture import Architecture
from scalesearch.design.baselines import load_baseline
from scalesearch.design.coefficients import Coefficients, Multipliers
from scalesearch.design.cost import cost
from scalesearch.design.networks import load_network
from scalesearch.design.rounding import ROUNDING_RULES, Rounding
from scalesearch.design.scaling import scaled
from scalesearch.design.v2_rule import with_late_layers
from scalesearch.search.candidates import nearest_alias

LITE = load_baseline("efficientnet_lite0")

# px and parameters of timm 1.0 `efficientnet_lite0` … `4`, depths by `_gen_efficientnet_lite`. The publication has
# 4.7, 5.4, 6.1, 8.2 and 13.0 M parameters, and 407 M … 2.64 B multiply-adds: those are some per cent more than the
# convolutions and linear layers have that are counted here.
PUBLISHED = {
    "efficientnet_lite0": (224, 4_652_008, 385_187_552, (1, 2, 2, 3, 3, 4, 1)),
    "efficientnet_lite1": (240, 5_416_680, 600_185_232, (1, 3, 3, 4, 4, 5, 1)),
    "efficientnet_lite2": (260, 6_092_072, 859_736_272, (1, 3, 3, 4, 4, 5, 1)),
    "efficientnet_lite3": (280, 8_197_096, 1_383_321_872, (1, 3, 3, 5, 5, 6, 1)),
    "efficientnet_lite4": (300, 13_006_568, 2_553_034_336, (1, 4, 4, 6, 6, 8, 1)),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_published_members(name: str) -> None:
    net = load_network(name).architecture
    assert (net.resolution, cost(net).params, cost(net).macs, net.depths) == PUBLISHED[name]
    assert (net.stem.width, net.head.width) == (32, 1280)


def test_without_fixed_depths_lite4_is_larger() -> None:
    free = [replace(stage, depth_fixed=False) for stage in LITE.architecture.stages]
    baseline = replace(LITE, architecture=replace(LITE.architecture, stages=tuple(free)))
    lite4 = baseline.scale(Multipliers(Decimal("1.8"), Decimal("1.4")))
    assert cost(lite4.architecture).params == 15_451_744


def fixed_of(net: Architecture) -> tuple[bool, ...]:
    return tuple(stage.depth_fixed for stage in net.stages)


def without(net: Architecture) -> Architecture | None:
    """The stages whose depth is free; None: there is no such stage."""
    free = tuple(stage for stage in net.stages if not stage.depth_fixed)
    return replace(net, stages=free) if free else None


def test_a_rule_sees_the_free_stages_only() -> None:
    """Any rule: fixed depths stay, and the others are those of a network that has no fixed stage."""
    random = Random(4)
    fixed = 0
    for _ in range(300):
        net, by = random_architecture(random), random_multipliers(random)
        rounding = Rounding(random.choice(ROUNDING_RULES), 3)
        got, free = scaled(net, by, rounding), without(net)
        pairs = list(zip(got.stages, net.stages, strict=True))
        assert all(new.depth == old.depth for new, old in pairs if old.depth_fixed)
        assert fixed_of(got) == fixed_of(net)
        if free is not None:
            assert (
                tuple(new.depth for new, old in pairs if not old.depth_fixed) == scaled(free, by, rounding).depths
            )
        fixed += any(fixed_of(net))
    assert fixed > 50


def test_late_layers_go_to_the_last_two_free_stages() -> None:
    before = LITE.architecture
    after = scaled(before, Multipliers(Decimal(2)), Rounding("paper"))
    assert after.depths == (1, 4, 4, 6, 6, 8, 1)
    assert with_late_layers(before, after).depths == (1, 2, 2, 3, 9, 12, 1)


def test_the_alias_of_a_network_follows_the_free_layers() -> None:
    aliases = [Coefficients(Decimal(alpha), Decimal(1), Decimal(1)) for alpha in ("1.75", "2")]
    net = scaled(LITE.architecture, aliases[1].at(Decimal(1)), Rounding("paper"))
    assert nearest_alias(LITE.architecture, net, aliases, Decimal(1)) == aliases[1]
    rigid = replace(net, stages=tuple(replace(stage, depth_fixed=True) for stage in net.stages))
    assert nearest_alias(rigid, rigid, aliases, Decimal(1)) == aliases[0]
