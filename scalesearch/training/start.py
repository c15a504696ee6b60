"""What a transfer begins with: a trained network's layers under a classifier of its own.

Kornblith et al. 2019 (arXiv 1805.08974) and the paper's section 5.3 fine-tune all weights so.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from scalesearch.design.baselines import baseline_names, is_path
from scalesearch.design.exact import plain
from scalesearch.design.family import published_names
from scalesearch.design.networks import load_network
from scalesearch.design.scaling import Baseline
from scalesearch.errors import InputError, printable
from scalesearch.nets.convnet import ConvNet
from scalesearch.nets.library_names import remap_state_dict, without_prefix
from scalesearch.nets.weights import (
    Weights,
    is_scalesearch_file,
    read_tensors,
    read_weights,
    weights_of,
    with_classes,
)
from scalesearch.proxy.augment import MEAN, STD
from scalesearch.proxy.objective import initial_network
from scalesearch.training.constants import (
    Constants,
    HubConfig,
    Stated,
    constants_of,
    equal_sides,
    read_hub_config,
)

_HEAD = "classifier."


@dataclass(frozen=True, slots=True, eq=False)
class Start:
    """A trained network without its classifier."""

    definition: Baseline
    tensors: dict[str, Tensor]
    """By our names."""
    notes: tuple[str, ...] = ()
    """What was done to the file's tensors, and what was taken for granted of its network, for the terminal."""
    padding: str = "symmetric"
    """Of the network that was trained."""

    def check_side(self, px: int) -> None:
        """Refuse a side at which the trained network would be another.

        Raises:
            InputError: the network was padded as TensorFlow does, and at `px` that is not symmetric.
        """
        if self.padding == "symmetric":
            return
        equal = equal_sides(self.definition.architecture, px)
        if equal != px:
            raise InputError(
                f"{self.definition.name}: its weights are of a network that pads as TensorFlow does, which differs "
                f"at {px} px; give --resolution {equal}, where both are the same"
            )

    def weights(self, classes: tuple[str, ...], px: int, seed: int) -> Weights:
        """The network for other classes, at another side; the classifier is new, by the seed."""
        sized = replace(self.definition, architecture=replace(self.definition.architecture, resolution=px))
        definition = with_classes(sized, len(classes))
        network = initial_network(definition.architecture, seed)
        network.load_state_dict(self.tensors, strict=False)
        return weights_of(definition, network, classes)


def read_start(path: Path, network: str | None, stated: Stated | None = None) -> Start:
    """A file that scalesearch wrote, or timm's or torchvision's state dict of the network that is named.

    Args:
        path: a safetensors file.
        network: the name of the network, or the user's own baseline file, whose epsilon then holds.
        stated: what the user says of a state dict's network.

    Raises:
        InputError: no such file, a pickle, or tensors that are not the network's.
    """
    where = printable(str(path))
    metadata, tensors = read_tensors(path)
    if is_scalesearch_file(metadata):
        if network is not None:
            raise InputError(f"{where}: says itself which network it is of; leave --network out")
        if stated not in (None, Stated()):
            raise InputError(f"{where}: was trained here; leave --padding and --pixels out")
        weights = read_weights(path)
        kept = {name: one for name, one in weights.tensors.items() if not name.startswith(_HEAD)}
        return Start(weights.definition, kept)
    config = read_hub_config(path)
    if network is None:
        network = None if config is None else config.network
    if network is None:
        raise InputError(f"{where}: does not say which network it is of; give --network NAME")
    definition = load_network(network)
    if config is not None:
        _check_config(config, definition)
    bare, prefix = without_prefix(tensors)
    naming, found = _named(definition, bare, where)
    own_epsilon = definition.architecture.batch_norm_eps if is_path(network) else None
    constants = constants_of(naming, definition.name, own_epsilon, stated or Stated(), config, where)
    net = replace(definition.architecture, batch_norm_eps=constants.epsilon)
    notes = [f"the prefix {prefix} of its tensors' names is taken off"] if prefix else []
    notes.append(f"tensors named as {naming}'s; of its network: {constants.words(net.activation)}")
    if constants.epsilon != definition.architecture.batch_norm_eps:
        own = plain(definition.architecture.batch_norm_eps)
        notes.append(
            f"{definition.name}'s own epsilon is {own}; the weights keep theirs, {plain(constants.epsilon)}"
        )
    ready = _with_our_pixels({name: one.float() for name, one in found.items()}, constants, where)
    return Start(replace(definition, architecture=net), ready, tuple(notes), constants.padding)


def _check_config(config: HubConfig, definition: Baseline) -> None:
    known = load_network(config.network)
    if definition.name in (*baseline_names(), *published_names()) and definition.name != known.name:
        raise InputError(f"{config.where}: the weights are of {config.architecture}; give --network {known.name}")
    theirs, mine = known.architecture.activation, definition.architecture.activation
    if theirs != mine:
        raise InputError(f"{config.where}: {config.architecture} has {theirs}, but {definition.name} has {mine}")


def _named(definition: Baseline, tensors: dict[str, Tensor], source: str) -> tuple[str, dict[str, Tensor]]:
    """Whose names the tensors have, and the tensors by our names, every shape checked."""
    net = definition.architecture
    result = remap_state_dict(tensors, net)
    if result is None:
        raise InputError(f"{source}: its tensors are not named as timm's or torchvision's {definition.name} are")
    naming, found = result
    with torch.device("meta"):
        wanted = ConvNet(net).state_dict()
    for name, place in wanted.items():
        if name.startswith(_HEAD) or name.endswith("num_batches_tracked"):
            continue
        got = found.get(name)
        if got is None or got.shape != place.shape:
            shape = "missing" if got is None else "×".join(map(str, got.shape))
            raise InputError(f"{source}: is no {definition.name}: {name} is {shape}; give the right --network")
    return naming, found


def _with_our_pixels(tensors: dict[str, Tensor], constants: Constants, source: str) -> dict[str, Tensor]:
    """The first convolution and its norm for images as `normalise` makes them.

    The libraries take off a mean and divide by a deviation. The same but at the image's edge, where padding meant
    another colour.
    """
    weight = tensors["stem.conv.0.weight"]
    mean, deviation = (_spread(values, weight.shape[1], source) for values in (constants.mean, constants.deviation))
    shift = (weight.sum((2, 3)) * ((MEAN - mean) / deviation)).sum(1)
    scaled = weight * (STD / deviation)[None, :, None, None]
    statistics = tensors["stem.conv.1.running_mean"] - shift
    return tensors | {"stem.conv.0.weight": scaled, "stem.conv.1.running_mean": statistics}


def _spread(values: tuple[float, ...], channels: int, source: str) -> Tensor:
    """A value for each channel: equal ones for any number of them."""
    if len(values) != channels and len(set(values)) > 1:
        raise InputError(
            f"{source}: the network takes {channels} channels, but its images were scaled by {len(values)} values; "
            "give --pixels half where they were centred at .5"
        )
    return torch.tensor(values if len(values) == channels else values[:1] * channels)
