"""The memory that inference takes: the weights, and the largest set of tensors that live at once."""

from __future__ import annotations

from scalesearch.design.architecture import Architecture
from scalesearch.design.block_kinds import KINDS
from scalesearch.design.blocks import Block
from scalesearch.design.cost import cost
from scalesearch.units import BYTES_PER_FLOAT


def inference_bytes(architecture: Architecture, batch: int) -> int:
    """Float32 memory of a forward pass without gradients: all weights, and the live tensors of `batch` images.

    An estimate from below: batch norm and activations in place, no scratch space, nothing that an allocator
    rounds up; eager torch keeps one more copy where it does not work in place.
    """
    return BYTES_PER_FLOAT * (cost(architecture).params + batch * live_elements(architecture))


def live_elements(architecture: Architecture) -> int:
    """The largest sum over all layers of input, output, and what a shortcut keeps for later; one image."""
    runs = architecture.runs(architecture.widths, architecture.depths, architecture.resolution)
    return max(_live(block) for block, length in runs if length)


def _live(block: Block) -> int:
    """A block's largest live set, in elements."""
    whole = block.in_width * block.in_px**2
    result = block.out_width * block.out_px**2
    if not block.layers:  # a max-pool
        return whole + result
    layers = block.layers
    projects = layers[-1].role == "shortcut"
    keeps = KINDS[block.kind].residual and (block.keeps_shape or projects)
    width, px, most = block.in_width, block.in_px, 0
    for index, layer in enumerate(layers):
        held = whole if keeps and index > 0 else 0
        if layer.role == "shortcut":  # reads the block's input while the branch waits
            most = max(most, whole + 2 * result)
        elif layer.role in ("squeeze", "excite"):  # a pixel a channel, beside the map that they gate
            most = max(most, held + width * px**2 + layer.in_width + layer.out_width)
        else:
            most = max(most, held + width * px**2 + layer.outputs)
            width, px = layer.out_width, layer.out_px
    return most
