"""Networks that a user's own Python function builds: known by their multipliers and by what was counted."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from scalesearch.design.architecture import Architecture
from scalesearch.design.serialization import OMIT_IF_DEFAULT

STORED_A_ACTIVATION = 3
"""Elements kept for the backward pass, over activations: 1.9 (ResNet-50) … 3.3 (B0) for the shipped baselines."""


@dataclass(frozen=True, slots=True)
class FactoryNetwork:
    """What `factory(depth=…, width=…, resolution=…)` builds, with what fvcore counted of it for one image."""

    factory: str
    """`package.module:function`."""
    depth: Decimal
    width: Decimal
    """The multipliers that the function is given; how it rounds is its own affair."""
    resolution: int
    """px"""
    classes: int
    """Logits that the network puts out."""
    macs: int
    params: int
    activations: int
    in_channels: int = field(default=3, metadata=OMIT_IF_DEFAULT)
    """Of the images: what the function's argument of that name says, RGB where it has none."""


Network = Architecture | FactoryNetwork
"""A network that can be counted and trained."""
