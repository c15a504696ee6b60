"""What timm and torchvision do to a network's numbers, and how two architectures are told to be one network."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from scalesearch.design.architecture import DEFAULT_INNER_DIVISOR, Architecture, Stage
from scalesearch.design.block_kinds import KINDS
from scalesearch.design.blocks import Block
from scalesearch.design.exact import plain

COLOUR = 3
"""Channels that both libraries' networks take where nothing else is said; torchvision's take no others."""
RESNET_WIDTHS = (64, 128, 256, 512)
RESNET_STRIDES = (1, 2, 2, 2)


def make_divisible(value: float, divisor: int = 8) -> int:
    """As timm `layers/helpers.py` and torchvision `_utils.py`: the nearest multiple, up where that loses 10 %.

    In floats, as there: ours (`design.rounding.round_filters`) is exact.
    """
    rounded = max(divisor, int(value + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * value else rounded


def same_network(architecture: Architecture) -> Architecture:
    """One value for all architectures that are the same network.

    Some kinds without a gate are another kind, a stage may state the network's activation, a group of all channels
    is none, and what a multiplier leaves alone is no part of the network.
    """
    own = architecture.activation
    stages = tuple(
        replace(
            stage,
            kind=stage.effective_kind,
            depth_fixed=False,
            group_width=None if stage.groups == 1 else stage.group_width,
            activation=None if stage.activation == own else stage.activation,
        )
        for stage in architecture.stages
    )
    return replace(
        architecture,
        stages=stages,
        inner_divisor=architecture.inner_divisor if architecture.rounds else DEFAULT_INNER_DIVISOR,
        stem=replace(architecture.stem, fixed=False),
        head=replace(architecture.head, fixed=False),
    )


def is_resnet(architecture: Architecture) -> bool:
    """Whether a stage has blocks of a ResNet."""
    return any(KINDS[stage.kind].resnet for stage in architecture.stages)


def end_reasons(architecture: Architecture) -> Iterator[str]:
    """Why a network's ends are not those of either library's networks with batch norm."""
    stem, norm = architecture.stem, architecture.head.norm
    if stem.kind != "conv":
        yield f"the stem is {stem.kind}, which the library's networks with batch norm lack"
    if norm is not None:
        yield f"the head has {norm}, which the library's networks with batch norm lack"


def uniform_reasons(architecture: Architecture) -> Iterator[str]:
    """Why a network has what a library's networks of one activation and one form of block lack."""
    if architecture.head.hidden is not None:
        yield "the head has a hidden layer, which the library's network lacks"
    for number, stage in enumerate(architecture.stages, start=1):
        if stage.activation not in (None, architecture.activation):
            yield f"stage {number} has {stage.activation}, but the library's network {architecture.activation} only"
        if stage.gate is not None:
            yield f"stage {number} has the gate {stage.gate}, which the library's network lacks"
        if not isinstance(stage.expansion, int):
            yield f"stage {number} has expansion {plain(stage.expansion)}, but the library's are whole numbers"


def stage_blocks(architecture: Architecture) -> Iterator[tuple[int, Stage, Block]]:
    """Every block of the stages, with its stage and the stage's number from 1."""
    blocks = (block for block in architecture.walk() if block.name.startswith("stages."))
    for number, stage in enumerate(architecture.stages, start=1):
        for _ in range(stage.depth):
            yield number, stage, next(blocks)


def squeezed(block: Block) -> int:
    """The squeeze width that our closed form counts for a gated block."""
    return next(layer.out_width for layer in block.layers if layer.role == "squeeze")
