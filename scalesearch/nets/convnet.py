"""Build a torch network from an `Architecture`, block by block along its walk."""

from __future__ import annotations

from collections.abc import Iterator

from torch import nn

from scalesearch.design.architecture import Architecture
from scalesearch.design.features import feature_levels
from scalesearch.nets.backbone import Backbone, child_name
from scalesearch.nets.blocks import BLOCKS
from scalesearch.nets.blocks.ends import Classifier
from scalesearch.nets.blocks.plain_parts import pad_same, set_layer_norm_eps
from scalesearch.nets.blocks.residual import Residual


class ConvNet(nn.Sequential):
    """Maps images (N, in_channels, H, W) to logits (N, classes).

    Its children are the blocks of `Architecture.walk()`. Weights are initialised as in torch, unlike tensorflow/tpu
    `efficientnet_model.py` (variance 2 / fan-out), except for block kinds with an initialisation of their own.
    """

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        eps = float(architecture.batch_norm_eps)
        for block in architecture.walk():
            self.add_module(child_name(block.name), BLOCKS[block.kind].module(block, eps))
        set_layer_norm_eps(self, float(architecture.layer_norm_eps))
        if architecture.padding == "same":
            pad_same(self)
        self._levels = feature_levels(architecture)

    def features_only(self) -> Backbone:
        """Return the network as a backbone: the last feature map of each stride, from these same blocks."""
        return Backbone(self, self._levels)

    def residual_blocks(self) -> Iterator[Residual]:
        """Return the blocks that may have a shortcut, from the input on."""
        return (module for module in self if isinstance(module, Residual))

    def zero_residual_branches(self) -> None:
        """Initialise every residual branch at zero: the last batch-norm scale (Goyal et al. 2017, section 5.1).

        A branch that ends in layer scale starts close to zero by itself.
        """
        for block in self.residual_blocks():
            if block.last_norm is not None:
                nn.init.zeros_(block.last_norm.weight)

    def set_dropout(self, rate: float) -> None:
        """Set the rate of dropout before the classifier, used in training."""
        *_, classifier = self
        assert isinstance(classifier, Classifier)
        classifier.dropout = rate

    def set_drop_path(self, rate: float) -> None:
        """Set stochastic depth: in training, block i of n loses its branch with probability rate · i/n.

        As in tensorflow/tpu `efficientnet_model.py` (`survival_prob`), the rate grows linearly with the block's
        position among all stage blocks, from 0 at the first.

        Args:
            rate: in 0 … 1; EfficientNet's survival of 0.8 is a rate of 0.2.
        """
        blocks = [name for name, _ in self.named_children() if name.startswith("stages_")]
        for index, name in enumerate(blocks):
            block = self.get_submodule(name)
            if isinstance(block, Residual):
                block.survival = 1 - rate * index / len(blocks)
