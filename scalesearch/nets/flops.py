"""Count the built network with fvcore, whose count must agree with the closed form."""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass

import torch
from fvcore.nn import FlopCountAnalysis
from torch.utils.flop_counter import FlopCounterMode

from scalesearch.design.architecture import Architecture
from scalesearch.design.cost import cost
from scalesearch.errors import CountError
from scalesearch.nets.convnet import ConvNet
from scalesearch.nets.threads import single_threaded

COUNTED = ("conv", "linear")
"""fvcore's names of the operators whose multiply-adds the paper counts."""


@dataclass(frozen=True, slots=True)
class FvcoreBreakdown:
    """Holds fvcore's count of one network for one image, by operator."""

    by_operator: dict[str, int]
    """FLOPs as fvcore counts them (a multiply-add is one), including batch norm and pooling."""
    uncounted: dict[str, int]
    """The operators that fvcore met and does not count, and how often."""

    @property
    def macs(self) -> int:
        """The multiply-adds of convolutions and linear layers."""
        return sum(self.by_operator.get(name, 0) for name in COUNTED)

    @property
    def total(self) -> int:
        """The FLOPs of everything that fvcore counts."""
        return sum(self.by_operator.values())


def fvcore_breakdown(architecture: Architecture) -> FvcoreBreakdown:
    """Build the network and count it with fvcore.

    The network is traced on the CPU at batch 1, in eval, without gradients: fvcore fails on meta tensors, and
    counts batch norm differently in training.

    Raises:
        CountError: fvcore and the closed form disagree on convolutions and linear layers.
    """
    network = ConvNet(architecture).eval()
    image = torch.zeros(1, *architecture.image_shape)
    with torch.no_grad(), single_threaded():
        analysis = FlopCountAnalysis(network, image)
        analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False)
        logging.getLogger("fvcore").setLevel(logging.ERROR)
        by_operator = {str(name): int(count) for name, count in analysis.by_operator().items()}
        uncounted = Counter({str(name): int(n) for name, n in analysis.unsupported_ops().items()})
    breakdown = FvcoreBreakdown(dict(sorted(by_operator.items())), dict(sorted(uncounted.items())))
    expected = cost(architecture).macs
    if breakdown.macs != expected:
        raise CountError(
            f"network at {architecture.resolution} px: the closed form counts {expected} multiply-adds and "
            f"fvcore {breakdown.macs}; one of the two is wrong, so nothing is trained: please report it"
        )
    return breakdown


def torch_flops(architecture: Architecture) -> int:
    """Count the network with torch's own counter: two FLOPs a multiply-add, nothing else counted.

    The meta device computes nothing: B7 takes a second and no memory.
    """
    with torch.device("meta"), torch.no_grad(), FlopCounterMode(display=False) as counter:
        network = ConvNet(architecture).eval()
        network(torch.zeros(1, *architecture.image_shape))
    return int(counter.get_total_flops())
