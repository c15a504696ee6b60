"""Export of a network to ONNX, with batch norm folded into the convolutions, as inference engines expect."""

from __future__ import annotations

import importlib.util
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from scalesearch.design.architecture import Architecture
from scalesearch.design.factory import FactoryNetwork, Network
from scalesearch.design.norms import NORMS
from scalesearch.design.scaling import Baseline
from scalesearch.errors import InputError
from scalesearch.export.failures import report_export_failures
from scalesearch.export.verify import (
    CountedModel,
    EquivalenceReport,
    compare_counts_and_logits,
    compare_logits,
    images_of,
    randomized,
    randomized_function,
)
from scalesearch.nets.factory_definition import Definition

if TYPE_CHECKING:
    import onnx

_PACKAGES = ("onnx", "onnxscript", "onnxruntime")
"""The packages that the export needs."""


OLDEST_OPSET, NEWEST_OPSET = 13, 23
"""The opsets that can be written."""
_TORCH_MIN_OPSET = 18
"""The lowest opset that the exporter of torch 2.13 writes."""
_TRAINING_MODE_OPSET = 14
"""The first opset in which batch norm has `training_mode`."""
_SHAPE_SLICE_OPSET = 15
"""The first opset whose `Shape` gives one dimension, from which the padding of an image of any side follows."""


@dataclass(frozen=True, slots=True)
class OnnxTarget:
    """The capabilities of the runtime that will load the file."""

    opset: int = _TORCH_MIN_OPSET
    """The version of the operators, 13 … 23. The file gets the lowest IR version that has them: 7 for opset 13,
    8 for 15 … 18, 9 for 19 and 20, 10 for 21 and 22, 11 for 23 (onnx's docs/Versioning.md)."""
    dynamic_side: bool = False
    """Whether images of any height and width are accepted, not only those of the network's own."""

    def __post_init__(self) -> None:
        if not OLDEST_OPSET <= self.opset <= NEWEST_OPSET:
            raise InputError(f"--opset {self.opset}: must be in {OLDEST_OPSET} … {NEWEST_OPSET}")


def onnx_file(baseline: Definition, original: nn.Module, target: OnnxTarget) -> tuple[bytes, EquivalenceReport]:
    """Return the bytes of the file, for batches of any size, and the verification.

    Of a function's network only the logits are compared: its operators in ONNX are not known.

    The input is `images` (batch, channels, height, width), the output `logits` (batch, classes).

    Raises:
        InputError: the packages of the `export` extra are not installed, the opset lacks an operator, or torch
            cannot export the network of a function.
        CountError: the file holds another network.
    """
    missing = [name for name in _PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        raise InputError(f"--to onnx needs {', '.join(missing)}: pip install 'scalesearch[export]'")
    import onnx

    _check_opset(baseline, target)
    net, images_NCHW = baseline.architecture, images_of(baseline.architecture, 3)
    if isinstance(net, FactoryNetwork):
        random_network = randomized_function(net)
        model = _export_model(random_network, net, target)
        difference = compare_logits(random_network, _Runner(model), images_NCHW, baseline.name)
        report = EquivalenceReport(None, None, difference)
    else:
        random_network = randomized(net)
        model = _export_model(random_network, net, target)
        # A folded layer has one bias where batch norm had a scale and a shift.
        params = _params(onnx.load_from_string(model)) + _num_folded_channels(net)
        counted = CountedModel(params, _macs(onnx.load_from_string(model), images_NCHW), _Runner(model))
        report = compare_counts_and_logits(net, random_network, counted, images_NCHW, baseline.name)
    if target.dynamic_side:
        padded_NCHW = torch.nn.functional.pad(images_NCHW, (0, 9, 0, 4))
        compare_logits(random_network, _Runner(model), padded_NCHW, f"{baseline.name} on images of other sides")
    data = _export_model(original, net, target)
    compare_logits(original, _Runner(data), images_NCHW, baseline.name)
    return data, report


def _check_opset(baseline: Definition, target: OnnxTarget) -> None:
    opset = target.opset
    if not isinstance(baseline, Baseline):
        if opset < _TORCH_MIN_OPSET:
            raise InputError(f"--opset {opset}: a function's network needs {_TORCH_MIN_OPSET} or above; give that")
        return
    if baseline.architecture.padding == "same" and target.dynamic_side and opset < _SHAPE_SLICE_OPSET:
        raise InputError(
            f"--opset {opset}: {baseline.name} has the padding same, which for --dynamic-side needs "
            f"{_SHAPE_SLICE_OPSET} or above; give that"
        )
    for name in sorted(baseline.architecture.norms):
        min_opset = NORMS[name].opset
        if opset < min_opset:
            raise InputError(
                f"--opset {opset}: {baseline.name} has {name}, which ONNX lacks before {min_opset}; give that"
            )


def _num_folded_channels(net: Architecture) -> int:
    """Return the number of channels whose normalisation is folded."""
    layers = (layer for block in net.walk() for layer in block.layers)
    return sum(layer.out_width for layer in layers if layer.norm and NORMS[layer.norm].is_folded)


def _export_model(network: nn.Module, net: Network, target: OnnxTarget) -> bytes:
    from onnx import checker, helper

    names = {0: "batch", 2: "height", 3: "width"} if target.dynamic_side else {0: "batch"}
    with _silence_exporter(), torch.no_grad(), report_export_failures(net):
        program = torch.onnx.export(
            network,
            (images_of(net, 2),),
            dynamo=True,
            input_names=["images"],
            output_names=["logits"],
            dynamic_shapes=({axis: torch.export.Dim(name) for axis, name in names.items()},),
            opset_version=max(target.opset, _TORCH_MIN_OPSET),
            verbose=False,
        )
    assert program is not None
    model: onnx.ModelProto = program.model_proto
    for node in model.graph.node:  # the metadata has paths and source lines of the machine that exported the file
        node.ClearField("metadata_props")
    if target.opset < _TORCH_MIN_OPSET:
        _lower(model, target.opset)
    model.ir_version = helper.find_min_ir_version_for(model.opset_import)
    checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString())


def _lower(model: onnx.ModelProto, opset: int) -> None:
    """Convert the model to an opset before 18.

    There the axes of a mean or a norm are an attribute; since 18 they are an input. Before opset 14 batch norm,
    which remains where no convolution absorbs it, has no `training_mode`. No other operator of our networks has
    changed since opset 13, and the checker compares every operator with the definition of the opset. onnx's own
    converter fails on the models that torch writes.
    """
    from onnx import helper, numpy_helper

    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    constants |= {
        node.output[0]: numpy_helper.to_array(node.attribute[0].t)
        for node in model.graph.node
        if node.op_type == "Constant"
    }
    for node in model.graph.node:
        if node.op_type in ("ReduceMean", "ReduceL2") and len(node.input) > 1:
            axes = constants[node.input.pop()]
            attributes = [attribute for attribute in node.attribute if attribute.name != "noop_with_empty_axes"]
            node.ClearField("attribute")
            node.attribute.extend([*attributes, helper.make_attribute("axes", axes.tolist())])
        elif node.op_type == "BatchNormalization" and opset < _TRAINING_MODE_OPSET:
            attributes = [attribute for attribute in node.attribute if attribute.name != "training_mode"]
            node.ClearField("attribute")
            node.attribute.extend(attributes)
    used = {name for node in model.graph.node for name in node.input}
    for tensor in [tensor for tensor in model.graph.initializer if tensor.name not in used]:
        model.graph.initializer.remove(tensor)
    for opset_import in model.opset_import:
        if opset_import.domain in ("", "ai.onnx"):
            opset_import.version = opset


@contextmanager
def _silence_exporter() -> Iterator[None]:
    """Suppress warnings of the exporter about torchvision, and about its own use of torch."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def _params(model: onnx.ModelProto) -> int:
    """Return the number of weights and biases of layers and normalisations, with factors and shifts by channel."""
    sizes = {tensor.name: prod(tensor.dims) for tensor in model.graph.initializer}
    layers = (node for node in model.graph.node if node.op_type in ("Conv", "Gemm", "LayerNormalization"))
    scales = (node for node in model.graph.node if node.op_type in ("Mul", "Add"))
    names = [name for node in layers for name in node.input[1:]]
    norms = (node for node in model.graph.node if node.op_type == "BatchNormalization")
    names += [name for node in norms for name in node.input[1:3]]  # the inputs after these are mean and variance
    names += [name for node in scales for name in node.input if sizes.get(name, 1) > 1]
    return sum(sizes[name] for name in names)


def _macs(model: onnx.ModelProto, images_NCHW: Tensor) -> int:
    """Return the multiply-adds of convolutions and linear layers for one image, from their output shapes.

    The runtime reports the shapes: onnx infers none behind padding that depends on the image's side.
    """
    from onnx import TensorProto, helper

    weights = {tensor.name: tuple(tensor.dims) for tensor in model.graph.initializer}
    total: int = sum(prod(weights[node.input[1]]) for node in model.graph.node if node.op_type == "Gemm")
    convolutions = [node for node in model.graph.node if node.op_type == "Conv"]
    names = [f"{node.output[0]}_shape" for node in convolutions]
    for node, name in zip(convolutions, names, strict=True):
        model.graph.node.append(helper.make_node("Shape", [node.output[0]], [name]))
        model.graph.output.append(helper.make_tensor_value_info(name, TensorProto.INT64, [images_NCHW.ndim]))
    shapes = _Runner(bytes(model.SerializeToString())).run(names, images_NCHW)
    for node, shape in zip(convolutions, shapes, strict=True):
        total += prod(shape.tolist()[1:]) * prod(weights[node.input[1]][1:])
    return total


class _Runner:
    """The file as a function of images, run by onnxruntime on one CPU thread."""

    def __init__(self, data: bytes) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])

    def __call__(self, images_NCHW: Tensor) -> Tensor:
        (logits_NK,) = self.run(["logits"], images_NCHW)
        return logits_NK

    def run(self, names: list[str], images_NCHW: Tensor) -> list[Tensor]:
        """Return the outputs of these names."""
        return [torch.from_numpy(output) for output in self._session.run(names, {"images": images_NCHW.numpy()})]
