"""The parts that blocks are made of, built from the layers that the cost counts."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from scalesearch.design.activations import torch_class
from scalesearch.design.layers import Layer
from scalesearch.nets.depthwise import DepthwiseConv2d, PointwiseConv2d


@dataclass(frozen=True, slots=True)
class Norms:
    """What follows a convolution, for the whole network: the activation, batch norm's epsilon."""

    activation: str
    eps: float

    def act(self) -> nn.Module:
        """A fresh activation module."""
        module: nn.Module = getattr(nn, torch_class(self.activation))()
        return module


def convolution(layer: Layer) -> nn.Conv2d:
    """The layer's convolution, padded by kernel//2, in the form that trains fastest on a CPU."""
    if layer.depthwise:
        return DepthwiseConv2d(layer.in_width, layer.kernel, layer.stride, bias=layer.bias)
    if layer.kernel == 1:
        return PointwiseConv2d(layer.in_width, layer.out_width, layer.stride, bias=layer.bias)
    padding = layer.kernel // 2
    return nn.Conv2d(layer.in_width, layer.out_width, layer.kernel, layer.stride, padding, bias=layer.bias)


def conv_norm(layer: Layer, norms: Norms) -> nn.Sequential:
    """Convolution, batch norm and, where the layer has one, the activation."""
    parts = nn.Sequential(convolution(layer))
    if layer.norm:
        parts.append(nn.BatchNorm2d(layer.out_width, eps=norms.eps))
    if layer.activation:
        parts.append(norms.act())
    return parts


def norm_of(part: nn.Module) -> nn.BatchNorm2d:
    """The batch norm of a `conv_norm`."""
    return next(one for one in part.modules() if isinstance(one, nn.BatchNorm2d))


class SqueezeExcite(nn.Module):
    """Channel gates from the pooled map: x · σ(W₂ act(W₁ mean(x))) (Hu et al. 2018)."""

    def __init__(self, squeeze: Layer, excite: Layer, norms: Norms) -> None:
        super().__init__()
        self.squeeze = convolution(squeeze)
        self.act = norms.act()
        self.excite = convolution(excite)

    def forward(self, features_NCHW: torch.Tensor) -> torch.Tensor:
        """Same shape as the input."""
        pooled = features_NCHW.mean((2, 3), keepdim=True)
        gates: torch.Tensor = self.excite(self.act(self.squeeze(pooled))).sigmoid()
        return features_NCHW * gates
