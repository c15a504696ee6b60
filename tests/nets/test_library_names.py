"""Weights by timm's and torchvision's names become ours, each in its place."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from scalesearch.design.networks import load_network
from scalesearch.nets.convnet import ConvNet
from scalesearch.nets.library_names import _LIBRARIES, ours

KNOWN = {
    # From the libraries' state dicts: timm 1.0, torchvision 0.29
    ("b0", "timm"): "conv_stem.weight bn1.running_var blocks.0.0.conv_dw.weight blocks.0.0.bn2.bias "
    "blocks.0.0.conv_pw.weight blocks.0.0.se.conv_reduce.bias blocks.6.0.conv_pwl.weight blocks.1.1.bn3.weight "
    "blocks.3.2.conv_pw.weight conv_head.weight bn2.weight",
    ("b0", "torchvision"): "features.0.0.weight features.0.1.bias features.1.0.block.0.0.weight "
    "features.1.0.block.1.fc1.weight features.1.0.block.2.1.running_mean features.2.0.block.3.0.weight "
    "features.8.0.weight features.8.1.weight",
    ("efficientnet_v2_s", "timm"): "blocks.0.1.conv.weight blocks.0.0.bn1.weight blocks.1.0.conv_exp.weight "
    "blocks.1.3.conv_pwl.weight blocks.1.3.bn2.bias blocks.4.8.se.conv_expand.weight blocks.5.14.bn3.weight",
    ("efficientnet_v2_s", "torchvision"): "features.1.0.block.0.0.weight features.2.0.block.1.0.weight "
    "features.4.0.block.2.fc2.bias features.6.14.block.3.1.weight features.7.0.weight",
    ("resnet50", "timm or torchvision"): "conv1.weight bn1.weight layer1.0.conv3.weight layer4.2.bn3.bias "
    "layer2.0.downsample.0.weight layer2.0.downsample.1.running_var",
    ("mobilenet_v1", "timm"): "blocks.0.0.conv_dw.weight blocks.0.0.conv_pw.weight blocks.0.0.bn2.weight",
}


def state(name: str) -> dict[str, Tensor]:
    with torch.device("meta"):
        return ConvNet(load_network(name).architecture).state_dict()


def theirs(name: str, library: str) -> dict[str, Tensor]:
    """Our tensors under their names, with a classifier."""
    modules = dict(_LIBRARIES[library](load_network(name).architecture))
    found = {}
    for key, tensor in state(name).items():
        module, _, kind = key.rpartition(".")
        if module in modules:
            found[f"{modules[module]}.{kind}"] = tensor
    return found | {"fc.weight" if "or" in library.split() else "classifier.weight": torch.zeros(7, 5)}


@pytest.mark.parametrize(("name", "library"), KNOWN)
def test_their_names_lead_to_our_tensors(name: str, library: str) -> None:
    given = theirs(name, library)
    assert set(KNOWN[name, library].split()) <= set(given)
    found = ours(given, load_network(name).architecture)
    assert found is not None
    assert found[0] == library
    wanted = {
        key: tensor
        for key, tensor in state(name).items()
        if not key.startswith("classifier.") and not key.endswith("num_batches_tracked")
    }
    assert found[1].keys() == wanted.keys()
    assert all(found[1][key].shape == tensor.shape for key, tensor in wanted.items())


def test_another_networks_names_are_none() -> None:
    assert ours(theirs("b0", "timm"), load_network("efficientnet_v2_s").architecture) is None
    assert ours({"layers.0.weight": torch.zeros(1)}, load_network("b0").architecture) is None
