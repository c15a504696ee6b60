"""Estimate inference memory: the weights, and the largest set of tensors that are alive at the same time."""

from __future__ import annotations

from scalesearch.design.architecture import Architecture
from scalesearch.design.blocks import Block
from scalesearch.design.cost import cost
from scalesearch.design.images import area
from scalesearch.design.norms import NORMS
from scalesearch.units import BYTES_PER_FLOAT


def inference_bytes(architecture: Architecture, batch: int) -> int:
    """Return the float32 memory of a forward pass without gradients: weights, and live tensors of `batch` images.

    The scratch space of operators and what the allocator rounds up are omitted.
    """
    return BYTES_PER_FLOAT * (cost(architecture).params + batch * peak_activations(architecture))


def peak_activations(architecture: Architecture) -> int:
    """Return the most elements that are alive at once in eager torch's forward pass of one image.

    The image and the block's input are held until the end of the block. A layer holds its input and its output.
    Normalisation and activation do not work in place, so they hold a second copy of the output. The networks of
    `nets` keep exactly these (tests/nets/test_memory.py). A compiler that fuses operators or works in place keeps
    fewer.
    """
    image = architecture.in_channels * area(architecture.resolution)
    blocks = architecture.repeated_blocks(architecture.widths, architecture.depths, architecture.resolution)
    return image + max(_block_peak(block) for block, repeats in blocks if repeats)


def _block_peak(block: Block) -> int:
    """Return the largest live set of a block, in elements, without the image."""
    block_input = 0 if block.name == "stem" else block.in_width * area(block.in_px)
    block_output = block.out_width * area(block.out_px)
    layer_input, peak = 0, block_input + block_output  # the layer's input counts where it is not the block's
    first_branch = 0  # the output of the first branch, while a second one is computed
    previous, positions = 0, area(block.in_px)  # the previous `layer_input`, and the positions of its map
    for layer in block.layers:
        if layer.is_constant:  # behind a pool whose output, padded, it reads
            maps = area(layer.in_px) + area(layer.in_px + layer.kernel - 1)
            peak = max(peak, block_input + layer.in_width * maps + block_output)
            pooled_and_indices = 3 * layer.in_width * area(layer.in_px)  # an index takes two elements
            peak = max(peak, block_input + pooled_and_indices)
            continue
        if layer.is_beside and not first_branch:
            first_branch, layer_input = layer_input, 0
        if layer.pool_stride > 1:
            layer_input = layer.times * layer.in_width * area(layer.in_px)
        copies = 2 if layer.norm or layer.activation or layer.layer_scale else 1
        statistics = sum(NORMS[name].statistics * positions for name, _, positions in layer.normalised)
        if layer.pre_norm or layer.response_norm:
            normalised = layer.in_width * area(layer.in_px)
            peak, layer_input = (
                max(peak, block_input + layer_input + normalised + statistics),
                layer_input + normalised,
            )
        if layer.pools:  # the map and its gated copy, which the next layer reads
            product = layer.in_width * positions
            peak, layer_input = max(peak, block_input + layer_input + product), product
        elif layer.is_gate:
            continue
        else:
            output = copies * layer.outputs + (statistics if layer.norm else 0)
            held = block_input + first_branch + (previous if layer.is_joined else 0)
            peak = max(peak, held + layer_input + output)
            previous, positions = layer_input, area(layer.out_px)
            layer_input = layer.outputs
            if layer.antialias:
                peak = max(peak, held + previous + layer.outputs + layer.smoothing_input + layer.smoothed)
                layer_input = layer.smoothed
            if layer.is_joined:  # both halves and the copy that has them side by side
                layer_input += previous
                peak = max(peak, held + 2 * layer_input)
        if layer.is_shortcut:
            block_input, layer_input = block_input + layer.outputs, 0
    return (
        max(peak, block_input + first_branch + layer_input + block_output) if first_branch else peak
    )  # the sum of branches
