"""A data set that is learned in seconds, and a network with every kind of layer that proxies have."""

from __future__ import annotations

import torch
from torch import nn

from scalesearch.nets.depthwise import DepthwiseConv2d, PointwiseConv2d
from scalesearch.proxy.datasets import ImageData
from scalesearch.proxy.tensors import TrainingData
from scalesearch.search.task import Epoch

CPU = torch.device("cpu")


def bright_channel_data(train_count: int = 100, val_count: int = 30, px: int = 8) -> TrainingData:
    """Three classes: which of the three channels is brighter."""
    generator = torch.Generator().manual_seed(7)
    count = train_count + val_count
    labels = torch.randint(0, 3, (count,), generator=generator)
    images = torch.randint(0, 150, (count, 3, px, px), dtype=torch.uint8, generator=generator)
    images[torch.arange(count), labels] += 90
    return TrainingData(images[:train_count], labels[:train_count], images[train_count:], labels[train_count:])


def bright_images() -> ImageData:
    """The same at 16 px, as a search has its data."""
    data = bright_channel_data(px=16)
    return ImageData(
        data.train_images_NCHW,
        data.train_labels_N,
        data.val_images_NCHW,
        data.val_labels_N,
        classes=("r", "g", "b"),
        fingerprint="bright",
        name="bright",
    )


def tiny_net(seed: int = 0) -> nn.Module:
    """Every kind of layer that the proxies have, and dropout."""
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, 2, 1, bias=False), nn.BatchNorm2d(8), nn.SiLU(),
        DepthwiseConv2d(8, 5), nn.BatchNorm2d(8), nn.SiLU(), PointwiseConv2d(8, 6), nn.BatchNorm2d(6),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.1), nn.Linear(6, 3),
    )  # fmt: skip


def curve(epochs: list[Epoch]) -> list[tuple[str, ...]]:
    """All but the time, to the bit."""
    return [(e.train_loss.hex(), e.val_loss.hex(), e.val_accuracy.hex()) for e in epochs]
