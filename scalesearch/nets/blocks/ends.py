"""Build the ends of a network: the stem's max-pool and the classifier."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import nn
from torch.nn import functional

from scalesearch.design.blocks import Block
from scalesearch.design.norms import NORMS
from scalesearch.nets.blocks.parts import conv_norm_act, init_trunc_normal, make_activation
from scalesearch.nets.blocks.plain_parts import BlurPool


class MaxPool(nn.MaxPool2d):
    """Applies the pool after ResNet's stem."""

    def __init__(self, block: Block, _: float) -> None:
        super().__init__(block.kernel, block.stride, block.kernel // 2)


class MaxBlurPool(nn.Sequential):
    """Applies a max-pool of stride 1 and a smoothing that strides."""

    def __init__(self, block: Block, _: float) -> None:
        pool = nn.MaxPool2d(block.kernel, 1, block.kernel // 2)
        super().__init__(pool, BlurPool(block.in_width, block.stride, "reflect"))


class AvgPool(nn.AvgPool2d):
    """Applies the mean of 2×2 places; at the end of an odd side, of the places that there are."""

    def __init__(self, block: Block, _: float) -> None:
        super().__init__(block.stride, block.stride, ceil_mode=True)


class Classifier(nn.Module):
    """Applies global average pooling, the head's normalisation if it has one, and a linear layer.

    A head with a hidden layer has another linear layer and an activation before the last one.
    """

    dropout: float = 0.0
    """The share of the last linear layer's inputs that training drops."""

    def __init__(self, block: Block, eps: float) -> None:
        super().__init__()
        first, last = block.layers[0], block.layers[-1]
        self.norm: nn.Module = nn.Identity()
        if first.pre_norm is not None:
            norm = NORMS[first.pre_norm]
            assert norm.eps is not None
            self.norm = getattr(nn, norm.torch_class)(first.in_width, eps=float(norm.eps))
        self.hidden: nn.Module = nn.Identity()
        if block.hidden_norm is not None:
            # A convolution of 1×1 maps, as in timm, so that batch norm is torch's class for maps.
            layer = conv_norm_act(replace(first, pre_norm=None), eps)
            self.hidden = nn.Sequential(nn.Unflatten(1, (first.in_width, 1, 1)), *layer, nn.Flatten())
        elif block.hidden is not None:
            self.hidden = nn.Sequential(
                nn.Linear(first.in_width, first.out_width, first.bias), make_activation(first)
            )
        self.linear = nn.Linear(last.in_width, last.out_width)
        if first.pre_norm is not None:
            init_trunc_normal(self)

    def forward(self, features_NCHW: torch.Tensor) -> torch.Tensor:
        """Return logits (N, classes)."""
        return self.logits_of(features_NCHW.mean((2, 3)))

    def logits_of(self, pooled_NC: torch.Tensor) -> torch.Tensor:
        """Return logits (N, classes) of pooled features."""
        features_NF: torch.Tensor = self.hidden(self.norm(pooled_NC))
        if self.dropout and self.training:
            features_NF = functional.dropout(features_NF, self.dropout)
        logits: torch.Tensor = self.linear(features_NF)
        return logits
