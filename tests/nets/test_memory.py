"""The closed form of inference memory against the tensors that torch really keeps alive."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
from live_tensors import measured
from networks import random_architecture

from scalesearch.design.baselines import baseline_names, load_baseline
from scalesearch.design.block_kinds import STAGE_KINDS
from scalesearch.design.cost import cost
from scalesearch.design.memory import inference_bytes, peak_activations


@pytest.mark.parametrize("name", baseline_names())
def test_every_shipped_baseline_keeps_what_is_said(name: str) -> None:
    network = replace(load_baseline(name).architecture, resolution=65)
    assert measured(network, 1) == peak_activations(network)


@pytest.mark.parametrize("kind", STAGE_KINDS)
def test_every_kind_keeps_what_is_said(kind: str) -> None:
    """At a few pixels the vectors of gates and classifier weigh as much as maps: those may be missing."""
    for seed in range(8):
        network = replace(random_architecture(Random(seed), kind=kind), resolution=61)
        vectors = max(8 * layer.out_width for block in network.walk() for layer in block.layers)
        for batch in (1, 3):
            missing = measured(network, batch) - batch * peak_activations(network)
            assert 0 <= missing <= batch * vectors, (seed, missing)


def test_memory_is_weights_and_live_tensors() -> None:
    network = load_baseline("tiny").architecture
    expected = 4 * (cost(network).params + 7 * peak_activations(network))
    assert inference_bytes(network, 7) == expected
