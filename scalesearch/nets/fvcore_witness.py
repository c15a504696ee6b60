"""Count a user's network with fvcore, as far as fvcore can, to check the count of `multiply_adds`."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import torch
from fvcore.nn import FlopCountAnalysis
from torch import Tensor, nn

from scalesearch.nets.multiply_adds import MultiplyAddCounter, is_free_operator

_CONVOLUTION = "conv"
_EXACT = (_CONVOLUTION, "linear", "addmm")
"""The operators whose multiply-adds fvcore counts correctly for any shapes; it does not for broadcast and einsum
products."""
_PRODUCTS = ("matmul", "bmm", "einsum")


@dataclass(frozen=True, slots=True)
class FvcoreCount:
    """Holds what fvcore counts in one traced forward pass."""

    by_operator: dict[str, int]
    is_complete: bool
    """Whether fvcore counts, and counts correctly, every operator of the network that consists of multiply-adds."""

    @property
    def macs(self) -> int:
        """The multiply-adds of the operators that fvcore counts exactly."""
        return sum(self.by_operator.get(name, 0) for name in _EXACT)

    def agrees(self, counter: MultiplyAddCounter) -> bool:
        """Return whether the executed network has these multiply-adds.

        Convolutions are always compared, all operators where the count is complete.
        """
        executed = sum(n for name, n in counter.by_operator.items() if name.removeprefix("_") == "convolution")
        if self.by_operator.get(_CONVOLUTION, 0) != executed:
            return False
        return not self.is_complete or self.macs == counter.macs


def fvcore_macs(network: nn.Module, image_NCHW: Tensor) -> FvcoreCount | None:
    """Trace the network and count it with fvcore; return None where torch cannot trace it."""
    logging.getLogger("fvcore").setLevel(logging.ERROR)
    analysis = FlopCountAnalysis(network, image_NCHW)
    analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False)
    try:
        with torch.no_grad():
            operators = analysis.by_operator()
        by_operator = {str(name): int(count) for name, count in operators.items()}
        unsupported = analysis.unsupported_ops()
    except Exception:  # the tracer may raise anything on control flow that it does not support
        return None
    is_complete = not any(by_operator.get(name) for name in _PRODUCTS) and all(
        is_free_operator(str(name)) for name in unsupported
    )
    return FvcoreCount(by_operator, is_complete)
