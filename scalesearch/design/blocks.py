"""One block of a network: its kind and sizes, and the layers that follow from them."""

from __future__ import annotations

from dataclasses import dataclass

from scalesearch.design.block_kinds import KINDS
from scalesearch.design.block_shape import BlockShape
from scalesearch.design.layers import Layer


@dataclass(frozen=True, slots=True)
class Block(BlockShape):
    """One block of a network."""

    @property
    def out_px(self) -> int:
        """Side of the output: ⌈in/stride⌉, or the whole patches ⌊in/stride⌋."""
        return KINDS[self.kind].out_px(self.in_px, self.stride)

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The block's layers in the order in which data meets them."""
        return tuple(KINDS[self.kind].layers(self))

    @property
    def stored(self) -> int:
        """Elements that training keeps for one image beside those of the layers."""
        saved = KINDS[self.kind].saved
        return 0 if saved is None else saved(self)
