"""Convert a trained network to its deployed form: fewer layers, the same logits."""

from __future__ import annotations

from copy import deepcopy

from scalesearch.design.architecture import Architecture
from scalesearch.nets.backbone import child_name
from scalesearch.nets.blocks import BLOCKS
from scalesearch.nets.convnet import ConvNet


def deployed_network(architecture: Architecture, trained: ConvNet) -> ConvNet:
    """Return the network of `architecture.deployed` with the weights and statistics of a trained one, in eval.

    Blocks whose deployed form equals their trained form are copied; for the others the kind's `fold` computes the
    weights. The tensors have the trained network's type and device.

    Args:
        architecture: of the trained network.
        trained: the network; it is not changed.
    """
    parameter = next(trained.parameters())
    deployed = ConvNet(architecture.deployed).to(parameter.device, parameter.dtype)
    for block in architecture.walk():
        name, fold = child_name(block.name), BLOCKS[block.kind].fold
        if fold is None:
            deployed.set_submodule(name, deepcopy(trained.get_submodule(name)))
        else:
            fold(trained.get_submodule(name), deployed.get_submodule(name))
    return deployed.eval()
