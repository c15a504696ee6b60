"""The ends of a network: the stem's max-pool and the classifier."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from scalesearch.design.layers import Layer

if TYPE_CHECKING:
    from scalesearch.design.blocks import Block


def max_pool(_: Block) -> Iterator[Layer]:
    """Nothing that the paper's multiply-adds count."""
    yield from ()


def classifier(block: Block) -> Iterator[Layer]:
    """Global average pooling, then a linear layer with a bias."""
    yield Layer("linear", block.in_width, block.out_width, 1, 1, bias=True, norm=False, activation=False)
