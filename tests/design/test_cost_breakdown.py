"""The receipt: sums over the layers, and what the counters must show."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
from networks import random_architecture

from scalesearch.design.architecture import Architecture, Head, Stage, Stem
from scalesearch.design.baselines import baseline_names, load_baseline
from scalesearch.design.cost import cost
from scalesearch.design.cost_breakdown import LAYER_KINDS, check, counter_totals, grouped, layer_costs
from scalesearch.errors import CountError

B0 = load_baseline("b0").architecture


def test_b0_in_four_conventions() -> None:
    """385,814,752 and 771,629,504: torch's counter on torchvision's B0; 401,659,392: fvcore's on it, of which
    2,369,248 for adaptive_avg_pool2d and 13,475,392 for batch norm."""
    found = counter_totals(layer_costs(B0))
    assert (found.convolutions, found.linear) == (384_534_752, 1_280_000)
    assert (found.macs, found.flops) == (385_814_752, 771_629_504)
    assert (found.norms, found.pooling) == ({"batch_norm": 13_475_392, "layer_norm": 0}, 2_369_248)
    assert found.fvcore_total == 399_290_144
    assert found.fvcore_total_pooled == 401_659_392


def test_every_layer_is_in_one_row() -> None:
    random = Random(11)
    for network in [*(load_baseline(name).architecture for name in baseline_names()), *(
        random_architecture(random) for _ in range(40)
    )]:  # fmt: skip
        counts, price = layer_costs(network), cost(network)
        assert {one.kind for one in counts} <= set(LAYER_KINDS)
        for key in ("kind", "stage", "block"):
            groups = grouped(counts, lambda one, key=key: str(getattr(one, key)))  # type: ignore[misc]
            assert sum(one.macs for one in groups) == price.macs
            assert sum(one.params for one in groups) == price.params
            assert sum(one.layers for one in groups) == len(counts)
        stages = [one.name for one in grouped(counts, lambda one: one.stage)]
        head = [] if network.head.width is None else ["head"]
        pool = ["pool"] if network.stem.pool_kind in ("conv", "max_blur_pool") else []
        assert stages == ["stem", *pool, *(f"stages.{i}" for i in range(len(network.stages))), *head, "classifier"]


def test_kinds_of_layers_by_hand() -> None:
    # 6 px after the stem; one block of each: expand 1x1, depthwise 5x5, gate, project 1x1; classifier of 2.
    network = Architecture(11, Stem(3, 2, 4), (Stage("mbconv", 5, 2, 3, 5, 1),), Head(None, 2))
    rows = {one.name: (one.layers, one.macs) for one in grouped(layer_costs(network), lambda one: one.kind)}
    assert rows == {
        "conv": (1, 27 * 4 * 36),
        "pointwise conv": (2, 4 * 12 * 36 + 12 * 5 * 9),
        "depthwise conv": (1, 25 * 12 * 9),
        "linear": (1, 10),
    }
    found = counter_totals(layer_costs(network))
    assert found.norms["batch_norm"] == 2 * (4 * 36 + 12 * 36 + 12 * 9 + 5 * 9)
    assert found.pooling == 5 * 9


def test_gates_pool_the_map_that_they_gate() -> None:
    from decimal import Decimal

    def pooled(stage: Stage) -> int:
        network = Architecture(11, Stem(3, 2, 4), (stage,), Head(None, 2))
        return counter_totals(layer_costs(network)).pooling

    half = Decimal("0.5")
    assert pooled(Stage("mbconv", 5, 2, 3, 5, 1, half)) == 12 * 9 + 5 * 9
    assert pooled(Stage("fused_mbconv", 5, 2, 3, 5, 1, half)) == 12 * 9 + 5 * 9
    assert pooled(Stage("fused_mbconv", 5, 2, 1, 5, 1, half)) == 4 * 36 + 5 * 9  # the gate sees the input


RIGHT = {"conv": 384_534_752, "linear": 1_280_000, "batch_norm": 13_475_392}


def test_counters_that_agree_pass() -> None:
    check(counter_totals(layer_costs(B0)), RIGHT, 399_290_144, 771_629_504)


@pytest.mark.parametrize(
    ("operators", "total", "torch", "words"),
    [
        ({"conv": 384_534_753}, 399_290_144, 771_629_504, "fvcore's conv is 384534753"),
        ({"linear": 0}, 399_290_144, 771_629_504, "fvcore's linear is 0"),
        ({"batch_norm": 1}, 399_290_144, 771_629_504, "closed form makes it 13475392"),
        ({"adaptive_avg_pool2d": 5}, 399_290_144, 771_629_504, "fvcore's adaptive_avg_pool2d is 5"),
        ({}, 399_290_145, 771_629_504, "fvcore's total"),
        ({}, 399_290_144, 771_629_503, "torch's counter"),
    ],
)
def test_a_counter_that_disagrees_is_named(operators: dict[str, int], total: int, torch: int, words: str) -> None:
    with pytest.raises(CountError, match=words) as caught:
        check(counter_totals(layer_costs(B0)), RIGHT | operators, total, torch)
    assert caught.value.exit_code == 1
    assert "\n" not in str(caught.value)


def test_a_missing_operator_is_named() -> None:
    with pytest.raises(CountError, match="fvcore's batch_norm is 0"):
        check(
            counter_totals(layer_costs(replace(B0))),
            {k: RIGHT[k] for k in ("conv", "linear")},
            385_814_752,
            771_629_504,
        )
