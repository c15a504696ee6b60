"""MBConv: the inverted residual with squeeze-and-excitation (Tan & Le 2019)."""

from __future__ import annotations

import torch
from torch import nn

from scalesearch.design.blocks import Block
from scalesearch.nets.blocks.parts import Norms, SqueezeExcite, conv_norm


class MBConv(nn.Module):
    """Expand 1×1, depthwise k×k, squeeze-and-excite, project 1×1; a shortcut where shapes allow it."""

    def __init__(self, block: Block, norms: Norms) -> None:
        super().__init__()
        layers = {layer.role: layer for layer in block.layers}
        self.expand = conv_norm(layers["expand"], norms) if "expand" in layers else nn.Identity()
        self.depthwise = conv_norm(layers["depthwise"], norms)
        self.gate: nn.Module = nn.Identity()
        if "squeeze" in layers:
            self.gate = SqueezeExcite(layers["squeeze"], layers["excite"], norms)
        self.project = conv_norm(layers["project"], norms)
        self.shortcut = block.stride == 1 and block.in_width == block.out_width

    @property
    def last_norm(self) -> nn.BatchNorm2d | None:
        """The batch norm that ends the residual branch; None where there is no shortcut."""
        norm = self.project[1]
        return norm if self.shortcut and isinstance(norm, nn.BatchNorm2d) else None

    def forward(self, features_NCHW: torch.Tensor) -> torch.Tensor:
        """(N, in, H, W) → (N, out, ⌈H/stride⌉, ⌈W/stride⌉)."""
        branch: torch.Tensor = self.project(self.gate(self.depthwise(self.expand(features_NCHW))))
        return features_NCHW + branch if self.shortcut else branch
