"""A network as torch.export's file: a graph of operators with its weights, to be run without our code."""

from __future__ import annotations

import io

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from scalesearch.design.architecture import Architecture
from scalesearch.design.scaling import Baseline
from scalesearch.export.verify import Found, Proof, agreed, images_of, same_logits, scrambled
from scalesearch.nets.convnet import ConvNet


def exported_program(baseline: Baseline, written: ConvNet) -> tuple[bytes, Proof]:
    """The file's bytes, for batches of any size; all is checked on a file with scrambled weights as well.

    Raises:
        CountError: the file holds another network.
    """
    net, images_NCHW = baseline.architecture, images_of(baseline.architecture, 3)
    tested = scrambled(net)
    module = _loaded(_saved(tested, net))
    proof = agreed(net, tested, _found(module, images_NCHW), images_NCHW, baseline.name)
    data = _saved(written, net)
    same_logits(written, _loaded(data), images_NCHW, baseline.name)
    return data, proof


def _found(module: nn.Module, images_NCHW: Tensor) -> Found:
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), counter:
        module(images_NCHW[:1])
    params = sum(weights.numel() for weights in module.parameters())
    macs, odd = divmod(counter.get_total_flops(), 2)
    return Found(params, macs + odd, module)


def _loaded(data: bytes) -> nn.Module:
    return torch.export.load(io.BytesIO(data)).module()


def _saved(network: nn.Module, net: Architecture) -> bytes:
    batch = torch.export.Dim("batch")
    with torch.no_grad():
        program = torch.export.export(network, (images_of(net, 2),), dynamic_shapes=({0: batch},))
    for node in program.graph.nodes:
        node.meta.pop("stack_trace", None)  # paths of the machine that exported it
    stream = io.BytesIO()
    torch.export.save(program, stream)
    return stream.getvalue()
