"""What each block kind consists of; `nets.blocks` says how it is wired.

A kind is one module here (its layers, in the order in which data meets them), one there, and a line in the table of
each. Whatever else depends on the kind (files, costs, exports, readers) asks these tables.
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
    depthwise_separable,
    ends,
    fused_mbconv,
    ghost,
    inverted_residual,
    mbconv,
    patch,
    repvgg,
    uib,
)
from scalesearch.design.block_shape import BlockShape
from scalesearch.design.layers import Layer


@dataclass(frozen=True, slots=True)
class Kind:
    """A block kind: its layers, and which of a stage's keys it knows."""

    layers: Callable[[BlockShape], Iterator[Layer]]
    expands: bool = False
    """Takes `expansion`."""
    squeezes: bool = False
    """Takes `se`."""
    rounds: bool = False
    """Takes an `expansion` that is a fraction, and with `se` another `gate`."""
    grouped: bool = False
    """Takes `group_width`."""
    starts: bool = False
    """Takes `start_kernel`, and of both kernels 1 for a convolution that is left out."""
    narrows: bool = False
    """`expansion` is the output's width over the inner one, not the inner one over the input's."""
    in_stages: bool = True
    """Whether a stage of a baseline file may name it."""
    in_stem: bool = False
    """Whether the stem may be one."""
    patches: bool = False
    """Whether a stride takes whole patches of its own side, without padding, in place of centres."""
    ungated: str | None = None
    """The kind that it is where `se` is 0; None: it is its own."""
    deployed: str | None = None
    """The kind that it is folded into for inference, with the same output; None: it has no other form."""
    saved: Callable[[BlockShape], int] | None = None
    """Elements that training keeps for one image beside those of the layers; None: nothing."""
    timm: tuple[str, ...] = ()
    """Blocks of timm's architecture strings that it is, such as the `ir` of `ir_r2_k3_s2_e6_c24`: that with an
    expansion above 1 and that with 1, or one; `_skip` where timm needs the flag. Empty: timm has no such block."""
    torchvision: str | None = None
    """Class of the rows of torchvision's EfficientNet; None: it has no such block."""
    resnet: str | None = None
    """Class of the block in both libraries' ResNet; None: it has no such block."""

    def out_px(self, px: int, stride: int) -> int:
        """Side of the output: ⌊px/stride⌋ patches, else ⌈px/stride⌉, TensorFlow's SAME and torch's padding k//2."""
        return px // stride if self.patches else -(-px // stride)

    def smallest_px(self, px: int, stride: int) -> int:
        """The smallest side of an input whose output has `px`; so have the `stride − 1` next larger."""
        return px * stride if self.patches else (px - 1) * stride + 1


KINDS: dict[str, Kind] = {
    "conv": Kind(conv.layers, in_stem=True, timm=("cn",)),
    "mbconv": Kind(
        mbconv.layers,
        expands=True,
        squeezes=True,
        rounds=True,
        ungated="inverted_residual",
        timm=("ir", "ds"),
        torchvision="MBConvConfig",
    ),
    "fused_mbconv": Kind(
        fused_mbconv.layers,
        expands=True,
        squeezes=True,
        timm=("er", "cn_skip"),
        torchvision="FusedMBConvConfig",
    ),
    "inverted_residual": Kind(inverted_residual.layers, expands=True, rounds=True, timm=("ir", "ds")),
    "depthwise_separable": Kind(depthwise_separable.layers, timm=("dsa",)),
    "basic": Kind(basic.layers, resnet="BasicBlock"),
    "bottleneck": Kind(
        bottleneck.layers, expands=True, squeezes=True, grouped=True, narrows=True, resnet="Bottleneck"
    ),
    "convnext": Kind(convnext.layers, expands=True, patches=True),
    "convnext_v2": Kind(convnext_v2.layers, expands=True, patches=True),
    "uib": Kind(uib.layers, expands=True, rounds=True, starts=True),
    "repvgg": Kind(repvgg.layers, in_stem=True, deployed="repvgg_deploy"),
    "repvgg_deploy": Kind(repvgg.deployed_layers, in_stem=True),
    "ghost": Kind(ghost.layers, expands=True, squeezes=True, rounds=True),
    "patch": Kind(patch.layers, in_stages=False, in_stem=True, patches=True),
    "max_pool": Kind(ends.max_pool, in_stages=False, saved=ends.max_pool_saves),
    "classifier": Kind(ends.classifier, in_stages=False),
}

STAGE_KINDS = tuple(name for name, kind in KINDS.items() if kind.in_stages)
"""The block kinds that a stage of a baseline file may name."""

STEM_KINDS = tuple(name for name, kind in KINDS.items() if kind.in_stem)
"""The block kinds that the stem of a baseline file may name."""
