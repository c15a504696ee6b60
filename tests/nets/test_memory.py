"""The closed form of inference memory against the tensors that torch really keeps alive."""

from __future__ import annotations

import weakref
from dataclasses import replace
from random import Random
from typing import Any

import pytest
import torch
from networks import random_architecture
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from scalesearch.design.architecture import Architecture
from scalesearch.design.baselines import baseline_names, load_baseline
from scalesearch.design.block_kinds import STAGE_KINDS
from scalesearch.design.cost import cost
from scalesearch.design.memory import inference_bytes, peak_activations
from scalesearch.nets.convnet import ConvNet


class Peak(TorchDispatchMode):
    """Counts the elements of all storages that are alive, operator by operator."""

    def __init__(self, known: set[int]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.known = known
        self.live = self.peak = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        for tensor in tree_leaves(out):
            if isinstance(tensor, torch.Tensor):
                self._add(tensor.untyped_storage())
        self.peak = max(self.peak, self.live)
        return out

    def _add(self, storage: Any) -> None:
        if storage._cdata not in self.known:
            self.known.add(storage._cdata)
            self.live += storage.nbytes() // 4
            weakref.finalize(storage, self._free, storage._cdata, storage.nbytes() // 4)

    def _free(self, key: int, elements: int) -> None:
        self.live -= elements
        self.known.discard(key)


def measured(network: Architecture, batch: int) -> int:
    built = ConvNet(network).eval()
    images = torch.zeros(batch, network.in_channels, network.resolution, network.resolution)
    weights = {one.untyped_storage()._cdata for one in (*built.parameters(), *built.buffers())}
    with torch.no_grad(), Peak(weights) as counted:
        built(images)
    return int(counted.peak + images.numel())


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
