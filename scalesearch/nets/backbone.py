"""Use a network without its classifier: feature maps for a decoder of segmentation or detection."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from torch import Tensor, nn

from scalesearch.design.features import Level


class Backbone(nn.Module):
    """Maps images to the last feature map of each stride.

    Images are (N, channels, H, W), maps (N, channels, ⌈H/stride⌉, ⌈W/stride⌉). For a network of patches the sides
    are ⌊H/stride⌋ and ⌊W/stride⌋.

    The blocks are the network's own, under their names. Training one therefore trains the other, and the tensors of
    `state_dict()` are those of the `ConvNet` except for head and classifier.
    """

    def __init__(self, blocks: nn.Sequential, levels: Sequence[Level]) -> None:
        """Take the blocks of a network up to the last of its `levels` (`feature_levels`)."""
        super().__init__()
        self.strides = tuple(level.stride for level in levels)
        """The stride of each map: px of the image per position of the map."""
        self.channels = tuple(level.channels for level in levels)
        """The channels of each map."""
        self._output_blocks = frozenset(child_name(level.block) for level in levels)
        last = child_name(levels[-1].block)
        children = OrderedDict(blocks.named_children())
        names = list(children)
        for name in names[: names.index(last) + 1]:
            self.add_module(name, children[name])

    def forward(self, images_NCHW: Tensor) -> list[Tensor]:
        """Return the maps, from the finest to the coarsest."""
        maps, features_NCHW = [], images_NCHW
        for name, block in self.named_children():
            features_NCHW = block(features_NCHW)
            if name in self._output_blocks:
                maps.append(features_NCHW)
        return maps


def child_name(block: str) -> str:
    """Return torch's name of a block of `Architecture.walk()`."""
    return block.replace(".", "_")
