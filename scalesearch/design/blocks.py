"""Define a block of a network: its kind and sizes, and the layers that follow from them."""

from __future__ import annotations

from dataclasses import dataclass

from scalesearch.design.block_kinds import KINDS
from scalesearch.design.block_shape import BlockShape
from scalesearch.design.images import ImageSize
from scalesearch.design.layers import Layer


@dataclass(frozen=True, slots=True)
class Block(BlockShape):
    """A block is a block shape with the layers of its kind."""

    @property
    def out_px(self) -> ImageSize:
        """The size of the output (px): ⌈in/stride⌉, or for kinds that take patches ⌊in/stride⌋."""
        return KINDS[self.kind].out_px(self.in_px, self.stride)

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The block's layers in the order in which data meets them."""
        return tuple(KINDS[self.kind].layers(self))

    @property
    def stored(self) -> int:
        """The elements saved for the backward pass, for one image, in addition to those of the layers."""
        saved = KINDS[self.kind].saved
        return 0 if saved is None else saved(self)
