"""What a network costs, in closed form over `Architecture.walk()`: exact, in microseconds.

Multiply-adds of convolutions and linear layers (the paper's FLOPS), trainable parameters, activations
(elements of the outputs of convolutions and linear layers, as in Dollár et al. 2021) and an estimate of
the memory that training takes. `nets.flops` counts the same with fvcore; both must agree to the last
multiply-add.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, cast

from scalesearch.design.architecture import Architecture
from scalesearch.design.factory import STORED_A_ACTIVATION, FactoryNetwork, Network
from scalesearch.errors import SpaceError
from scalesearch.units import BYTES_PER_FLOAT

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Counts = npt.NDArray[np.int64]

_COPIES_OF_A_WEIGHT = 3
"""Weight, gradient and momentum."""


@dataclass(frozen=True, slots=True)
class Cost:
    """The cost of one network for one image; from `cost_grid`, every field is an array."""

    macs: int
    params: int
    activations: int
    stored: int
    """Elements that the backward pass keeps for one image."""

    def memory_bytes(self, batch: int) -> int:
        """Float32 training memory: weights, gradients, momentum, and `batch` images' stored tensors.

        An estimate: what the operators need as scratch space and what an allocator rounds up is left out.
        """
        return BYTES_PER_FLOAT * (_COPIES_OF_A_WEIGHT * self.params + batch * self.stored)


def _fold(architecture: Architecture, widths: Sequence[int], depths: Sequence[int], px: int) -> Cost:
    macs = params = activations = stored = 0
    for block, length in architecture.runs(widths, depths, px):
        for layer in block.layers:
            macs = macs + length * layer.macs
            params = params + length * layer.params
            activations = activations + length * layer.outputs
            stored = stored + length * layer.stored
        stored = stored + length * block.stored
    return Cost(macs, params, activations, stored)


@lru_cache(maxsize=2**14)
def cost(network: Network) -> Cost:
    """The cost of one network: exact, and what fvcore counted for a user's own (its memory is an estimate)."""
    if isinstance(network, FactoryNetwork):
        stored = STORED_A_ACTIVATION * network.activations
        return Cost(network.macs, network.params, network.activations, stored)
    return _fold(network, network.widths, network.depths, network.resolution)


def cost_grid(architecture: Architecture, widths: Counts, depths: Counts, resolutions: Counts) -> Cost:
    """The exact costs of N resized networks at once.

    Args:
        architecture: gives block kinds, kernels, strides, expansions.
        widths: (N, stages + 2) channels of stem, stages and head (stages + 1 where the head has none).
        depths: (N, stages) layers.
        resolutions: (N,) sides in px.

    Returns:
        A `Cost` whose fields are (N,) int64 arrays.

    Raises:
        SpaceError: a count could exceed int64, which would wrap without a word.
    """
    largest = _fold(architecture, widths.max(0).tolist(), depths.max(0).tolist(), int(resolutions.max()))
    if max(largest.macs, largest.stored) >= 2**63:
        raise SpaceError("network has 2^63 multiply-adds or more, but counts must fit in 64 bits; make it smaller")
    # The closed form is the same arithmetic on a Python int and on an array of int64.
    columns = cast("list[int]", list(widths.T))
    layers = cast("list[int]", list(depths.T))
    return _fold(architecture, columns, layers, cast("int", resolutions))
