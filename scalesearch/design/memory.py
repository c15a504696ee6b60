"""The memory that inference takes: the weights, and the tensors that are alive at the worst moment."""

from __future__ import annotations

from scalesearch.design.architecture import Architecture
from scalesearch.design.blocks import Block
from scalesearch.design.cost import cost
from scalesearch.design.norms import NORMS
from scalesearch.units import BYTES_PER_FLOAT


def inference_bytes(architecture: Architecture, batch: int) -> int:
    """Float32 memory of a forward pass without gradients: all weights, and the live tensors of `batch` images.

    What operators need as scratch space and what an allocator rounds up is left out.
    """
    return BYTES_PER_FLOAT * (cost(architecture).params + batch * live_elements(architecture))


def live_elements(architecture: Architecture) -> int:
    """The most elements that are alive at once in eager torch's forward pass of one image.

    The image and the block's input are held to the end of the block; a layer holds its input and its output,
    and normalisation and activation, which do not work in place, a second copy of the output. `nets` was seen to
    keep exactly that (tests/nets/test_memory.py); a compiler that fuses or works in place keeps less.
    """
    image = architecture.in_channels * architecture.resolution**2
    runs = architecture.runs(architecture.widths, architecture.depths, architecture.resolution)
    return image + max(_live(block) for block, length in runs if length)


def _live(block: Block) -> int:
    """A block's largest live set, in elements, without the image."""
    whole = 0 if block.name == "stem" else block.in_width * block.in_px**2
    result = block.out_width * block.out_px**2
    before, most = 0, whole + result  # before: the layer's input, where it is not the block's
    waits = 0  # the output of the first branch, while a second one is computed
    earlier, places = 0, block.in_px**2  # what `before` was a layer before; places of that map
    for layer in block.layers:
        if layer.is_beside and not waits:
            waits, before = before, 0
        copies = 2 if layer.norm or layer.activation or layer.layer_scale else 1
        statistics = sum(NORMS[name].statistics * places for name, _, places in layer.normalised)
        if layer.pre_norm or layer.response_norm:
            normed = layer.in_width * layer.in_px**2
            most, before = max(most, whole + before + normed + statistics), before + normed
        if layer.role == "squeeze":  # the map and its gated copy, which the next layer reads
            gated = layer.in_width * places
            most, before = max(most, whole + before + gated), gated
        elif layer.role == "excite":
            continue
        else:
            behind = copies * layer.outputs + (statistics if layer.norm else 0)
            held = whole + waits + (earlier if layer.is_joined else 0)
            most = max(most, held + before + behind)
            earlier, places = before, layer.out_px**2
            before = layer.outputs
            if layer.is_joined:  # both halves and the copy that has them side by side
                before += earlier
                most = max(most, held + 2 * before)
        if layer.is_shortcut:
            whole, before = whole + layer.outputs, 0
    return max(most, whole + waits + before + result) if waits else most  # the sum
