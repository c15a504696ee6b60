"""The second witness: fvcore counts the built network, and must agree with the closed form."""

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
from scalesearch.nets.threads import one_thread

COUNTED = ("conv", "linear")
"""fvcore's names of the operators that the paper's multiply-adds are made of."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """fvcore's count of one network for one image, by operator."""

    by_operator: dict[str, int]
    """FLOPs as fvcore counts them (a multiply-add is one); batch norm and pooling included."""
    uncounted: dict[str, int]
    """Operators that fvcore met and does not count, and how often."""

    @property
    def macs(self) -> int:
        """Multiply-adds of convolutions and linear layers."""
        return sum(self.by_operator.get(name, 0) for name in COUNTED)

    @property
    def total(self) -> int:
        """Everything that fvcore counts."""
        return sum(self.by_operator.values())


def fvcore_receipt(architecture: Architecture) -> Receipt:
    """Build the network and let fvcore count it.

    Traced on the CPU at batch 1, in eval, without gradients: fvcore fails on meta tensors, and counts batch
    norm differently in training.

    Raises:
        CountError: fvcore and the closed form disagree on convolutions and linear layers.
    """
    network = ConvNet(architecture).eval()
    image = torch.zeros(1, architecture.in_channels, architecture.resolution, architecture.resolution)
    with torch.no_grad(), one_thread():
        analysis = FlopCountAnalysis(network, image)
        analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False)
        logging.getLogger("fvcore").setLevel(logging.ERROR)
        by_operator = {str(name): int(count) for name, count in analysis.by_operator().items()}
        uncounted = Counter({str(name): int(n) for name, n in analysis.unsupported_ops().items()})
    receipt = Receipt(dict(sorted(by_operator.items())), dict(sorted(uncounted.items())))
    expected = cost(architecture).macs
    if receipt.macs != expected:
        raise CountError(
            f"network at {architecture.resolution} px: the closed form counts {expected} multiply-adds and "
            f"fvcore {receipt.macs}; one of the two is wrong, so nothing is trained: please report it"
        )
    return receipt


def torch_flops(architecture: Architecture) -> int:
    """What torch's own counter makes of the network: two FLOPs a multiply-add, nothing else counted.

    On the meta device, so nothing is computed: B7 takes a second and no memory.
    """
    with torch.device("meta"), torch.no_grad(), FlopCounterMode(display=False) as counter:
        network = ConvNet(architecture).eval()
        network(torch.zeros(1, architecture.in_channels, architecture.resolution, architecture.resolution))
    return int(counter.get_total_flops())
