"""Export of a network with torch.export: a graph of operators with its weights, which runs without our code."""

from __future__ import annotations

import io

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from scalesearch.design.factory import FactoryNetwork, Network
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
from scalesearch.nets.multiply_adds import count_forward


def exported_program(baseline: Definition, original: nn.Module) -> tuple[bytes, EquivalenceReport]:
    """Return the bytes of the file, for batches of any size, and the verification.

    A file with randomized weights is verified first, then the file itself.

    Raises:
        InputError: torch cannot export the network of a function.
        CountError: the file holds another network.
    """
    net, images_NCHW = baseline.architecture, images_of(baseline.architecture, 3)
    if isinstance(net, FactoryNetwork):
        random_network = randomized_function(net)
        module = _load(_export(random_network, net))
        exported = _count_function(module, images_NCHW)
    else:
        random_network = randomized(net)
        module = _load(_export(random_network, net))
        exported = _count(module, images_NCHW)
    report = compare_counts_and_logits(net, random_network, exported, images_NCHW, baseline.name)
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


def _count_function(module: nn.Module, images_NCHW: Tensor) -> CountedModel:
    """Count as the function's own network was counted: torch's counter leaves out operators that ours knows."""
    counter, _ = count_forward(module, images_NCHW[:1])
    params = sum(weights.numel() for weights in module.parameters() if weights.requires_grad)
    return CountedModel(params, counter.macs, module)


def _load(data: bytes) -> nn.Module:
    return torch.export.load(io.BytesIO(data)).module()


def _export(network: nn.Module, net: Network) -> bytes:
    batch = torch.export.Dim("batch")
    with torch.no_grad(), report_export_failures(net):
        program = torch.export.export(network, (images_of(net, 2),), dynamic_shapes=({0: batch},))
    for node in program.graph.nodes:
        node.meta.pop("stack_trace", None)  # it holds paths of the machine that exported the file
    stream = io.BytesIO()
    torch.export.save(program, stream)
    return stream.getvalue()
