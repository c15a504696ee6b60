"""What a transfer begins with: a trained network's layers under a classifier of its own.

Kornblith et al. 2019 (arXiv 1805.08974) and the paper's section 5.3 fine-tune all weights so.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from scalesearch.design.networks import load_network
from scalesearch.design.scaling import Baseline
from scalesearch.errors import InputError, printable
from scalesearch.nets.convnet import ConvNet
from scalesearch.nets.library_names import ours
from scalesearch.nets.weights import Weights, is_ours, read_tensors, read_weights, weights_of, with_classes
from scalesearch.proxy.augment import MEAN, STD
from scalesearch.proxy.objective import initial_network

_HEAD = "classifier."
_IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@dataclass(frozen=True, slots=True, eq=False)
class Start:
    """A trained network without its classifier."""

    definition: Baseline
    tensors: dict[str, Tensor]
    """By our names."""

    def weights(self, classes: tuple[str, ...], px: int, seed: int) -> Weights:
        """The network for other classes, at another side; the classifier is new, by the seed."""
        sized = replace(self.definition, architecture=replace(self.definition.architecture, resolution=px))
        definition = with_classes(sized, len(classes))
        network = initial_network(definition.architecture, seed)
        network.load_state_dict(self.tensors, strict=False)
        return weights_of(definition, network, classes)


def read_start(path: Path, network: str | None) -> Start:
    """A file that scalesearch wrote, or timm's or torchvision's state dict of the network that is named.

    Raises:
        InputError: no such file, a pickle, or tensors that are not the network's.
    """
    where = printable(str(path))
    metadata, tensors = read_tensors(path)
    if is_ours(metadata):
        if network is not None:
            raise InputError(f"{where}: says itself which network it is of; leave --network out")
        weights = read_weights(path)
        kept = {name: one for name, one in weights.tensors.items() if not name.startswith(_HEAD)}
        return Start(weights.definition, kept)
    if network is None:
        raise InputError(f"{where}: does not say which network it is of; give --network NAME")
    return _of_library(load_network(network), tensors, where)


def _of_library(definition: Baseline, tensors: dict[str, Tensor], where: str) -> Start:
    net = definition.architecture
    found = ours(tensors, net)
    if found is None:
        raise InputError(f"{where}: its tensors are not named as timm's or torchvision's {definition.name} are")
    with torch.device("meta"):
        wanted = ConvNet(net).state_dict()
    for name, place in wanted.items():
        if name.startswith(_HEAD) or name.endswith("num_batches_tracked"):
            continue
        got = found.get(name)
        if got is None or got.shape != place.shape:
            shape = "missing" if got is None else "×".join(map(str, got.shape))
            raise InputError(f"{where}: is no {definition.name}: {name} is {shape}; give the right --network")
    return Start(definition, _with_our_pixels({name: one.float() for name, one in found.items()}))


def _with_our_pixels(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The first convolution and its norm for images as `normalise` makes them.

    The libraries take off ImageNet's mean and divide by its deviation. The same but at the image's edge, where
    padding meant another colour.
    """
    mean, deviation = (torch.tensor(values) for values in _IMAGENET)
    weight = tensors["stem.conv.0.weight"]
    shift = (weight.sum((2, 3)) * ((MEAN - mean) / deviation)).sum(1)
    scaled = weight * (STD / deviation)[None, :, None, None]
    statistics = tensors["stem.conv.1.running_mean"] - shift
    return tensors | {"stem.conv.0.weight": scaled, "stem.conv.1.running_mean": statistics}
