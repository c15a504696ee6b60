"""A trained network as one file: safetensors, with the definition and the class names in its metadata.

The file is enough to build the network again. safetensors holds numbers and text only; a pickle (`torch.save`) can
run any code when it is loaded, so none is ever opened here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from scalesearch.design.architecture import Architecture
from scalesearch.design.baseline_file import baseline_text, parse_baseline
from scalesearch.design.scaling import Baseline
from scalesearch.errors import InputError, printable
from scalesearch.nets.convnet import ConvNet

FORMAT = "1"
"""Of the metadata: `scalesearch` (this number), `definition` (a baseline file), `classes` (a JSON list)."""

_KEYS = ("definition", "classes")
_PICKLES = (b"PK\x03\x04", b"\x80")
"""What `torch.save` begins with, now and before 1.6."""


@dataclass(frozen=True, slots=True, eq=False)
class Weights:
    """A network's definition, the tensors of its `ConvNet`, and what its logits mean."""

    definition: Baseline
    classes: tuple[str, ...]
    """Names, one a logit."""
    tensors: dict[str, Tensor]

    def __post_init__(self) -> None:
        logits = self.definition.architecture.classes
        if len(self.classes) != logits or len(set(self.classes)) != logits:
            raise InputError(
                f"{self.definition.name}: has {logits} logits, but {len(set(self.classes))} different class names"
            )
        theirs = {name: tuple(one.shape) for name, one in self.tensors.items()}
        ours = _shapes(self.definition.architecture)
        for name in sorted(ours.keys() | theirs.keys()):
            if ours.get(name) != theirs.get(name):
                raise InputError(
                    f"{self.definition.name}: tensor {printable(name)} is {_words(theirs.get(name))}, "
                    f"but the definition's is {_words(ours.get(name))}; the weights are another network's"
                )

    def network(self) -> ConvNet:
        """The network with these weights, in eval."""
        network = ConvNet(self.definition.architecture)
        network.load_state_dict(self.tensors)
        return network.eval()


def with_classes(definition: Baseline, count: int) -> Baseline:
    """The definition with another number of logits."""
    net = definition.architecture
    return replace(definition, architecture=replace(net, head=replace(net.head, classes=count)))


def weights_of(definition: Baseline, network: nn.Module, classes: Sequence[str]) -> Weights:
    """What a trained network is kept as."""
    tensors = {name: one.detach().cpu().contiguous() for name, one in network.state_dict().items()}
    return Weights(definition, tuple(classes), tensors)


def weights_file(weights: Weights) -> bytes:
    """The file's content; `read_weights` gives the same weights again."""
    metadata = {
        "format": "pt",
        "scalesearch": FORMAT,
        "definition": baseline_text(weights.definition),
        "classes": json.dumps(weights.classes, ensure_ascii=False),
    }
    return save(weights.tensors, metadata)


def read_weights(path: Path) -> Weights:
    """The weights in a file.

    Raises:
        InputError: no such file, a pickle, no safetensors, none of ours, or tensors that are not the definition's.
    """
    where = printable(str(path))
    metadata, tensors = read_tensors(path)
    if not is_ours(metadata):
        raise InputError(f"{where}: does not say which network it is of; give a file that scalesearch has written")
    return _checked(metadata, tensors, where)


def is_ours(metadata: Mapping[str, str]) -> bool:
    """Whether a file's metadata are those that `weights_file` writes."""
    return metadata.get("scalesearch") == FORMAT and all(key in metadata for key in _KEYS)


def read_tensors(path: Path) -> tuple[dict[str, str], dict[str, Tensor]]:
    """Metadata and tensors of a safetensors file, whosever.

    Raises:
        InputError: no such file, a pickle, no safetensors, or numbers that are none.
    """
    where = printable(str(path))
    try:
        if not path.is_file():
            reason = "is not a file" if path.exists() else "does not exist"
            raise InputError(f"{where}: {reason}; give a .safetensors file of a trained network")
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except OSError as error:
        raise InputError(f"{where}: cannot be read ({error.strerror or error})") from error
    except SafetensorError as error:
        raise InputError(f"{where}: {_no_safetensors(path, error)}") from error
    for name, one in tensors.items():
        if not one.float().isfinite().all():
            raise InputError(f"{where}: {printable(name)} holds NaN or infinity; give weights that can be used")
    return metadata, tensors


def same_classes(networks: Sequence[tuple[str, tuple[str, ...]]]) -> tuple[str, ...]:
    """The class names that all have.

    Args:
        networks: names to call them by, networks or data, and their classes.

    Raises:
        InputError: two differ.
    """
    (first, classes), *others = networks
    for name, own in others:
        if own != classes:
            raise InputError(
                f"{name}: has {_listed(own)}, but {first} has {_listed(classes)}; give those of the same classes"
            )
    return classes


def _no_safetensors(path: Path, error: SafetensorError) -> str:
    with path.open("rb") as stream:
        pickled = stream.read(4).startswith(_PICKLES)
    if pickled:
        return "is a pickle, which can run code when it is loaded; save the tensors as safetensors instead"
    return f"is no safetensors file ({printable(str(error))}); give one of a trained network"


def _checked(metadata: dict[str, str], tensors: dict[str, Tensor], source: str) -> Weights:
    definition = parse_baseline(metadata["definition"], f"{source}: definition")
    try:
        classes = json.loads(metadata["classes"])
    except ValueError:
        classes = None
    if not isinstance(classes, list) or not all(isinstance(one, str) for one in classes):
        raise InputError(f"{source}: its class names are no JSON list of texts; write the file anew")
    try:
        return Weights(definition, tuple(map(printable, classes)), tensors)
    except InputError as error:
        raise InputError(f"{source}: {error}") from error


def _shapes(architecture: Architecture) -> dict[str, tuple[int, ...]]:
    with torch.device("meta"):
        return {name: tuple(one.shape) for name, one in ConvNet(architecture).state_dict().items()}


def _words(shape: tuple[int, ...] | None) -> str:
    return "missing" if shape is None else f"{'×'.join(map(str, shape)) or 'a number'}"


def _listed(classes: Sequence[str]) -> str:
    shown = ", ".join(classes[:3])
    return f"{len(classes)} classes ({shown}{', …' if len(classes) > 3 else ''})"
