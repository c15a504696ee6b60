"""Networks as a user would bring them: functions of depth, width and resolution; some of them wrong."""

from __future__ import annotations

import torch
from torch import nn


class Plain(nn.Module):
    """A ResNet-like network of another library: layer norm in place of batch norm, a matrix product."""

    def __init__(self, blocks: int, channels: int, px: int) -> None:
        super().__init__()
        self.px = px
        self.stem = nn.Conv2d(3, channels, 3, 2, 1)
        self.blocks = nn.ModuleList(nn.Conv2d(channels, channels, 3, padding=1) for _ in range(blocks))
        self.norms = nn.ModuleList(nn.GroupNorm(1, channels) for _ in range(blocks))
        self.out = nn.Linear(channels, 11)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        features = self.stem(images)
        for block, norm in zip(self.blocks, self.norms, strict=True):
            features = features + torch.relu(block(norm(features)))
        logits: torch.Tensor = self.out(features.mean((2, 3)))
        return logits


def build(depth: float = 1.0, width: float = 1.0, resolution: int = 40) -> nn.Module:
    return Plain(max(1, round(5 * depth)), max(2, 2 * round(8 * width)), resolution)


def no_width(depth: float = 1.0, resolution: int = 40) -> nn.Module:
    return build(depth, 1.0, resolution)


def no_default(depth: float, width: float, resolution: int) -> nn.Module:
    return build(depth, width, resolution)


def no_module(depth: float = 1.0, width: float = 1.0, resolution: int = 40) -> object:
    return 3


def no_logits(depth: float = 1.0, width: float = 1.0, resolution: int = 40) -> nn.Module:
    return nn.Conv2d(3, 4, 3)


def fails(depth: float = 1.0, width: float = 1.0, resolution: int = 40) -> nn.Module:
    if width > 1:
        raise ValueError("only\nwidth 1")
    return build(depth, width, resolution)


three = 3


def grey(depth: float = 1.0, width: float = 1.0, resolution: int = 40, in_channels: int = 1) -> nn.Module:
    return nn.Sequential(nn.Conv2d(in_channels, round(8 * width), 3), nn.Flatten(), nn.LazyLinear(7))


def no_channels(depth: float = 1.0, width: float = 1.0, resolution: int = 40, in_channels: int = 0) -> nn.Module:
    return grey(depth, width, resolution, in_channels)


def thermal(depth: float = 1.0, width: float = 1.0, resolution: int = 40, in_channels: int = 2) -> nn.Module:
    return grey(depth, width, resolution, in_channels)
