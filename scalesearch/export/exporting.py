"""A network in every format: made, checked, and only then handed over as files."""

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
from scalesearch.errors import CountError, InputError, SpaceError
from scalesearch.export.exported_program import exported_program
from scalesearch.export.library_rules import same_network
from scalesearch.export.names import file_stem
from scalesearch.export.onnx_file import OnnxTarget, onnx_file
from scalesearch.export.reading import read_network
from scalesearch.export.timm_definition import timm_definition
from scalesearch.export.torch_source import torch_source
from scalesearch.export.torchvision_definition import torchvision_definition
from scalesearch.export.verify import copied, images_of, proven, same_features, same_logits
from scalesearch.nets.convnet import ConvNet
from scalesearch.nets.deployed import deployed_network


@dataclass(frozen=True, slots=True)
class Export:
    """The files of an export that was checked, and what was checked."""

    files: dict[str, bytes]
    """Contents by name."""
    checked: str
    """In words, for the terminal."""


def as_deployed(baseline: Baseline, ours: ConvNet) -> tuple[Baseline, ConvNet]:
    """The definition and the network in the form for inference, which a format then takes in their place.

    Both forms' logits are compared in float64, in which folding leaves no more than rounding errors of 1e-12.

    Raises:
        InputError: no block has another form.
        CountError: the logits differ.
    """
    try:
        deployed = baseline.deployed
    except SpaceError as error:
        raise InputError(f"{error}; leave out --deployed") from error
    exact = deepcopy(ours).double()
    folded = deployed_network(baseline.architecture, exact)
    same_logits(exact, folded, images_of(baseline.architecture).double(), deployed.name)
    return deployed, deployed_network(baseline.architecture, ours)


def as_torch(baseline: Baseline, ours: ConvNet) -> Export:
    """One source file of plain torch, and the weights under its names.

    Raises:
        CountError: the file's network is another one.
    """
    stem, text = file_stem(baseline.name), torch_source(baseline)
    network: nn.Module = _loaded(text, stem).Network()
    proof = proven(baseline.architecture, network, baseline.name)
    weights = copied(ours, network)
    network.load_state_dict(safetensors.torch.load(data := safetensors.torch.save(weights)))
    same_features(ours, network, baseline.architecture, baseline.name)
    return Export({f"{stem}.py": text.encode(), f"{stem}.safetensors": data}, proof.words)


def as_timm(baseline: Baseline, _: ConvNet) -> Export:
    """A file that builds the network with timm.

    Raises:
        InputError: timm has no such network.
        CountError: timm builds another one or, where timm is not installed, the file reads back as another one.
    """
    return _as_definition(baseline, timm_definition(baseline), "timm")


def as_torchvision(baseline: Baseline, _: ConvNet) -> Export:
    """A file that builds the network with torchvision.

    Raises:
        InputError: torchvision has no such network.
        CountError: torchvision builds another one or, where it is not there, the file reads back as another one.
    """
    return _as_definition(baseline, torchvision_definition(baseline), "torchvision")


def as_onnx(baseline: Baseline, ours: ConvNet, target: OnnxTarget | None = None) -> Export:
    """An ONNX file with the weights, for the runtime of `target`.

    Raises:
        InputError: the packages that it needs are not installed.
        CountError: the file's network is another one.
    """
    data, proof = onnx_file(baseline, ours, target or OnnxTarget())
    return Export({f"{file_stem(baseline.name)}.onnx": data}, proof.words)


def as_torch_export(baseline: Baseline, ours: ConvNet) -> Export:
    """A file of `torch.export.save` with the weights.

    Raises:
        CountError: the file's network is another one.
    """
    data, proof = exported_program(baseline, ours)
    return Export({f"{file_stem(baseline.name)}.pt2": data}, proof.words)


FORMATS: dict[str, Callable[[Baseline, ConvNet], Export]] = {
    "torch": as_torch,
    "timm": as_timm,
    "torchvision": as_torchvision,
    "onnx": as_onnx,
    "torch-export": as_torch_export,
}
"""By name; each takes the definition, and the network with the weights that go along, in eval."""


def _as_definition(baseline: Baseline, text: str, library: str) -> Export:
    stem = f"{file_stem(baseline.name)}_{library}"
    again = read_network(text, f"{stem}.py")
    if same_network(again) != same_network(baseline.architecture):
        raise CountError(f"{baseline.name}: the definition for {library} reads back as another network; report it")
    if _is_there(library):
        words = proven(baseline.architecture, _loaded(text, stem).build(), baseline.name).words
    else:
        words = f"reads back as the same network ({library} is not installed, so it was not built)"
    return Export({f"{stem}.py": text.encode()}, words)


def _is_there(library: str) -> bool:
    try:
        importlib.import_module(library)
    except (ImportError, RuntimeError):  # RuntimeError: torchvision beside a torch that lacks its operators
        return False
    return True


def _loaded(text: str, stem: str) -> ModuleType:
    """The module of a source text, run from a file, as its user will."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{stem}.py"
        path.write_text(text, encoding="utf-8")
        spec = importlib.util.spec_from_file_location(f"_exported_{stem}", path)
        if spec is None or spec.loader is None:
            raise CountError(f"{path.name}: cannot be loaded; please report it")
        module = importlib.util.module_from_spec(spec)
        writes, sys.dont_write_bytecode = sys.dont_write_bytecode, True
        try:
            spec.loader.exec_module(module)
        finally:
            sys.dont_write_bytecode = writes
        return module
