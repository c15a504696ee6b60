"""A network as an ONNX file, batch norm folded into the convolutions as inference engines want it."""

from __future__ import annotations

import importlib.util
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from scalesearch.design.architecture import Architecture
from scalesearch.design.scaling import Baseline
from scalesearch.errors import InputError
from scalesearch.export.verify import Found, Proof, agreed, images_of, same_logits, scrambled
from scalesearch.nets.convnet import ConvNet

if TYPE_CHECKING:
    import onnx

_PACKAGES = ("onnx", "onnxscript", "onnxruntime")


def onnx_file(baseline: Baseline, written: ConvNet) -> tuple[bytes, Proof]:
    """The file's bytes: `images` (batch, channels, px, px) → `logits` (batch, classes), for batches of any size.

    Raises:
        InputError: the packages of the `export` extra are not installed.
        CountError: the file holds another network.
    """
    missing = [name for name in _PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        raise InputError(f"--to onnx needs {', '.join(missing)}: pip install 'scalesearch[export]'")
    import onnx

    net, images_NCHW = baseline.architecture, images_of(baseline.architecture, 3)
    tested = scrambled(net)
    model = _saved(tested, net)
    # A folded layer has one bias where batch norm had a scale and a shift.
    params = _params(onnx.load_from_string(model)) + _normed(net)
    found = Found(params, _macs(onnx.load_from_string(model)), _Runner(model))
    proof = agreed(net, tested, found, images_NCHW, baseline.name)
    data = _saved(written, net)
    same_logits(written, _Runner(data), images_NCHW, baseline.name)
    return data, proof


def _normed(net: Architecture) -> int:
    return sum(layer.out_width for block in net.walk() for layer in block.layers if layer.norm)


def _saved(network: nn.Module, net: Architecture) -> bytes:
    batch = torch.export.Dim("batch")
    with _silence(), torch.no_grad():
        program = torch.onnx.export(
            network,
            (images_of(net, 2),),
            dynamo=True,
            input_names=["images"],
            output_names=["logits"],
            dynamic_shapes=({0: batch},),
            verbose=False,
        )
    assert program is not None
    model: onnx.ModelProto = program.model_proto
    for node in model.graph.node:  # the paths and source lines of the machine that exported it
        node.ClearField("metadata_props")
    return bytes(model.SerializeToString())


@contextmanager
def _silence() -> Iterator[None]:
    """The exporter warns of torchvision, and of its own use of torch."""
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
    """Weights and biases of convolutions and linear layers."""
    sizes = {one.name: prod(one.dims) for one in model.graph.initializer}
    layers = (node for node in model.graph.node if node.op_type in ("Conv", "Gemm"))
    return sum(sizes[name] for node in layers for name in node.input[1:])


def _macs(model: onnx.ModelProto) -> int:
    """Multiply-adds of convolutions and linear layers for one image, from the shapes that the graph states."""
    weights = {one.name: tuple(one.dims) for one in model.graph.initializer}
    shapes = {
        one.name: [dimension.dim_value for dimension in one.type.tensor_type.shape.dim]
        for one in (*model.graph.value_info, *model.graph.output)
    }
    total = 0
    for node in model.graph.node:
        if node.op_type == "Conv":
            total += prod(shapes[node.output[0]][1:]) * prod(weights[node.input[1]][1:])
        elif node.op_type == "Gemm":
            total += prod(weights[node.input[1]])
    return total


class _Runner:
    """The file as a function of images, run by onnxruntime on one CPU thread."""

    def __init__(self, data: bytes) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])

    def __call__(self, images_NCHW: Tensor) -> Tensor:
        (logits_NK,) = self._session.run(["logits"], {"images": images_NCHW.numpy()})
        return torch.from_numpy(logits_NK)
