"""Compute the exact cost of a network in closed form, in microseconds.

The cost is the multiply-adds of convolutions and linear layers (the paper's FLOPS), the trainable parameters, the
activations (the elements of the outputs of convolutions and linear layers, as in Dollár et al. 2021), and an
estimate of training memory. `nets.flops` counts the same with fvcore. Both must agree exactly in multiply-adds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, cast

from scalesearch.design.architecture import Architecture
from scalesearch.design.blocks import Block
from scalesearch.design.factory import SAVED_PER_ACTIVATION, FactoryNetwork, Network
from scalesearch.design.features import ENDS
from scalesearch.design.images import ImageSize
from scalesearch.errors import SpaceError
from scalesearch.units import BYTES_PER_FLOAT

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Counts = npt.NDArray[np.int64]

_COPIES_PER_WEIGHT = 3
"""Weight, gradient and momentum."""


@dataclass(frozen=True, slots=True)
class Cost:
    """A cost is what one network costs for one image; in the result of `cost_grid`, every field is an array."""

    macs: int
    params: int
    activations: int
    stored: int
    """The number of elements that are saved for the backward pass, for one image."""

    def memory_bytes(self, batch: int) -> int:
        """Estimate the float32 training memory: weights, gradients, momentum, and saved tensors of `batch` images.

        The estimate omits the scratch space of operators and what the allocator rounds up.
        """
        return BYTES_PER_FLOAT * (_COPIES_PER_WEIGHT * self.params + batch * self.stored)


def _sum_cost(architecture: Architecture, widths: Sequence[int], depths: Sequence[int], px: ImageSize) -> Cost:
    return _sum_blocks(architecture.repeated_blocks(widths, depths, px))


def _sum_blocks(blocks: Iterable[tuple[Block, int]]) -> Cost:
    macs = params = activations = stored = 0
    for block, repeats in blocks:
        for layer in block.layers:
            macs = macs + repeats * layer.macs
            params = params + repeats * layer.params
            activations = activations + repeats * layer.outputs
            stored = stored + repeats * layer.stored
        stored = stored + repeats * block.stored
    return Cost(macs, params, activations, stored)


@lru_cache(maxsize=2**14)
def cost(network: Network) -> Cost:
    """Return the exact cost of one network.

    For a network that a user's function builds, return what fvcore counted; its saved elements are an estimate.
    """
    if isinstance(network, FactoryNetwork):
        stored = SAVED_PER_ACTIVATION * network.activations
        return Cost(network.macs, network.params, network.activations, stored)
    return _sum_cost(network, network.widths, network.depths, network.resolution)


def backbone_cost(architecture: Architecture) -> Cost:
    """Return the exact cost of stem and stages, which a detector or a segmenter uses as its backbone.

    The head's convolution and the classifier are left out, as in `nets.backbone`.
    """
    blocks = architecture.repeated_blocks(architecture.widths, architecture.depths, architecture.resolution)
    return _sum_blocks((block, repeats) for block, repeats in blocks if block.name not in ENDS)


def cost_grid(architecture: Architecture, widths: Counts, depths: Counts, resolutions: Counts) -> Cost:
    """Return the exact costs of N resized networks at once.

    Args:
        architecture: the network that gives block kinds, kernels, strides, expansions.
        widths: (N, stages + 2) channels of stem, stages and head (stages + 1 where the head has none).
        depths: (N, stages) blocks.
        resolutions: (N,) sides in px; of rectangles, which have the proportions of the architecture's, the longer.

    Returns:
        A `Cost` whose fields are (N,) int64 arrays.

    Raises:
        SpaceError: a count could exceed int64, which would overflow silently.
    """
    largest_size = architecture.proportional(int(resolutions.max()))
    largest = _sum_cost(architecture, widths.max(0).tolist(), depths.max(0).tolist(), largest_size)
    if max(largest.macs, largest.stored) >= 2**63:
        raise SpaceError("network has 2^63 multiply-adds or more, but counts must fit in 64 bits; make it smaller")
    # The arithmetic is the same for a Python int and for an array of int64, so the type checker may see ints.
    columns = cast("list[int]", list(widths.T))
    layers = cast("list[int]", list(depths.T))
    return _sum_cost(architecture, columns, layers, architecture.proportional(cast("int", resolutions)))
