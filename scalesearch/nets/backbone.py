"""A network as a backbone: its feature maps, for a detector's or a segmentation's own head."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from scalesearch.design.architecture import Architecture
from scalesearch.design.levels import levels
from scalesearch.nets.convnet import ConvNet


class Backbone(nn.Module):
    """Images (N, 3, H, W) → the last feature map of each stride, without head and classifier.

    As timm's `features_only`. The children have the names of the `ConvNet`'s, and so have the weights.
    """

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.levels = levels(architecture)
        last = {level.part: level for level in self.levels}
        names = [block.name for block in architecture.walk()]
        own = [name for name in names if name not in ("head", "classifier")]
        for name in own:
            self.add_module(name.replace(".", "_"), ConvNet(architecture).get_submodule(name.replace(".", "_")))
