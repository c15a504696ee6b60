"""Build the Ghost bottleneck of GhostNet (Han et al. 2020)."""

from __future__ import annotations

from fractions import Fraction

import torch
from torch import Tensor, nn

from scalesearch.design.blocks import Block
from scalesearch.design.layers import Layer
from scalesearch.nets.blocks.parts import Gate, conv_norm_act, has_hard_gate
from scalesearch.nets.blocks.plain_parts import (
    GhostModule,
    HardSqueezeExcite,
    SqueezeExcite,
    conv,
    divisible,
    filtered_shortcut,
)
from scalesearch.nets.blocks.residual import Residual


class GhostConv(nn.Module):
    """Applies the Ghost module: half the maps by a 1×1 convolution, and one from each by a depthwise one.

    Args:
        primary: the 1×1 convolution.
        cheap: the depthwise convolution of its output.
        width: channels of the output; the last map is left out where the number is odd.
        eps: the epsilon of batch norm.
    """

    def __init__(self, primary: Layer, cheap: Layer, width: int, eps: float) -> None:
        super().__init__()
        self.primary = conv_norm_act(primary, eps)
        self.cheap = conv_norm_act(cheap, eps)
        self.width = width

    def forward(self, features_NCHW: Tensor) -> Tensor:
        """Map (N, in, H, W) to (N, width, H, W)."""
        intrinsic_NCHW = self.primary(features_NCHW)
        maps_NCHW = torch.cat([intrinsic_NCHW, self.cheap(intrinsic_NCHW)], 1)
        return maps_NCHW[:, : self.width] if self.width % 2 else maps_NCHW


class GhostBlock(Residual):
    """Computes branch(x) + shortcut(x): Ghost module, depthwise convolution and gate if any, linear Ghost one."""

    def __init__(self, block: Block, eps: float) -> None:
        super().__init__()
        layers = {layer.role: layer for layer in block.layers}
        self.branch = nn.Sequential()
        self.branch.add_module(
            "expand", GhostConv(layers["expand"], layers["expand_cheap"], block.inner_width, eps)
        )
        if "depthwise" in layers:
            self.branch.add_module("depthwise", conv_norm_act(layers["depthwise"], eps))
        if "squeeze" in layers:
            hard = has_hard_gate(block)
            self.branch.add_module("gate", Gate(layers["squeeze"], layers["excite"], hard))
        self.project = GhostConv(layers["project"], layers["project_cheap"], block.out_width, eps)
        self.shortcut = nn.Sequential()
        for role in ("shortcut_depthwise", "shortcut"):
            if role in layers:
                self.shortcut.add_module(role, conv_norm_act(layers[role], eps))
        self.has_shortcut = True

    def _branch_norm(self) -> None:
        """Return None: the branch ends in two parallel batch norms, which the authors initialise as torch does."""

    def forward(self, features_NCHW: Tensor) -> Tensor:
        """Map (N, in, H, W) to (N, out, ⌈H/stride⌉, ⌈W/stride⌉)."""
        branch_NCHW = self._drop_path(self.project(self.branch(features_NCHW)))
        return branch_NCHW + self.shortcut(features_NCHW)


class Ghost(nn.Module):
    """Widens by a Ghost module, filters each channel k×k where it strides, narrows by a Ghost module."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int | Fraction) -> None:
        super().__init__()
        inner = divisible(inputs * expansion)
        self.branch = nn.Sequential(GhostModule(inputs, inner))
        if stride > 1:
            self.branch.append(conv(inner, inner, kernel, stride, groups=inner, active=False))
        self.branch.append(GhostModule(inner, outputs, active=False))
        self.shortcut = filtered_shortcut(inputs, outputs, kernel, stride)

    def forward(self, x: Tensor) -> Tensor:
        return self.branch(x) + self.shortcut(x)


class GatedGhost(nn.Module):
    """Widens by a Ghost module, filters each channel k×k where it strides, gates, narrows by a Ghost module."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int | Fraction, se: Fraction
    ) -> None:
        super().__init__()
        inner = divisible(inputs * expansion)
        self.branch = nn.Sequential(GhostModule(inputs, inner))
        if stride > 1:
            self.branch.append(conv(inner, inner, kernel, stride, groups=inner, active=False))
        self.branch.append(SqueezeExcite(inner, max(1, int(inputs * se))))
        self.branch.append(GhostModule(inner, outputs, active=False))
        self.shortcut = filtered_shortcut(inputs, outputs, kernel, stride)

    def forward(self, x: Tensor) -> Tensor:
        return self.branch(x) + self.shortcut(x)


class HardGatedGhost(nn.Module):
    """Widens by a Ghost module, filters each channel k×k where it strides, gates as MobileNetV3, narrows alike."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int | Fraction, se: Fraction
    ) -> None:
        super().__init__()
        inner = divisible(inputs * expansion)
        self.branch = nn.Sequential(GhostModule(inputs, inner))
        if stride > 1:
            self.branch.append(conv(inner, inner, kernel, stride, groups=inner, active=False))
        self.branch.append(HardSqueezeExcite(inner, divisible(inner * se)))
        self.branch.append(GhostModule(inner, outputs, active=False))
        self.shortcut = filtered_shortcut(inputs, outputs, kernel, stride)

    def forward(self, x: Tensor) -> Tensor:
        return self.branch(x) + self.shortcut(x)
