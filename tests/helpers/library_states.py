"""State dicts as other libraries name them."""

from __future__ import annotations

import torch
from torch import Tensor

from scalesearch.design.networks import load_network
from scalesearch.nets.convnet import ConvNet
from scalesearch.nets.state_dict_mapping import NAMINGS


def state(name: str) -> dict[str, Tensor]:
    with torch.device("meta"):
        return ConvNet(load_network(name).architecture).state_dict()


def theirs(name: str, library: str) -> dict[str, Tensor]:
    """Our tensors under their names, with a classifier."""
    modules = dict(NAMINGS[library](load_network(name).architecture))
    found = {}
    for key, tensor in state(name).items():
        module, _, kind = key.rpartition(".")
        if module in modules:
            found[f"{modules[module]}.{kind}"] = tensor
    return found | {"fc.weight" if library == "ResNet" else "classifier.1.weight": torch.zeros(7, 5)}
