"""Store a trained network as one safetensors file, with its definition and class names in the metadata.

The file is enough to build the network again. safetensors holds numbers and text only. A pickle (`torch.save`) can
run any code when it is loaded, so this module never opens one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from scalesearch.design.architecture import Architecture
from scalesearch.design.baselines import baseline_names, is_factory, is_timm
from scalesearch.design.factory import Network
from scalesearch.design.family import published_names
from scalesearch.design.scaling import Baseline
from scalesearch.errors import InputError, printable
from scalesearch.nets.build import build
from scalesearch.nets.factory_definition import Definition, FactoryDefinition, definition_text, parse_definition

FORMAT = "1"
"""The version of the metadata keys `scalesearch` (this number), `definition` (a baseline file, or the call of a
function with the SHA-256 of its source), `classes` (JSON list)."""

_KEYS = ("definition", "classes")
_PICKLES = (b"PK\x03\x04", b"\x80")
"""The first bytes of files of `torch.save`, now and before 1.6."""


@dataclass(frozen=True, slots=True, eq=False)
class Weights:
    """Holds a network's definition, the tensors of its module, and the class names of its logits."""

    definition: Definition
    classes: tuple[str, ...]
    """The class names, one for each logit; a function's network may have further logits, which no class has."""
    tensors: dict[str, Tensor]

    def __post_init__(self) -> None:
        logits = self.definition.architecture.classes
        different = len(set(self.classes))
        has_spare_logits = isinstance(self.definition, FactoryDefinition) and 1 < different < logits
        if len(self.classes) != different or (different != logits and not has_spare_logits):
            raise InputError(f"{self.definition.name}: has {logits} logits, but {different} different class names")
        given_shapes = {name: tuple(tensor.shape) for name, tensor in self.tensors.items()}
        expected_shapes = _shapes(self.definition.architecture)
        for name in sorted(expected_shapes.keys() | given_shapes.keys()):
            if expected_shapes.get(name) != given_shapes.get(name):
                raise InputError(
                    f"{self.definition.name}: tensor {printable(name)} is "
                    f"{shape_text(given_shapes.get(name))}, but the definition's is "
                    f"{shape_text(expected_shapes.get(name))}; the weights are another network's"
                )

    def network(self) -> nn.Module:
        """Return the network with these weights, in eval."""
        network = build(self.definition.architecture)
        network.load_state_dict(self.tensors)
        return network.eval()


def with_classes(definition: Baseline, count: int) -> Baseline:
    """Return the definition with another number of logits."""
    net = definition.architecture
    return replace(definition, architecture=replace(net, head=replace(net.head, classes=count)))


def for_classes(definition: Definition, count: int) -> Definition:
    """Return the definition for data of that many classes: with as many logits, or a function's with its own.

    Raises:
        InputError: the function's network has fewer logits than there are classes.
    """
    if isinstance(definition, Baseline):
        return with_classes(definition, count)
    logits, factory = definition.architecture.classes, definition.architecture.factory
    if logits < count:
        raise InputError(f"{factory}: gives {logits} logits, but the data have {count} classes; return as many")
    return definition


def weights_of(definition: Definition, network: nn.Module, classes: Sequence[str]) -> Weights:
    """Return the weights of a trained network, ready to be stored."""
    tensors = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in network.state_dict().items()}
    return Weights(definition, tuple(classes), tensors)


def weights_file(weights: Weights) -> bytes:
    """Return the file's content; `read_weights` gives the same weights again."""
    metadata = {
        "format": "pt",
        "scalesearch": FORMAT,
        "definition": definition_text(weights.definition),
        "classes": json.dumps(weights.classes, ensure_ascii=False),
    }
    return save(weights.tensors, metadata)


def read_weights(path: Path) -> Weights:
    """Read the weights in a file.

    Raises:
        InputError: there is no such file, it is a pickle, not safetensors, not of scalesearch, or its tensors do
            not fit the definition.
    """
    source = printable(str(path))
    metadata, tensors = read_tensors(path)
    if not is_scalesearch_file(metadata):
        raise InputError(f"{source}: does not say which network it is of; give a file that scalesearch has written")
    return _parse_weights(metadata, tensors, source)


def is_scalesearch_file(metadata: Mapping[str, str]) -> bool:
    """Return whether a file's metadata are those that `weights_file` writes."""
    return metadata.get("scalesearch") == FORMAT and all(key in metadata for key in _KEYS)


def read_tensors(path: Path) -> tuple[dict[str, str], dict[str, Tensor]]:
    """Read metadata and tensors of a safetensors file of any origin.

    Raises:
        InputError: there is no such file, it is a pickle, not safetensors, or holds NaN or infinity.
    """
    source = printable(str(path))
    try:
        if _is_network(path):
            raise InputError(
                f"{source}: is a network without weights; train it first (scalesearch train {source}), and give "
                "the weights.safetensors that this writes"
            )
        if not path.is_file():
            reason = "is not a file" if path.exists() else "does not exist"
            raise InputError(f"{source}: {reason}; give a .safetensors file of a trained network")
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except OSError as error:
        raise InputError(f"{source}: cannot be read ({error.strerror or error})") from error
    except SafetensorError as error:
        raise InputError(f"{source}: {_describe_invalid_file(path, error)}") from error
    for name, tensor in tensors.items():
        if not tensor.float().isfinite().all():
            raise InputError(f"{source}: {printable(name)} holds NaN or infinity; give weights that can be used")
    return metadata, tensors


def _is_network(path: Path) -> bool:
    """Return whether the text of a path names a network: a shipped one, timm's, a function or a YAML file."""
    name = str(path)
    if path.suffix in (".yaml", ".yml"):
        return path.is_file()
    names = (*baseline_names(), *published_names())
    return not path.exists() and (name in names or is_factory(name) or is_timm(name))


def same_classes(networks: Sequence[tuple[str, tuple[str, ...]]]) -> tuple[str, ...]:
    """Return the class names that all networks share.

    Args:
        networks: names of networks or data, for messages, and their classes.

    Raises:
        InputError: two differ.
    """
    (first, classes), *others = networks
    for name, other_classes in others:
        if other_classes != classes:
            raise InputError(
                f"{name}: has {_list_classes(other_classes)}, but {first} has {_list_classes(classes)}; give those "
                "of the same classes"
            )
    return classes


def _describe_invalid_file(path: Path, error: SafetensorError) -> str:
    with path.open("rb") as stream:
        pickled = stream.read(4).startswith(_PICKLES)
    if pickled:
        return "is a pickle, which can run code when it is loaded; save the tensors as safetensors instead"
    return f"is no safetensors file ({printable(str(error))}); give one of a trained network"


def _parse_weights(metadata: dict[str, str], tensors: dict[str, Tensor], source: str) -> Weights:
    definition = parse_definition(metadata["definition"], f"{source}: definition")
    try:
        classes = json.loads(metadata["classes"])
    except ValueError:
        classes = None
    if not isinstance(classes, list) or not all(isinstance(name, str) for name in classes):
        raise InputError(f"{source}: its class names are no JSON list of texts; write the file anew")
    try:
        return Weights(definition, tuple(map(printable, classes)), tensors)
    except InputError as error:
        raise InputError(f"{source}: {error}") from error


def _shapes(network: Network) -> dict[str, tuple[int, ...]]:
    # A function may fill its weights with values, so its network is not built without storage.
    with torch.device("meta") if isinstance(network, Architecture) else nullcontext():
        return {name: tuple(tensor.shape) for name, tensor in build(network).state_dict().items()}


def shape_text(shape: tuple[int, ...] | None) -> str:
    """Return a tensor's shape for messages, such as `8×3×3×3`; None: there is no such tensor."""
    return "missing" if shape is None else f"{'×'.join(map(str, shape)) or 'a number'}"


def _list_classes(classes: Sequence[str]) -> str:
    first_names = ", ".join(classes[:3])
    return f"{len(classes)} classes ({first_names}{', …' if len(classes) > 3 else ''})"
