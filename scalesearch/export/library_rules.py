"""How timm and torchvision round and restrict networks, and whether two architectures are the same network."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from scalesearch.design.activations import ACTIVATIONS
from scalesearch.design.architecture import DEFAULT_INNER_DIVISOR, Architecture, Stage
from scalesearch.design.block_kinds import KINDS
from scalesearch.design.blocks import Block
from scalesearch.design.decimals import format_decimal

COLOUR = 3
"""The default number of input channels of both libraries' networks; torchvision's accept no other."""
RESNET_WIDTHS = (64, 128, 256, 512)
"""The planes of the stages of a ResNet."""
RESNET_STRIDES = (1, 2, 2, 2)
"""The strides of the stages of a ResNet."""


def make_divisible(value: float, divisor: int = 8, least: int | None = None, limit: float = 0.9) -> int:
    """Round to the nearest multiple, up if rounding down would leave less than `limit` of the value, in floats.

    timm's `layers/helpers.py` and torchvision's `_utils.py` round like this, to `least` (by default the divisor) or
    more. Our own rule (`design.rounding.round_filters`) is exact.
    """
    rounded = max(least or divisor, int(value + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < limit * value else rounded


def same_network(architecture: Architecture) -> Architecture:
    """Return a canonical form: equal for all architectures that are the same network.

    Some kinds without a gate are another kind, a stage may state the activation of the network, a single group of
    all channels is no grouping, and sizes that are exempt from scaling do not change the network.
    """
    activation = architecture.activation
    stages = tuple(
        replace(
            stage,
            kind=stage.effective_kind,
            depth_fixed=False,
            group_width=None if stage.groups == 1 else stage.group_width,
            activation=None if stage.activation == activation else stage.activation,
            antialias=None if stage.stride == 1 else stage.antialias,
            residual=stage.residual or not _keeps_shape(architecture, number),
        )
        for number, stage in enumerate(architecture.stages)
    )
    return replace(
        architecture,
        stages=stages,
        inner_divisor=architecture.inner_divisor if architecture.rounds else DEFAULT_INNER_DIVISOR,
        stem=replace(architecture.stem, fixed=False),
        head=replace(architecture.head, fixed=False),
    )


def _keeps_shape(architecture: Architecture, number: int) -> bool:
    """Return whether any block of a stage (from 0) has an output of its input's shape."""
    stage, widths = architecture.stages[number], architecture.widths
    return stage.depth > 1 or (stage.stride == 1 and widths[number] == stage.width)


def is_resnet(architecture: Architecture) -> bool:
    """Return whether a stage has blocks of a ResNet."""
    return any(KINDS[stage.kind].resnet for stage in architecture.stages)


def end_reasons(architecture: Architecture) -> Iterator[str]:
    """Yield why the stem or the head is not one of either library's networks with batch norm."""
    stem, norm = architecture.stem, architecture.head.norm
    if not ACTIVATIONS[architecture.activation].in_torch:
        yield f"the activation is {architecture.activation}, which is not written for the library"
    if stem.pool_kind != "max_pool":
        yield f"the layer behind the stem is {stem.pool_kind}, which is not written for the library"
    if stem.kind != "conv":
        yield f"the stem is {stem.kind}, which the library's networks with batch norm lack"
    if norm is not None:
        yield f"the head has {norm}, which the library's networks with batch norm lack"


def uniform_reasons(architecture: Architecture) -> Iterator[str]:
    """Yield what this network has that a library's networks of one activation and one form of block lack."""
    if architecture.padding != "symmetric":
        yield f"the padding is {architecture.padding}, but the library's network pads symmetrically"
    if architecture.head.hidden is not None:
        yield "the head has a hidden layer, which the library's network lacks"
    for number, stage in enumerate(architecture.stages, start=1):
        if stage.activation not in (None, architecture.activation):
            yield f"stage {number} has {stage.activation}, but the library's network {architecture.activation} only"
        if stage.gate is not None:
            yield f"stage {number} has the gate {stage.gate}, which the library's network lacks"
        if not stage.residual:
            yield f"stage {number} has no residual connections, which is not written for the library"
        if stage.antialias is not None:
            yield f"stage {number} has antialias {stage.antialias}, which is not written for the library"
        if stage.shortcut is not None:
            yield f"stage {number} has the shortcut {stage.shortcut}, which is not written for the library"
        if not isinstance(stage.expansion, int):
            expansion = format_decimal(stage.expansion)
            yield f"stage {number} has expansion {expansion}, but the library's are whole numbers"


def stage_blocks(architecture: Architecture) -> Iterator[tuple[int, Stage, Block]]:
    """Yield the number of the stage (from 1), the stage and the block, for every block of the stages."""
    blocks = (block for block in architecture.walk() if block.name.startswith("stages."))
    for number, stage in enumerate(architecture.stages, start=1):
        for _ in range(stage.depth):
            yield number, stage, next(blocks)


def squeeze_width(block: Block) -> int:
    """Return the squeeze width that our closed form counts for a block with squeeze-and-excitation."""
    return next(layer.out_width for layer in block.layers if layer.role == "squeeze")
