"""A trained network in the form that is deployed: fewer layers, the same logits."""

from __future__ import annotations

from copy import deepcopy

from scalesearch.design.architecture import Architecture
from scalesearch.nets.backbone import child_name
from scalesearch.nets.blocks import BLOCKS
from scalesearch.nets.convnet import ConvNet


def deployed_network(architecture: Architecture, trained: ConvNet) -> ConvNet:
    """The network of `architecture.deployed` with the weights and statistics of a trained one, in eval.

    Blocks that are deployed as they are trained are copied; of the others the kind's `fold` makes the weights. The
    tensors are of the trained network's type and on its device.

    Args:
        architecture: of the trained network.
        trained: the network; it stays as it is.
    """
    first = next(trained.parameters())
    made = ConvNet(architecture.deployed).to(first.device, first.dtype)
    for block in architecture.walk():
        name, fold = child_name(block.name), BLOCKS[block.kind].fold
        if fold is None:
            made.set_submodule(name, deepcopy(trained.get_submodule(name)))
        else:
            fold(trained.get_submodule(name), made.get_submodule(name))
    return made.eval()
