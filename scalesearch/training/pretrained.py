"""Load the pretrained network that a transfer begins with: its layers under a new classifier.

Kornblith et al. 2019 (arXiv 1805.08974) and section 5.3 of the paper fine-tune all weights in this way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from scalesearch.design.baselines import baseline_names, is_path, is_timm, timm_model_name
from scalesearch.design.decimals import format_decimal
from scalesearch.design.family import published_names
from scalesearch.design.networks import load_network
from scalesearch.design.scaling import Baseline
from scalesearch.errors import InputError, printable
from scalesearch.nets.build import build
from scalesearch.nets.classifier import classifier_name
from scalesearch.nets.convnet import ConvNet
from scalesearch.nets.factory import call_of
from scalesearch.nets.factory_definition import Definition, FactoryDefinition, with_side
from scalesearch.nets.state_dict_mapping import remap_state_dict, without_prefix
from scalesearch.nets.weights import (
    Weights,
    for_classes,
    is_scalesearch_file,
    read_tensors,
    read_weights,
    shape_text,
    weights_of,
)
from scalesearch.proxy.augment import MEAN, STD
from scalesearch.proxy.initial import initial_network
from scalesearch.training.constants import (
    TIMM,
    WORDS,
    Constants,
    HubConfig,
    Own,
    Stated,
    constants_of,
    equal_sides,
    read_hub_config,
)

_HEAD = "classifier."
_ADVERBS = {"symmetric": "symmetrically", "tensorflow": "as TensorFlow does"}


@dataclass(frozen=True, slots=True, eq=False)
class PretrainedBackbone:
    """Holds a trained network without its classifier."""

    definition: Definition
    tensors: dict[str, Tensor]
    """The tensors under our names, or under those of a function's module."""
    notes: tuple[str, ...] = ()
    """What was changed in the file's tensors, and what was assumed about its network, for the terminal."""
    padding: str = "symmetric"
    """The padding of the network that was trained."""

    def check_side(self, px: int) -> None:
        """Refuse a side at which the trained network would compute something else.

        Raises:
            InputError: of the two networks one pads as TensorFlow does, and at `px` that is not symmetric.
        """
        if isinstance(self.definition, FactoryDefinition):
            return
        if self.padding == WORDS[self.definition.architecture.padding]:
            return
        equal = equal_sides(self.definition.architecture, px)
        if equal != px:
            raise InputError(
                f"{self.definition.name}: its weights are of a network that pads {_ADVERBS[self.padding]}, which "
                f"differs at {px} px; give --resolution {equal}, where both are the same"
            )

    def weights(self, classes: tuple[str, ...], px: int, seed: int) -> Weights:
        """Return the network for other classes, at another side; the classifier is new, from the seed.

        Raises:
            InputError: the network of a function fails at that side, has weights of other shapes there, or gives
                fewer logits than there are classes.
        """
        definition = for_classes(with_side(self.definition, px), len(classes))
        network = initial_network(definition.architecture, seed)
        shapes = {name: tensor.shape for name, tensor in network.state_dict().items()}
        if other := [name for name, tensor in self.tensors.items() if shapes.get(name) != tensor.shape]:
            trained_px = self.definition.architecture.resolution
            raise InputError(
                f"{self.definition.name}: at {px} px its {other[0]} has another shape than in the trained network; "
                f"give --resolution {trained_px}"
            )
        network.load_state_dict(self.tensors, strict=False)
        return weights_of(definition, network, classes)


def read_pretrained(
    path: Path,
    network: str | None,
    stated: Stated | None = None,
    load: Callable[[str], Definition] = load_network,
) -> PretrainedBackbone:
    """Read a file that scalesearch wrote, or a state dict of timm, torchvision or a Python function's module.

    Args:
        path: a safetensors file.
        network: the name of the network, or the user's own baseline file or timm's model, whose epsilon then
            applies.
        stated: what the user states about a state dict's network.
        load: the reader of `network`.

    Raises:
        InputError: there is no such file, it is a pickle, or its tensors are not the network's.
    """
    source = printable(str(path))
    metadata, tensors = read_tensors(path)
    if is_scalesearch_file(metadata):
        if network is not None:
            raise InputError(f"{source}: says itself which network it is of; leave --network out")
        if stated not in (None, Stated()):
            raise InputError(f"{source}: was trained here; leave --padding and --pixels out")
        weights = read_weights(path)
        if not isinstance(weights.definition, Baseline):
            head = f"{classifier_name(weights.definition.architecture)}."
            return PretrainedBackbone(weights.definition, _without(weights.tensors, head))
        backbone = _without(weights.tensors, _HEAD)
        return PretrainedBackbone(
            weights.definition, backbone, padding=WORDS[weights.definition.architecture.padding]
        )
    definition = None if network is None else load(network)
    if isinstance(definition, FactoryDefinition):
        return _of_function(definition, tensors, stated or Stated(), source)
    timm_model = timm_model_name(network) if network is not None and is_timm(network) else None
    config = read_hub_config(path, timm_model)
    if definition is None and config is not None:
        definition = load_network(config.network)
    if definition is None:
        raise InputError(f"{source}: does not say which network it is of; give --network NAME")
    if config is not None and timm_model is None:
        _check_config(config, definition)
    unprefixed, prefix = without_prefix(tensors)
    naming, remapped = _remap(definition, unprefixed, source)
    own = _own_constants(network, definition)
    library_name = TIMM.get(timm_model or "", definition.name)
    constants = constants_of(naming, library_name, own, stated or Stated(), config, source)
    net = replace(definition.architecture, batch_norm_eps=constants.epsilon)
    notes = [f"the prefix {prefix} of its tensors' names is taken off"] if prefix else []
    notes.append(f"tensors named as {naming}'s; of its network: {constants.describe(net.activation)}")
    if constants.epsilon != definition.architecture.batch_norm_eps:
        epsilon = format_decimal(definition.architecture.batch_norm_eps)
        notes.append(
            f"{definition.name}'s own epsilon is {epsilon}; "
            f"the weights keep theirs, {format_decimal(constants.epsilon)}"
        )
    adapted = _with_our_pixels({name: tensor.float() for name, tensor in remapped.items()}, constants, source)
    return PretrainedBackbone(replace(definition, architecture=net), adapted, tuple(notes), constants.padding)


def _without(tensors: dict[str, Tensor], head: str) -> dict[str, Tensor]:
    return {name: tensor for name, tensor in tensors.items() if not name.startswith(head)}


def _own_constants(network: str | None, definition: Baseline) -> Own:
    """Return the constants that the named network has itself: a file's epsilon, and all of timm's model."""
    architecture = definition.architecture
    if network is not None and is_timm(network):
        return Own(architecture.batch_norm_eps, WORDS[architecture.padding])
    return Own(architecture.batch_norm_eps if network is not None and is_path(network) else None)


def _of_function(
    definition: FactoryDefinition, tensors: dict[str, Tensor], stated: Stated, source: str
) -> PretrainedBackbone:
    """Return the state dict of a function's module without its classifier, whose shapes may differ.

    Raises:
        InputError: a name or a shape is not the module's, or padding or pixels are stated.
    """
    network = definition.architecture
    if stated != Stated():
        raise InputError(f"{source}: is of {network.factory}, a function; leave --padding and --pixels out")
    head = f"{classifier_name(network)}."
    expected = _without(build(network).state_dict(), head)
    named, prefix = _as_named(tensors, expected)
    given = _without(named, head)
    for name in sorted(expected.keys() | given.keys()):
        shapes = [shape_text(one[name].shape) if name in one else "missing" for one in (given, expected)]
        if shapes[0] != shapes[1]:
            raise InputError(
                f"{source}: is no state dict of {call_of(network)}: {printable(name)} is {shapes[0]}, but "
                f"{shapes[1]} in its module; give the right --network"
            )
    notes = [f"the prefix {prefix} of its tensors' names is taken off"] if prefix else []
    notes.append(
        f"tensors named as those of {network.factory}; pixels are given to it in 0 … 1, less {MEAN}, over {STD}"
    )
    return PretrainedBackbone(definition, given, tuple(notes))


def _as_named(tensors: dict[str, Tensor], expected: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], str]:
    """Return the tensors without the shortest prefix of wrappers before all expected names, and that prefix.

    A function's module may itself have names that begin as a wrapper's do.
    """
    unprefixed, wrappers = without_prefix(tensors)
    for end in range(len(wrappers)):
        kept = {f"{wrappers[end:]}{name}": tensor for name, tensor in unprefixed.items()}
        if expected.keys() <= kept.keys():
            return kept, wrappers[:end]
    return unprefixed, wrappers


def _check_config(config: HubConfig, definition: Baseline) -> None:
    published = load_network(config.network)
    if definition.name in (*baseline_names(), *published_names()) and definition.name != published.name:
        raise InputError(
            f"{config.where}: the weights are of {config.architecture}; give --network {published.name}"
        )
    config_activation, activation = published.architecture.activation, definition.architecture.activation
    if config_activation != activation:
        raise InputError(
            f"{config.where}: {config.architecture} has {config_activation}, but {definition.name} has {activation}"
        )


def _remap(definition: Baseline, tensors: dict[str, Tensor], source: str) -> tuple[str, dict[str, Tensor]]:
    """Return the library that named the tensors, and the tensors under our names, with every shape checked."""
    net = definition.architecture
    remapped_result = remap_state_dict(tensors, net)
    if remapped_result is None:
        raise InputError(
            f"{source}: its tensors are not named as timm's or torchvision's {definition.name} are; "
            "give the right --network"
        )
    naming, remapped = remapped_result
    with torch.device("meta"):
        expected = ConvNet(net).state_dict()
    for name, expected_tensor in expected.items():
        if name.startswith(_HEAD) or name.endswith("num_batches_tracked"):
            continue
        tensor = remapped.get(name)
        if tensor is None or tensor.shape != expected_tensor.shape:
            shape = "missing" if tensor is None else "×".join(map(str, tensor.shape))
            raise InputError(f"{source}: is no {definition.name}: {name} is {shape}; give the right --network")
    return naming, remapped


def _with_our_pixels(tensors: dict[str, Tensor], constants: Constants, source: str) -> dict[str, Tensor]:
    """Adapt the first convolution and its norm to images as `normalise` makes them.

    The libraries subtract a mean and divide by a deviation. The result is the same except at the image's edge,
    where padding stood for another colour.
    """
    weight = tensors["stem.conv.0.weight"]
    mean, deviation = (
        _per_channel(values, weight.shape[1], source) for values in (constants.mean, constants.deviation)
    )
    shift = (weight.sum((2, 3)) * ((MEAN - mean) / deviation)).sum(1)
    scaled = weight * (STD / deviation)[None, :, None, None]
    statistics = tensors["stem.conv.1.running_mean"] - shift
    return tensors | {"stem.conv.0.weight": scaled, "stem.conv.1.running_mean": statistics}


def _per_channel(values: tuple[float, ...], channels: int, source: str) -> Tensor:
    """Return one value for each channel; equal values fit any number of channels."""
    if len(values) != channels and len(set(values)) > 1:
        raise InputError(
            f"{source}: the network takes {channels} channels, but its images were scaled by {len(values)} values; "
            "give --pixels half where they were centred at .5"
        )
    return torch.tensor(values if len(values) == channels else values[:1] * channels)
