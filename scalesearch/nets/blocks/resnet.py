"""Share the structure of ResNet's two blocks: convolutions, a shortcut, and an activation after the sum."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import nn

from scalesearch.design.blocks import Block
from scalesearch.nets.blocks.parts import Gate, batch_norm_of, conv_norm_act, make_activation
from scalesearch.nets.blocks.residual import Residual


class ResNetBlock(Residual):
    """Computes act(branch(x) + shortcut(x)); the shortcut is a projection where the shape changes."""

    def __init__(self, block: Block, eps: float, roles: Sequence[str]) -> None:
        super().__init__()
        layers = {layer.role: layer for layer in block.layers}
        self.branch = nn.Sequential()
        *inner_layers, last = (layers[role] for role in roles)
        for layer in inner_layers:
            self.branch.add_module(layer.role, conv_norm_act(layer, eps))
        if "squeeze" in layers:
            self.branch.add_module("gate", Gate(layers["squeeze"], layers["excite"]))
        # The last activation follows the sum.
        self.branch.add_module(last.role, conv_norm_act(replace(last, activation=None), eps))
        self.shortcut = conv_norm_act(layers["shortcut"], eps) if "shortcut" in layers else nn.Identity()
        self.act = make_activation(last)
        self.has_shortcut = True

    def _branch_norm(self) -> nn.BatchNorm2d:
        return batch_norm_of(self.branch[-1])

    def forward(self, features_NCHW: torch.Tensor) -> torch.Tensor:
        """Map (N, in, H, W) to (N, out, ⌈H/stride⌉, ⌈W/stride⌉)."""
        out: torch.Tensor = self.act(self._drop_path(self.branch(features_NCHW)) + self.shortcut(features_NCHW))
        return out
