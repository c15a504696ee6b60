"""How each block kind is wired in torch; what it consists of stands in `design.blocks`."""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from scalesearch.design.blocks import Block
from scalesearch.nets.blocks.basic import Classifier, Conv
from scalesearch.nets.blocks.mbconv import MBConv
from scalesearch.nets.blocks.parts import Norms

BLOCKS: dict[str, Callable[[Block, Norms], nn.Module]] = {
    "conv": Conv,
    "mbconv": MBConv,
    "classifier": Classifier,
}
"""The wiring of every kind in `design.blocks.LAYERS`."""
