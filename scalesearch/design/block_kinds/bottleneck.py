"""List the layers of ResNet's bottleneck block (He et al. 2016), with the stride on the k×k convolution (ResNet-B).

With groups it is ResNeXt's block (Xie et al. 2017, arXiv 1611.05431, Figure 3c). With groups and an expansion of 1
it is RegNet's X block (Radosavovic et al. 2020, arXiv 2003.13678, Figure 4), and with a gate as well its Y block
(section 5).
"""

from __future__ import annotations

from collections.abc import Iterator

from scalesearch.design.block_kinds.shortcut import projection
from scalesearch.design.block_kinds.squeeze_excite import gated_inputs, has_gate, named_gate
from scalesearch.design.block_shape import BlockShape
from scalesearch.design.layers import Layer


def layers(block: BlockShape) -> Iterator[Layer]:
    """Yield a 1×1 convolution to out/expansion channels, k×k in groups, gate, 1×1 to the output, and a projection.

    The projection is there where the shape changes. A gate without a name is before the last convolution, as in
    RegNet (facebookresearch/pycls `anynet.py`, `BottleneckTransform`), and its squeeze width is a share of the
    block's input. SENet's gate comes after that convolution, and its squeeze width is a share of the output (Hu et
    al. 2018, section 3.3).
    """
    inner = block.out_width // int(block.expansion)
    yield from branch_and_shortcut(block, inner, block.groups(inner), block.activation)


def branch_and_shortcut(block: BlockShape, inner: int, groups: int, last_activation: str | None) -> Iterator[Layer]:
    """Yield the layers of a bottleneck of `inner` channels, its k×k convolution in so many groups.

    The last activation follows the sum with the shortcut; None: there is none.
    """
    px = block.out_px
    yield Layer(
        "reduce", block.in_width, inner, block.in_px, block.in_px, norm="batch_norm", activation=block.activation
    )
    yield Layer(
        "spatial",
        inner,
        inner,
        block.in_px,
        px,
        block.kernel,
        block.stride,
        groups,
        norm="batch_norm",
        activation=block.activation,
        antialias=block.smoothing,
    )
    yield from named_gate(block, inner, is_last=False)
    yield Layer(
        "restore",
        inner,
        block.out_width,
        px,
        px,
        norm="batch_norm",
        activation=last_activation,
        kept_inputs=gated_inputs(block),
        kept_outputs=int(has_gate(block, is_last=True)),
    )
    yield from named_gate(block, block.out_width, is_last=True)
    yield from projection(block)
