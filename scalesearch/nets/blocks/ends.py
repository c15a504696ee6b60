"""The ends of a network: the stem's max-pool and the classifier."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from scalesearch.design.blocks import Block
from scalesearch.design.norms import NORMS
from scalesearch.nets.blocks.parts import start_small


class MaxPool(nn.MaxPool2d):
    """The pool behind ResNet's stem."""

    def __init__(self, block: Block, _: float) -> None:
        super().__init__(block.kernel, block.stride, block.kernel // 2)


class Classifier(nn.Module):
    """Global average pooling, normalisation where the head has one, and a linear layer."""

    dropout: float = 0.0
    """Share of the pooled features that training drops."""

    def __init__(self, block: Block, _: float) -> None:
        super().__init__()
        (layer,) = block.layers
        self.norm: nn.Module = nn.Identity()
        if layer.pre_norm is not None:
            norm = NORMS[layer.pre_norm]
            assert norm.eps is not None
            self.norm = getattr(nn, norm.torch_class)(layer.in_width, eps=float(norm.eps))
        self.linear = nn.Linear(layer.in_width, layer.out_width)
        if layer.pre_norm is not None:
            start_small(self)

    def forward(self, features_NCHW: torch.Tensor) -> torch.Tensor:
        """Logits (N, classes)."""
        pooled_NC: torch.Tensor = self.norm(features_NCHW.mean((2, 3)))
        if self.dropout and self.training:
            pooled_NC = functional.dropout(pooled_NC, self.dropout)
        logits: torch.Tensor = self.linear(pooled_NC)
        return logits
