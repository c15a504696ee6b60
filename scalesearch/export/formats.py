"""Export of a network to every format: the files are returned once the network in them has been compared."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import tempfile
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import safetensors.torch
from torch import nn

from scalesearch.design.scaling import Baseline
from scalesearch.errors import CountError, InputError, SpaceError, printable
from scalesearch.export.exported_program import exported_program
from scalesearch.export.import_definition import read_network
from scalesearch.export.library_rules import same_network
from scalesearch.export.names import file_stem
from scalesearch.export.onnx_file import OnnxTarget, onnx_file
from scalesearch.export.timm_definition import timm_definition
from scalesearch.export.torch_source import torch_source
from scalesearch.export.torchvision_definition import torchvision_definition
from scalesearch.export.verify import check_equivalent, compare_logits, images_of, same_features, transfer_weights
from scalesearch.nets.convnet import ConvNet
from scalesearch.nets.deployed import deployed_network
from scalesearch.nets.factory_definition import Definition

_LONGEST_REASON = 200
"""The largest number of characters that are printed of the error of an import."""


@dataclass(frozen=True, slots=True)
class Export:
    """The verified files of an export."""

    files: dict[str, bytes]
    """The contents of the files by name."""
    checked: str
    """What was verified, as text for the terminal."""


def as_deployed(baseline: Definition, original: nn.Module) -> tuple[Definition, nn.Module]:
    """Return the definition and the network in the deployed form, which is then exported in their place.

    The logits of both forms are compared in float64, in which folding leaves only rounding errors of 1e-12.

    Raises:
        InputError: no block has a deployed form, or the network is of a function.
        CountError: the logits differ.
    """
    if not isinstance(baseline, Baseline) or not isinstance(original, ConvNet):
        raise InputError(f"{baseline.name}: is of a Python function, not of blocks; leave out --deployed")
    try:
        deployed = baseline.deployed
    except SpaceError as error:
        raise InputError(f"{error}; leave out --deployed") from error
    trained_float64 = deepcopy(original).double()
    deployed_float64 = deployed_network(baseline.architecture, trained_float64)
    compare_logits(trained_float64, deployed_float64, images_of(baseline.architecture).double(), deployed.name)
    return deployed, deployed_network(baseline.architecture, original)


def as_torch(baseline: Baseline, original: ConvNet) -> Export:
    """Return one source file of plain torch, and the weights under its names.

    Raises:
        CountError: the file's network is another one.
    """
    stem, text = file_stem(baseline.name), torch_source(baseline)
    network: nn.Module = _load_module(text, stem).Network()
    report = check_equivalent(baseline.architecture, network, baseline.name)
    weights = transfer_weights(original, network)
    network.load_state_dict(safetensors.torch.load(data := safetensors.torch.save(weights)))
    same_features(original, network, baseline.architecture, baseline.name)
    return Export({f"{stem}.py": text.encode(), f"{stem}.safetensors": data}, report.words)


def as_timm(baseline: Baseline, _: ConvNet) -> Export:
    """Return a file that builds the network with timm.

    Raises:
        InputError: timm has no such network.
        CountError: timm builds another network or, if timm is not installed, the file reads back as another one.
    """
    return _as_definition(baseline, timm_definition(baseline), "timm")


def as_torchvision(baseline: Baseline, _: ConvNet) -> Export:
    """Return a file that builds the network with torchvision.

    Raises:
        InputError: torchvision has no such network.
        CountError: torchvision builds another network or, if it is not installed, the file reads back as another
            one.
    """
    return _as_definition(baseline, torchvision_definition(baseline), "torchvision")


def as_onnx(baseline: Definition, original: nn.Module, target: OnnxTarget | None = None) -> Export:
    """Return an ONNX file with the weights, for the runtime of `target`.

    Raises:
        InputError: the packages that it needs are not installed.
        CountError: the file's network is another one.
    """
    data, report = onnx_file(baseline, original, target or OnnxTarget())
    return Export({f"{file_stem(baseline.name)}.onnx": data}, report.words)


def as_torch_export(baseline: Definition, original: nn.Module) -> Export:
    """Return a file of `torch.export.save` with the weights.

    Raises:
        CountError: the file's network is another one.
    """
    data, report = exported_program(baseline, original)
    return Export({f"{file_stem(baseline.name)}.pt2": data}, report.words)


DEFINITIONS: dict[str, Callable[[Baseline, ConvNet], Export]] = {
    "torch": as_torch,
    "timm": as_timm,
    "torchvision": as_torchvision,
}
"""The exporters by name that write a network's source, which only a network of stages has."""
GRAPHS: dict[str, Callable[[Definition, nn.Module], Export]] = {"onnx": as_onnx, "torch-export": as_torch_export}
"""The exporters by name that write the operators of any network.

Each exporter takes the definition, and the network in eval mode whose weights are exported."""

FORMATS = (*DEFINITIONS, *GRAPHS)
"""The names of all formats."""


def export_network(to: str, definition: Definition, network: nn.Module, target: OnnxTarget | None = None) -> Export:
    """Return the files of a network in one of the formats.

    Args:
        to: the format, of `DEFINITIONS` or `GRAPHS`.
        definition: the network.
        network: its module in eval mode, whose weights are exported.
        target: the runtime of an ONNX file.

    Raises:
        InputError: the format does not have this network.
        CountError: the export holds another network.
    """
    if to == "onnx":
        return as_onnx(definition, network, target)
    if to in GRAPHS:
        return GRAPHS[to](definition, network)
    if not isinstance(definition, Baseline) or not isinstance(network, ConvNet):
        raise InputError(
            f"--to {to}: is written from a network's stages, but {definition.name} is of a Python function; give "
            f"--to {' or '.join(GRAPHS)}"
        )
    return DEFINITIONS[to](definition, network)


def _as_definition(baseline: Baseline, text: str, library: str) -> Export:
    stem = f"{file_stem(baseline.name)}_{library}"
    reread = read_network(text, f"{stem}.py")
    if same_network(reread) != same_network(baseline.architecture):
        raise CountError(f"{baseline.name}: the definition for {library} reads back as another network; report it")
    failure = _import_failure(library)
    if failure is None:
        checked = check_equivalent(baseline.architecture, _load_module(text, stem).build(), baseline.name).words
    else:
        checked = f"reads back as the same network ({library} {failure}, so it was not built)"
    return Export({f"{stem}.py": text.encode()}, checked)


def _import_failure(library: str) -> str | None:
    """Return why a library cannot be imported, as the end of a sentence; None: it is imported."""
    try:
        importlib.import_module(library)
    except (ImportError, RuntimeError) as error:  # RuntimeError: torchvision with a torch that lacks its operators
        if isinstance(error, ModuleNotFoundError) and error.name == library:
            return "is not installed"
        first_line = next(iter(str(error).splitlines()), type(error).__name__)
        return f"cannot be imported: {printable(first_line)[:_LONGEST_REASON]}"
    return None


def _load_module(text: str, stem: str) -> ModuleType:
    """Run a source text from a file, as its user will, and return the module."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{stem}.py"
        path.write_text(text, encoding="utf-8")
        spec = importlib.util.spec_from_file_location(f"_exported_{stem}", path)
        if spec is None or spec.loader is None:
            raise CountError(f"{path.name}: cannot be loaded; please report it")
        module = importlib.util.module_from_spec(spec)
        dont_write_bytecode, sys.dont_write_bytecode = sys.dont_write_bytecode, True
        try:
            spec.loader.exec_module(module)
        finally:
            sys.dont_write_bytecode = dont_write_bytecode
        return module
