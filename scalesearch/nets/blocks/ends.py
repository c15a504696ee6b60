"""The ends of a network: the stem's max-pool and the classifier."""

from __future__ import annotations

import torch
from torch import nn

from scalesearch.design.blocks import Block
from scalesearch.nets.blocks.parts import Norms


class MaxPool(nn.MaxPool2d):
    """The pool behind ResNet's stem."""

    def __init__(self, block: Block, _: Norms) -> None:
        super().__init__(block.kernel, block.stride, block.kernel // 2)


class Classifier(nn.Module):
    """Global average pooling and a linear layer."""

    def __init__(self, block: Block, _: Norms) -> None:
        super().__init__()
        (layer,) = block.layers
        self.linear = nn.Linear(layer.in_width, layer.out_width)

    def forward(self, features_NCHW: torch.Tensor) -> torch.Tensor:
        """Logits (N, classes)."""
        logits: torch.Tensor = self.linear(features_NCHW.mean((2, 3)))
        return logits
