"""Our networks give the logits that torchvision's and timm's gave with the same weights and their own epsilon.

`make test-interop` compares with the libraries themselves and writes the fixture (`GOLDEN=1`).
"""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
import torch
from filling import fill, some_logits
from networks import FIXTURES

from scalesearch.design.architecture import Architecture
from scalesearch.design.baselines import baseline_names, load_baseline
from scalesearch.design.cost import cost
from scalesearch.design.family import published
from scalesearch.nets.convnet import ConvNet

KNOWN: dict[str, Any] = json.loads((FIXTURES / "interop_logits.json").read_text())
QUICK_PARAMS = 26_000_000


def networks() -> dict[str, Architecture]:
    """Shipped baselines and published members by name."""
    found = {name: load_baseline(name).architecture for name in baseline_names()}
    for base in ("b0", "efficientnet_v2_b0", "efficientnet_lite0"):
        found |= {one.baseline.name: one.baseline.architecture for one in published(load_baseline(base))}
    return found


NETWORKS = networks()


def test_every_network_that_a_library_has_is_known() -> None:
    assert set(KNOWN) == set(NETWORKS) - {"tiny"}
    assert {one["library"] for one in KNOWN.values()} == {"timm", "torchvision"}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.slow] if cost(NETWORKS[name]).params > QUICK_PARAMS else [])
        for name in sorted(KNOWN)
    ],
)
def test_logits_are_the_librarys(name: str) -> None:
    known = KNOWN[name]
    epsilon = Decimal(known["epsilon"])
    network = fill(ConvNet(replace(NETWORKS[name], resolution=known["px"], batch_norm_eps=epsilon)), known["px"])
    got, wanted = some_logits(network, known["px"]), torch.tensor(known["logits"])
    assert not torch.allclose(wanted[0], wanted[1], rtol=0.01)
    assert torch.allclose(got, wanted, rtol=1e-4, atol=1e-5 * max(1, float(wanted.abs().max())))
