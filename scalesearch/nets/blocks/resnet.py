"""Share the structure of ResNet's two blocks: convolutions, a shortcut, and an activation after the sum."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import nn

from scalesearch.design.block_kinds.squeeze_excite import has_gate
from scalesearch.design.blocks import Block
from scalesearch.nets.blocks.parts import batch_norm_of, conv_norm_act, make_activation, make_gate
from scalesearch.nets.blocks.residual import Residual


class ResNetBlock(Residual):
    """Computes act(gate(branch(x)) + shortcut(x)); the shortcut is a projection where the shape changes."""

    def __init__(self, block: Block, eps: float, roles: Sequence[str]) -> None:
        super().__init__()
        layers = {layer.role: layer for layer in block.layers}
        self.branch = nn.Sequential()
        *inner_layers, last = (layers[role] for role in roles)
        for layer in inner_layers:
            self.branch.add_module(layer.role, conv_norm_act(layer, eps))
        if has_gate(block, is_last=False):
            self.branch.add_module("gate", make_gate(layers))
        # The last activation follows the sum.
        self.branch.add_module(last.role, conv_norm_act(replace(last, activation=None), eps))
        self.last_gate = make_gate(layers) if has_gate(block, is_last=True) else nn.Identity()
        self.shortcut = conv_norm_act(layers["shortcut"], eps) if "shortcut" in layers else nn.Identity()
        self.act = make_activation(last) if last.activation else nn.Identity()
        self.has_shortcut = "shortcut" in layers or block.keeps_shape

    def _branch_norm(self) -> nn.BatchNorm2d:
        return batch_norm_of(self.branch[-1])

    def forward(self, features_NCHW: torch.Tensor) -> torch.Tensor:
        """Map (N, in, H, W) to (N, out, ⌈H/stride⌉, ⌈W/stride⌉)."""
        branch_NCHW = self.last_gate(self.branch(features_NCHW))
        if self.has_shortcut:
            branch_NCHW = self._drop_path(branch_NCHW) + self.shortcut(features_NCHW)
        out: torch.Tensor = self.act(branch_NCHW)
        return out
