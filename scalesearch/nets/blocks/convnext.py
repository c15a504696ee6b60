"""Build the blocks of ConvNeXt (Liu et al. 2022) and ConvNeXt V2 (Woo et al. 2023)."""

from __future__ import annotations

from torch import Tensor, nn

from scalesearch.design.blocks import Block
from scalesearch.nets.blocks.parts import conv_norm_act, init_trunc_normal
from scalesearch.nets.blocks.plain_parts import Activation, ChannelNorm, LayerScale, ResponseNorm
from scalesearch.nets.blocks.residual import Residual


class ConvNeXtBlock(Residual):
    """Computes x + branch(x); x is downsampled first where the shape changes."""

    def __init__(self, block: Block, eps: float) -> None:
        super().__init__()
        layers = {layer.role: layer for layer in block.layers}
        self.downsample = conv_norm_act(layers["downsample"], eps) if "downsample" in layers else nn.Identity()
        self.branch = nn.Sequential()
        for role in ("depthwise", "expand", "project"):
            self.branch.add_module(role, conv_norm_act(layers[role], eps))
        self.has_shortcut = True
        init_trunc_normal(self)

    def _branch_norm(self) -> None:
        """Return None: layer scale starts the branch close to zero; V2's branch starts at its initial weights."""

    def forward(self, features_NCHW: Tensor) -> Tensor:
        """Map (N, in, H, W) to (N, out, ⌊H/stride⌋, ⌊W/stride⌋)."""
        features_NCHW = self.downsample(features_NCHW)
        return features_NCHW + self._drop_path(self.branch(features_NCHW))


class ConvNeXt(nn.Module):
    """Filters each channel k×k, widens 1×1, narrows 1×1; where the shape changes, downsamples by patches first."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        self.downsample: nn.Module = nn.Identity()
        if stride > 1 or inputs != outputs:
            self.downsample = nn.Sequential(
                ChannelNorm(inputs, eps=1e-6), nn.Conv2d(inputs, outputs, stride, stride)
            )
        self.branch = nn.Sequential(
            nn.Conv2d(outputs, outputs, kernel, padding=kernel // 2, groups=outputs),
            ChannelNorm(outputs, eps=1e-6),
            nn.Conv2d(outputs, outputs * expansion, 1),
            Activation(),
            nn.Conv2d(outputs * expansion, outputs, 1),
            LayerScale(outputs),
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.downsample(x)
        return x + self.branch(x)


class ConvNeXtV2(nn.Module):
    """Filters each channel k×k, widens 1×1, normalises responses, narrows 1×1; downsamples by patches first."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        self.downsample: nn.Module = nn.Identity()
        if stride > 1 or inputs != outputs:
            self.downsample = nn.Sequential(
                ChannelNorm(inputs, eps=1e-6), nn.Conv2d(inputs, outputs, stride, stride)
            )
        self.branch = nn.Sequential(
            nn.Conv2d(outputs, outputs, kernel, padding=kernel // 2, groups=outputs),
            ChannelNorm(outputs, eps=1e-6),
            nn.Conv2d(outputs, outputs * expansion, 1),
            Activation(),
            ResponseNorm(outputs * expansion),
            nn.Conv2d(outputs * expansion, outputs, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.downsample(x)
        return x + self.branch(x)
