"""What each block kind consists of; `nets.blocks` says how it is wired.

A kind is one module here (its layers, in the order in which data meets them) and one there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from scalesearch.design.block_kinds import (
    basic,
    bottleneck,
    conv,
    depthwise_separable,
    ends,
    fused_mbconv,
    inverted_residual,
    mbconv,
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
    narrows: bool = False
    """`expansion` is the output's width over the inner one, not the inner one over the input's."""
    in_stages: bool = True
    """Whether a stage of a baseline file may name it."""


KINDS: dict[str, Kind] = {
    "conv": Kind(conv.layers),
    "mbconv": Kind(mbconv.layers, expands=True, squeezes=True),
    "fused_mbconv": Kind(fused_mbconv.layers, expands=True, squeezes=True),
    "inverted_residual": Kind(inverted_residual.layers, expands=True),
    "depthwise_separable": Kind(depthwise_separable.layers),
    "basic": Kind(basic.layers),
    "bottleneck": Kind(bottleneck.layers, expands=True, narrows=True),
    "max_pool": Kind(ends.max_pool, in_stages=False),
    "classifier": Kind(ends.classifier, in_stages=False),
}

STAGE_KINDS = tuple(name for name, kind in KINDS.items() if kind.in_stages)
"""The block kinds that a stage of a baseline file may name."""
