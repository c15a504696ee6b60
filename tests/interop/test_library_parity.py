"""Weights and statistics of timm's and torchvision's networks in ours: the same logits."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from filling import fill, images, some_logits, tensors_in_order
from library_networks import REPVGGS, UNNAMED, Pair, at, pairs, side_of
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from scalesearch.design.baselines import load_baseline
from scalesearch.design.cost import cost
from scalesearch.nets.convnet import ConvNet
from scalesearch.nets.deployed import deployed_network
from scalesearch.nets.state_dict_mapping import remap_state_dict

GOLDEN = Path(__file__).parents[1] / "fixtures" / "interop_logits.json"
RELATIVE, ABSOLUTE = 1e-4, 1e-5
_PAIRS = pairs()
_NAMED = [pair for pair in _PAIRS if pair.name.partition("-")[0] not in UNNAMED]


def by_order(source: nn.Module, target: nn.Module) -> dict[str, torch.Tensor]:
    """The source's tensors under the target's names, layer by layer."""
    theirs, ours = tensors_in_order(source), target.state_dict()
    assert [_flat(one) for one in theirs.values()] == [_flat(one) for one in ours.values()]
    return {name: one.reshape(ours[name].shape) for name, one in zip(ours, theirs.values(), strict=True)}


def _flat(tensor: torch.Tensor) -> tuple[int, ...]:
    """The shape without the ones at its end: a linear layer may be a 1×1 convolution, and a vector (C, 1, 1)."""
    sizes = list(tensor.shape)
    while len(sizes) > 1 and sizes[-1] == 1:
        sizes.pop()
    return tuple(sizes)


@pytest.mark.parametrize("pair", _PAIRS, ids=lambda pair: pair.name)
def test_their_weights_in_ours_give_their_logits(pair: Pair) -> None:
    px = side_of(pair)
    theirs = fill(pair.theirs(), px)
    ours = ConvNet(at(pair.architecture, px)).eval()
    assert sum(one.numel() for one in theirs.parameters()) == cost(pair.architecture).params
    ours.load_state_dict(by_order(theirs, ours))
    seen = images(2, px, 3000)
    with torch.no_grad():
        wanted, got = theirs(seen), ours(seen)
    assert wanted.abs().max() > 0.1
    assert not torch.allclose(wanted[0], wanted[1], rtol=1e-2)  # the images matter
    assert torch.allclose(got, wanted, rtol=RELATIVE, atol=ABSOLUTE * max(1, float(wanted.abs().max())))
    _remember(pair, some_logits(theirs, px), px)


@pytest.mark.parametrize("pair", _PAIRS, ids=lambda pair: pair.name)
def test_their_multiply_adds_are_ours(pair: Pair) -> None:
    """By torch's counter, which makes two operations of each."""
    px = side_of(pair)
    with torch.device("meta"), torch.no_grad(), FlopCounterMode(display=False) as counter:
        pair.theirs().eval()(torch.zeros(1, 3, px, px))
    assert counter.get_total_flops() == 2 * cost(at(pair.architecture, px)).macs


@pytest.mark.parametrize("name", REPVGGS)
def test_a_deployed_repvgg_is_timms_reparameterised_one(name: str) -> None:
    """The same convolutions with the same weights, folded by both; in float64, where rounding errors are small."""
    import timm
    from timm.models import reparameterize_model

    net = replace(load_baseline(name).architecture, resolution=64)
    theirs = fill(timm.create_model(REPVGGS[name]), 64).double()
    ours = ConvNet(net).double().eval()
    ours.load_state_dict(by_order(theirs, ours))
    folded, deployed = reparameterize_model(theirs), deployed_network(net, ours)
    tensors = list(zip(folded.state_dict().values(), deployed.state_dict().values(), strict=True))
    assert sum(one.numel() for one, _ in tensors) == cost(net.deployed).params
    for their, our in tensors:
        assert torch.allclose(our, their, rtol=1e-9, atol=1e-9)
    seen = images(2, 64, 3000).double()
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        wanted = folded(seen)
    assert counter.get_total_flops() == 2 * 2 * cost(net.deployed).macs
    with torch.no_grad():
        assert torch.allclose(deployed(seen), wanted, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("pair", _NAMED, ids=lambda pair: pair.name)
def test_their_names_lead_to_the_same_places(pair: Pair) -> None:
    """`transfer` reads a state dict by its names, which a file keeps; here by order, which was just shown right."""
    theirs = fill(pair.theirs(), side_of(pair))
    wanted = by_order(theirs, ConvNet(pair.architecture))
    result = remap_state_dict(theirs.state_dict(), pair.architecture)
    assert result is not None
    _, found = result
    left_out = {name for name in wanted if name.startswith("classifier.") or name.endswith("num_batches_tracked")}
    assert found.keys() == wanted.keys() - left_out
    assert all(torch.equal(tensor, wanted[name]) for name, tensor in found.items())


def _remember(pair: Pair, logits: torch.Tensor, px: int) -> None:
    """With GOLDEN set, write the logits down; without it, they must be the ones that were written."""
    known = json.loads(GOLDEN.read_text()) if GOLDEN.exists() else {}
    network, _, library = pair.name.partition("-")
    epsilon = str(pair.architecture.batch_norm_eps)
    if os.environ.get("GOLDEN") and known.get(network, {}).get("library") in (None, library):
        rows = [[float(f"{one:.6g}") for one in row] for row in logits.tolist()]
        known[network] = {"library": library, "px": px, "epsilon": epsilon, "logits": rows}
        lines = [f' "{name}": {json.dumps(one)}' for name, one in sorted(known.items())]
        GOLDEN.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    if known[network]["epsilon"] != epsilon:
        return  # those of the library that has the other one
    wanted = torch.tensor(known[network]["logits"])
    assert torch.allclose(logits, wanted, rtol=1e-4, atol=1e-5 * max(1, float(wanted.abs().max())))
