"""Training speed on one CPU thread, plain and as scalesearch does it, in one run.

    python benchmarks/cpu_training.py

A B0-like network at a quarter of its width, 32 px, batch 64. *Plain* is what a short script does:
nn.Conv2d, contiguous tensors, SGD, glibc's default allocator; its images are ready-made. *Fast* is
`proxy.training.train` with the layers of `nets.depthwise` and memory kept, and pays for its own batches
and augmentation. Each measurement has its own process (the allocator's settings last as long as the
process does) and counts its processor time, so that a busy neighbour matters less; the two take turns, and
medians are compared.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from scalesearch.nets.depthwise import DepthwiseConv2d, PointwiseConv2d
from scalesearch.proxy.memory import keep_memory
from scalesearch.proxy.training import TrainingData, train
from scalesearch.search.task import Recipe

ROUNDS, EPOCHS, STEPS, BATCH, PX, CLASSES = 5, 6, 4, 64, 32, 40
Layer = Callable[..., nn.Module]


def plain_depthwise(channels: int, kernel: int, stride: int) -> nn.Module:
    return nn.Conv2d(channels, channels, kernel, stride, kernel // 2, groups=channels, bias=False)


def plain_pointwise(in_channels: int, out_channels: int, *, bias: bool = False) -> nn.Module:
    return nn.Conv2d(in_channels, out_channels, 1, bias=bias)


class Block(nn.Module):
    """MBConv with squeeze-and-excitation."""

    def __init__(
        self,
        width: int,
        out: int,
        kernel: int,
        stride: int,
        expansion: int,
        depthwise: Layer,
        pointwise: Layer,
    ):
        super().__init__()
        wide = width * expansion
        expand = [pointwise(width, wide), nn.BatchNorm2d(wide), nn.SiLU()] if expansion > 1 else []
        self.spread = nn.Sequential(*expand, depthwise(wide, kernel, stride), nn.BatchNorm2d(wide), nn.SiLU())
        squeezed = max(1, width // 4)
        self.gate = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            pointwise(wide, squeezed, bias=True),
            nn.SiLU(),
            pointwise(squeezed, wide, bias=True),
            nn.Sigmoid(),
        )
        self.project = nn.Sequential(pointwise(wide, out), nn.BatchNorm2d(out))
        self.residual = stride == 1 and width == out

    def forward(self, images: Tensor) -> Tensor:
        """N C H W in and out, the side divided by the stride."""
        spread = self.spread(images)
        projected: Tensor = self.project(spread * self.gate(spread))
        return images + projected if self.residual else projected


def network(depthwise: Layer, pointwise: Layer) -> nn.Module:
    """EfficientNet-B0's stages with a quarter of its channels."""
    torch.manual_seed(0)
    layers: list[nn.Module] = [nn.Conv2d(3, 8, 3, 2, 1, bias=False), nn.BatchNorm2d(8), nn.SiLU()]
    width = 8
    for kernel, stride, expansion, out, repeats in (
        (3, 1, 1, 4, 1),
        (3, 2, 6, 6, 2),
        (5, 2, 6, 10, 2),
        (3, 2, 6, 20, 3),
        (5, 1, 6, 28, 3),
        (5, 2, 6, 48, 4),
        (3, 1, 6, 80, 1),
    ):
        for repeat in range(repeats):
            layers.append(Block(width, out, kernel, 1 if repeat else stride, expansion, depthwise, pointwise))
            width = out
    layers += [pointwise(width, 320), nn.BatchNorm2d(320), nn.SiLU()]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(320, CLASSES))


def images_and_labels() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    shape = (STEPS * BATCH, 3, PX, PX)
    images = torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator)
    return images, torch.randint(0, CLASSES, shape[:1], generator=generator)


def plain_epochs() -> Iterator[None]:
    """A plain training loop."""
    model = network(plain_depthwise, plain_pointwise)
    images, labels = images_and_labels()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, nesterov=True, weight_decay=5e-4)
    batches = list(zip(images.float().div(255).chunk(STEPS), labels.chunk(STEPS), strict=True))
    for _ in range(EPOCHS):
        for images_BCHW, labels_B in batches:
            optimizer.zero_grad()
            F.cross_entropy(model(images_BCHW), labels_B, label_smoothing=0.1).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        yield


def fast_epochs() -> Iterator[None]:
    """Ours, one validation image an epoch included."""
    keep_memory()
    images, labels = images_and_labels()
    data = TrainingData(images, labels, images[:1], labels[:1])
    recipe = Recipe(epochs=EPOCHS, batch=BATCH, learning_rate=Decimal("0.05"))
    model = network(DepthwiseConv2d, PointwiseConv2d)
    for _ in train(model, data, recipe, 0, torch.device("cpu")):
        yield


def measure(way: str) -> float:
    """Images a second in a process of its own, the first epoch left out."""
    printed = subprocess.run([sys.executable, __file__, way], check=True, capture_output=True, text=True)
    return float(printed.stdout)


def main() -> None:
    if len(sys.argv) == 2:
        torch.set_num_threads(1)
        epochs = plain_epochs() if sys.argv[1] == "plain" else fast_epochs()
        ends = [time.process_time() for _ in epochs]
        print(STEPS * BATCH / statistics.median(end - start for start, end in pairwise(ends)))
        return
    rates: dict[str, list[float]] = {"plain": [], "fast": []}
    for _ in range(ROUNDS):
        for way, measured in rates.items():
            measured.append(measure(way))
    for way, measured in rates.items():
        print(f"{way:>5}: {statistics.median(measured):6.0f} img/s ({min(measured):.0f} to {max(measured):.0f})")
    print(f"ratio: {statistics.median(rates['fast']) / statistics.median(rates['plain']):.2f}")


if __name__ == "__main__":
    main()
