"""Define the block kinds: the layers of each, and the keys that a stage of it takes.

A block kind is one module here, with its layers in the order in which data meets them, and one module in
`nets.blocks`, which connects the layers. Each package has a table with one line per kind. All other code that
depends on the kind (files, costs, exports, readers) reads these tables.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from scalesearch.design.block_kinds import (
    basic,
    bottleneck,
    conv,
    convnext,
    convnext_v2,
    deep,
    depthwise_separable,
    ends,
    fused_mbconv,
    ghost,
    inverted_residual,
    mbconv,
    mixconv,
    overlap,
    patch,
    repvgg,
    uib,
    wide_bottleneck,
)
from scalesearch.design.block_shape import BlockShape
from scalesearch.design.gates import GateName
from scalesearch.design.images import ImageSize
from scalesearch.design.layers import Layer


@dataclass(frozen=True, slots=True)
class BlockSpec:
    """A block spec describes one block kind: its layers, and which keys a stage of that kind takes."""

    layers: Callable[[BlockShape], Iterator[Layer]]
    """The function that yields the layers of a block."""
    expands: bool = False
    """Whether a stage takes `expansion`."""
    squeezes: bool = False
    """Whether a stage takes `se`."""
    rounds: bool = False
    """Whether a stage takes a fractional `expansion`."""
    gates: tuple[GateName, ...] = ()
    """The values that a stage's `gate` may have."""
    adds_input: bool = False
    """Whether a stage takes `residual: none`: without it a block that keeps its shape adds its input."""
    smooths: bool = False
    """Whether a stage takes `antialias`."""
    projects: bool = False
    """Whether a stage takes `shortcut`: a block has one, with a convolution where it changes the shape."""
    grouped: bool = False
    """Whether a stage takes `group_width`."""
    fits_groups: bool = False
    """Whether a group has the largest number of channels that divides `group_width` and the width that is expanded,
    in place of `group_width` itself."""
    groups_input: bool = False
    """Whether the channels of a group are those of the block's input, which the grouped convolution expands; they
    are those of the inner width where it keeps that width."""
    starts: bool = False
    """Whether a stage takes `start_kernel`. Then 1 as either kernel leaves that convolution out."""
    mixes: bool = False
    """Whether a stage takes `kernel_count`, `expand_groups` and `project_groups`, for convolutions in parts."""
    narrows: bool = False
    """Whether `expansion` is output width / inner width (a bottleneck), in place of inner width / input width."""
    in_stages: bool = True
    """Whether a stage of a baseline file may be of this kind."""
    in_stem: bool = False
    """Whether the stem may be of this kind."""
    deepens: bool = True
    """Whether a further block can start as the identity, so that a network can grow deeper."""
    acts_on_sum: bool = False
    """Whether the activation follows the sum of branch and shortcut. Then it must be idempotent to deepen."""
    widens: bool = True
    """Whether old channels can keep their place and values where new channels join them."""
    in_pool: bool = False
    """Whether the layer behind the stem, of stride 2, may be of this kind."""
    has_shares: bool = False
    """Whether a stem of this kind has `shares`: convolutions before the last, each of a share of its width."""
    patches: bool = False
    """Whether a strided convolution takes whole patches of side `stride`, without padding."""
    ungated: str | None = None
    """The kind that this one equals where `se` is 0; None: it equals no other."""
    deployed: str | None = None
    """The kind that this one is folded into for inference, with the same output; None: it has no other form."""
    saved: Callable[[BlockShape], int] | None = None
    """The function that counts the elements saved for the backward pass, for one image, in addition to those of the
    layers; None: there are none."""
    timm: tuple[str, ...] = ()
    """The blocks of timm's architecture strings that equal this kind, such as the `ir` of `ir_r2_k3_s2_e6_c24`.

    There is one for an expansion above 1 and one for 1, or one for both, with `_skip` where timm needs the flag.
    The tuple is empty where timm has no such block.
    """
    torchvision: str | None = None
    """The class of the rows of torchvision's EfficientNet; None: torchvision has no such block."""
    resnet: str | None = None
    """The class of the block in the ResNets of timm and torchvision; None: they have no such block."""

    def out_px(self, px: ImageSize, stride: int) -> ImageSize:
        """Return the size of the output: ⌊px/stride⌋ for patches, else ⌈px/stride⌉.

        The latter holds for TensorFlow's SAME padding and for torch's padding of k//2.
        """
        return px // stride if self.patches else -(-px // stride)

    def smallest_px(self, px: int, stride: int) -> int:
        """Return the smallest side of an input whose output has side `px`.

        The next `stride − 1` larger sides have the same output side.
        """
        return px * stride if self.patches else (px - 1) * stride + 1


def _wide(
    layers: Callable[[BlockShape], Iterator[Layer]], acts_on_sum: bool = False, widens: bool = True
) -> BlockSpec:
    """Return the spec of a bottleneck that is wider inside than outside."""
    return BlockSpec(
        layers,
        smooths=True,
        expands=True,
        squeezes=True,
        gates=_BOTTLENECK_GATES,
        projects=True,
        grouped=True,
        fits_groups=True,
        acts_on_sum=acts_on_sum,
        widens=widens,
    )


_HARD_GATES: tuple[GateName, ...] = ("mobilenet_v3", "mobilenet_v3_rw", "fbnet_v3")
_BOTTLENECK_GATES: tuple[GateName, ...] = ("senet", "senet_inner", "eca", "eca_inner")
KINDS: dict[str, BlockSpec] = {
    "conv": BlockSpec(conv.layers, deepens=False, in_stem=True, in_pool=True, smooths=True, timm=("cn",)),
    "mbconv": BlockSpec(
        mbconv.layers,
        adds_input=True,
        smooths=True,
        expands=True,
        squeezes=True,
        rounds=True,
        gates=_HARD_GATES,
        ungated="inverted_residual",
        timm=("ir", "ds"),
        torchvision="MBConvConfig",
    ),
    "fused_mbconv": BlockSpec(
        fused_mbconv.layers,
        adds_input=True,
        smooths=True,
        expands=True,
        squeezes=True,
        rounds=True,
        timm=("er", "cn_skip"),
        torchvision="FusedMBConvConfig",
    ),
    "edge_residual": BlockSpec(
        fused_mbconv.expanded_layers,
        adds_input=True,
        smooths=True,
        expands=True,
        squeezes=True,
        rounds=True,
        grouped=True,
        fits_groups=True,
        groups_input=True,
    ),
    "inverted_residual": BlockSpec(
        inverted_residual.layers, adds_input=True, expands=True, rounds=True, smooths=True, timm=("ir", "ds")
    ),
    "mixconv": BlockSpec(
        mixconv.layers, adds_input=True, expands=True, squeezes=True, rounds=True, mixes=True, widens=False
    ),
    "depthwise_separable": BlockSpec(
        depthwise_separable.layers,
        deepens=False,
        squeezes=True,
        gates=("mobilenet_v3",),
        smooths=True,
        timm=("dsa",),
    ),
    "basic": BlockSpec(
        basic.layers, acts_on_sum=True, gates=("senet", "eca"), projects=True, smooths=True, resnet="BasicBlock"
    ),
    "bottleneck": BlockSpec(
        bottleneck.layers,
        acts_on_sum=True,
        smooths=True,
        expands=True,
        squeezes=True,
        gates=_BOTTLENECK_GATES,
        projects=True,
        grouped=True,
        narrows=True,
        resnet="Bottleneck",
    ),
    "wide_bottleneck": _wide(wide_bottleneck.layers, acts_on_sum=True),
    "linear_bottleneck": _wide(wide_bottleneck.linear_layers),
    "inverted_bottleneck": _wide(wide_bottleneck.inverted_layers, widens=False),
    "convnext": BlockSpec(convnext.layers, expands=True, patches=True),
    "convnext_v2": BlockSpec(convnext_v2.layers, deepens=False, expands=True, patches=True),
    "uib": BlockSpec(
        uib.layers,
        adds_input=True,
        smooths=True,
        expands=True,
        squeezes=True,
        rounds=True,
        gates=("mobilenet_v3",),
        starts=True,
        timm=("uir",),
    ),
    "repvgg": BlockSpec(repvgg.layers, deepens=False, in_stem=True, deployed="repvgg_deploy"),
    "repvgg_deploy": BlockSpec(repvgg.deployed_layers, deepens=False, in_stem=True),
    "ghost": BlockSpec(
        ghost.layers, deepens=False, widens=False, expands=True, squeezes=True, rounds=True, gates=("mobilenet_v3",)
    ),
    "deep": BlockSpec(deep.layers, in_stages=False, in_stem=True, has_shares=True),
    "overlap": BlockSpec(overlap.layers, in_stages=False, in_stem=True, has_shares=True),
    "patch": BlockSpec(patch.layers, in_stages=False, in_stem=True, patches=True),
    "max_pool": BlockSpec(ends.no_layers, in_stages=False, in_pool=True, saved=ends.max_pool_saves),
    "max_blur_pool": BlockSpec(ends.max_blur_pool, in_stages=False, in_pool=True, saved=ends.max_blur_pool_saves),
    "avg_pool": BlockSpec(ends.no_layers, in_stages=False, in_pool=True, saved=ends.avg_pool_saves),
    "classifier": BlockSpec(ends.classifier, in_stages=False),
}

STAGE_KINDS = tuple(name for name, kind in KINDS.items() if kind.in_stages)
"""The block kinds that a stage of a baseline file may have."""

STEM_KINDS = tuple(name for name, kind in KINDS.items() if kind.in_stem)
"""The block kinds that the stem of a baseline file may have."""

POOL_KINDS = tuple(name for name, kind in KINDS.items() if kind.in_pool)
"""The block kinds that the layer behind the stem may have."""
