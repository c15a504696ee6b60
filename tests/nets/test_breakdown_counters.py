"""The receipt's sums against fvcore and torch on built networks: every operator, to the last digit."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
from networks import random_architecture

from scalesearch.design.baselines import baseline_names, load_baseline
from scalesearch.design.block_kinds import STAGE_KINDS
from scalesearch.design.cost_breakdown import check, counter_totals, layer_costs
from scalesearch.nets.flops import fvcore_breakdown, torch_flops

LARGE = ("convnext_base", "efficientnet_v2_l", "efficientnet_v2_m", "resnet101", "resnet152")
"""More layers of the kinds that smaller ones have; seconds each."""


@pytest.mark.parametrize(
    "name", [pytest.param(one, marks=[pytest.mark.slow] if one in LARGE else []) for one in baseline_names()]
)
def test_every_baseline_is_reconciled(name: str) -> None:
    network = replace(load_baseline(name).architecture, resolution=65)
    found = fvcore_breakdown(network)
    check(counter_totals(layer_costs(network)), found.by_operator, found.total, torch_flops(network))


@pytest.mark.parametrize("kind", STAGE_KINDS)
def test_every_kind_is_reconciled(kind: str) -> None:
    for seed in range(5):
        network = random_architecture(Random(100 + seed), kind=kind)
        found = fvcore_breakdown(network)
        check(counter_totals(layer_costs(network)), found.by_operator, found.total, torch_flops(network))
