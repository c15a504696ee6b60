"""Map each block kind to its torch modules; `design.block_kinds` defines the layers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from torch import nn

from scalesearch.design.blocks import Block
from scalesearch.nets.blocks import plain_parts
from scalesearch.nets.blocks.basic import Basic, BasicBlock
from scalesearch.nets.blocks.bottleneck import Bottleneck, BottleneckBlock, GatedBottleneck
from scalesearch.nets.blocks.chain import ConvSequence, deep, gated_separable, hard_gated_separable, separable
from scalesearch.nets.blocks.convnext import ConvNeXt, ConvNeXtBlock, ConvNeXtV2
from scalesearch.nets.blocks.ends import AvgPool, Classifier, MaxBlurPool, MaxPool
from scalesearch.nets.blocks.full_resnet import FullBasic, FullBottleneck
from scalesearch.nets.blocks.ghost import GatedGhost, Ghost, GhostBlock, HardGatedGhost
from scalesearch.nets.blocks.mbconv import (
    ActiveHardGatedMBConv,
    EdgeResidual,
    FBNetMBConv,
    FusedMBConv,
    GatedFusedMBConv,
    HardGatedMBConv,
    InvertedResidual,
    MBConv,
    MBConvBlock,
    MixConv,
)
from scalesearch.nets.blocks.patch import PatchBlock, overlap, patch
from scalesearch.nets.blocks.repvgg import RepVGG, RepVGGBlock, deployed_repvgg, fold
from scalesearch.nets.blocks.uib import (
    GatedUniversalInvertedBottleneck,
    HardGatedUniversalInvertedBottleneck,
    UIBBlock,
    UniversalInvertedBottleneck,
)
from scalesearch.nets.blocks.wide_bottleneck import InvertedBottleneck, LinearBottleneck, WideBottleneck


@dataclass(frozen=True, slots=True)
class TorchBlock:
    """Describes a block kind in torch twice: as it is trained here, and as an exported source file defines it."""

    module: Callable[[Block, float], nn.Module]
    """Builds the trained module from the block's sizes and batch norm's epsilon."""
    plain: Callable[..., nn.Module] | None = None
    """The definition in an exported source file, with the same tensors in the same order. It is called with inputs,
    outputs, kernel, stride and, where the kind has one, expansion. None: the kind is not exported as source."""
    plain_gated: Callable[..., nn.Module] | None = None
    """The definition where the stage has `se`, which it takes too."""
    plain_gates: Mapping[str, Callable[..., nn.Module]] = field(default_factory=dict)
    """The definition by the stage's `gate`, where it has one."""
    plain_full: Callable[..., nn.Module] | None = None
    """The definition with any gate of `plain_parts.GATES` and any shortcut of `plain_parts.SHORTCUTS`."""
    fold: Callable[[nn.Module, nn.Module], None] | None = None
    """Gives the module of the kind's `deployed` form the weights of a trained one, for equal outputs in eval."""


def _wide(plain: Callable[..., nn.Module]) -> TorchBlock:
    """Return the description of a bottleneck whose definition takes any gate and any shortcut."""
    return TorchBlock(BottleneckBlock, plain, plain, plain_full=plain)


BLOCKS: dict[str, TorchBlock] = {
    "conv": TorchBlock(ConvSequence, plain_parts.conv),
    "mbconv": TorchBlock(
        MBConvBlock,
        plain_gated=MBConv,
        plain_gates={
            "mobilenet_v3": HardGatedMBConv,
            "mobilenet_v3_rw": ActiveHardGatedMBConv,
            "fbnet_v3": FBNetMBConv,
        },
    ),
    "fused_mbconv": TorchBlock(MBConvBlock, FusedMBConv, GatedFusedMBConv),
    "edge_residual": TorchBlock(MBConvBlock, EdgeResidual, EdgeResidual),
    "mixconv": TorchBlock(MBConvBlock, MixConv, MixConv),
    "inverted_residual": TorchBlock(MBConvBlock, InvertedResidual),
    "depthwise_separable": TorchBlock(
        ConvSequence, separable, gated_separable, {"mobilenet_v3": hard_gated_separable}
    ),
    "basic": TorchBlock(BasicBlock, Basic, plain_full=FullBasic),
    "bottleneck": TorchBlock(BottleneckBlock, Bottleneck, GatedBottleneck, plain_full=FullBottleneck),
    "wide_bottleneck": _wide(WideBottleneck),
    "linear_bottleneck": _wide(LinearBottleneck),
    "inverted_bottleneck": _wide(InvertedBottleneck),
    "convnext": TorchBlock(ConvNeXtBlock, ConvNeXt),
    "convnext_v2": TorchBlock(ConvNeXtBlock, ConvNeXtV2),
    "uib": TorchBlock(
        UIBBlock,
        UniversalInvertedBottleneck,
        GatedUniversalInvertedBottleneck,
        {"mobilenet_v3": HardGatedUniversalInvertedBottleneck},
    ),
    "repvgg": TorchBlock(RepVGGBlock, RepVGG, fold=fold),
    "repvgg_deploy": TorchBlock(ConvSequence, deployed_repvgg),
    "ghost": TorchBlock(GhostBlock, Ghost, GatedGhost, {"mobilenet_v3": HardGatedGhost}),
    "deep": TorchBlock(ConvSequence, deep),
    "overlap": TorchBlock(PatchBlock, overlap),
    "patch": TorchBlock(PatchBlock, patch),
    "max_pool": TorchBlock(MaxPool),
    "avg_pool": TorchBlock(AvgPool),
    "max_blur_pool": TorchBlock(MaxBlurPool),
    "classifier": TorchBlock(Classifier),
}
"""Every kind in `design.block_kinds.KINDS`."""
