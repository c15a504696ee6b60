"""MBConv, Fused-MBConv and MobileNetV2's inverted residual: one wiring of different layers."""

from __future__ import annotations

import torch
from torch import nn

from scalesearch.design.blocks import Block
from scalesearch.nets.blocks.parts import SqueezeExcite, conv_norm, norm_of
from scalesearch.nets.blocks.residual import Residual


class MBConv(Residual):
    """Expand, depthwise, gate, project: those that the block's layers name; a shortcut where shapes allow it."""

    def __init__(self, block: Block, eps: float) -> None:
        super().__init__()
        layers = {layer.role: layer for layer in block.layers}
        self.expand = conv_norm(layers["expand"], eps) if "expand" in layers else nn.Identity()
        self.depthwise = conv_norm(layers["depthwise"], eps) if "depthwise" in layers else nn.Identity()
        self.gate: nn.Module = nn.Identity()
        if "squeeze" in layers:
            self.gate = SqueezeExcite(layers["squeeze"], layers["excite"])
        self.project = conv_norm(layers["project"], eps)
        self.has_shortcut = block.keeps_shape

    def _branch_norm(self) -> nn.BatchNorm2d:
        return norm_of(self.project)

    def forward(self, features_NCHW: torch.Tensor) -> torch.Tensor:
        """(N, in, H, W) → (N, out, ⌈H/stride⌉, ⌈W/stride⌉)."""
        branch: torch.Tensor = self.project(self.gate(self.depthwise(self.expand(features_NCHW))))
        return features_NCHW + self._kept(branch) if self.has_shortcut else branch
