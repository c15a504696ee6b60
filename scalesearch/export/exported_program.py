"""Export of a network with torch.export: a graph of operators with its weights, which runs without our code."""

from __future__ import annotations

import io

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from scalesearch.design.architecture import Architecture
from scalesearch.design.scaling import Baseline
from scalesearch.export.verify import (
    CountedModel,
    EquivalenceReport,
    compare_counts_and_logits,
    compare_logits,
    images_of,
    randomized,
)
from scalesearch.nets.convnet import ConvNet


def exported_program(baseline: Baseline, original: ConvNet) -> tuple[bytes, EquivalenceReport]:
    """Return the bytes of the file, for batches of any size, and the verification.

    A file with randomized weights is verified first, then the file itself.

    Raises:
        CountError: the file holds another network.
    """
    net, images_NCHW = baseline.architecture, images_of(baseline.architecture, 3)
    random_network = randomized(net)
    module = _load(_export(random_network, net))
    report = compare_counts_and_logits(net, random_network, _count(module, images_NCHW), images_NCHW, baseline.name)
    data = _export(original, net)
    compare_logits(original, _load(data), images_NCHW, baseline.name)
    return data, report


def _count(module: nn.Module, images_NCHW: Tensor) -> CountedModel:
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), counter:
        module(images_NCHW[:1])
    params = sum(weights.numel() for weights in module.parameters())
    macs, remainder = divmod(counter.get_total_flops(), 2)
    return CountedModel(params, macs + remainder, module)


def _load(data: bytes) -> nn.Module:
    return torch.export.load(io.BytesIO(data)).module()


def _export(network: nn.Module, net: Architecture) -> bytes:
    batch = torch.export.Dim("batch")
    with torch.no_grad():
        program = torch.export.export(network, (images_of(net, 2),), dynamic_shapes=({0: batch},))
    for node in program.graph.nodes:
        node.meta.pop("stack_trace", None)  # it holds paths of the machine that exported the file
    stream = io.BytesIO()
    torch.export.save(program, stream)
    return stream.getvalue()
