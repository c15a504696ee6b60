"""Compare the training speed of a plain loop and of scalesearch on one CPU thread, in one run.

    python benchmarks/cpu_training.py

The network is B0's proxy (a quarter of its width) at 32 px, with a batch of 64. *Plain* is what a short script
does: nn.Conv2d, contiguous tensors, SGD, and glibc's default allocator. Its images are ready-made. *Fast* is
`proxy.training.train` with the layers of `nets.depthwise` and without returning freed memory to the system. It
also pays for its batches and augmentation. Each measurement has its own process, since the allocator's settings
last as long as the process. It counts processor time, so that other load matters less. The two take turns, and
medians are compared.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import nullcontext
from decimal import Decimal
from itertools import pairwise
from unittest import mock

import torch
from torch import Tensor
from torch.nn import functional as F

from scalesearch.design.baselines import load_baseline
from scalesearch.nets import depthwise
from scalesearch.nets.convnet import ConvNet
from scalesearch.nets.malloc import disable_malloc_trim
from scalesearch.proxy.tensors import TrainingData
from scalesearch.proxy.training import train
from scalesearch.search.make_proxy import make_proxy
from scalesearch.search.task import Recipe
from scalesearch.study.provenance import environment

ROUNDS, EPOCHS, STEPS, BATCH, PX, CLASSES = 5, 6, 4, 64, 32, 40


def network() -> ConvNet:
    """Return B0's proxy, with a quarter of its channels, at `PX`."""
    baseline = load_baseline("b0")
    torch.manual_seed(0)
    return ConvNet(make_proxy(baseline.architecture, baseline, 4, PX, CLASSES))


def images_and_labels() -> tuple[Tensor, Tensor]:
    """Return random images and labels for one epoch."""
    generator = torch.Generator().manual_seed(1)
    shape = (STEPS * BATCH, 3, PX, PX)
    images = torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator)
    return images, torch.randint(0, CLASSES, shape[:1], generator=generator)


def plain_epochs() -> Iterator[None]:
    """Train in a plain loop, and yield after every epoch."""
    model = network()
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
    """Train as scalesearch does, and yield after every epoch, which includes one validation image."""
    disable_malloc_trim()
    images, labels = images_and_labels()
    data = TrainingData(images, labels, images[:1], labels[:1])
    recipe = Recipe(epochs=EPOCHS, batch=BATCH, learning_rate=Decimal("0.05"))
    model = network()
    for _ in train(model, data, recipe, 0, torch.device("cpu")):
        yield


def measure(method: str) -> float:
    """Return images per second, measured in a new process without the first epoch."""
    printed = subprocess.run([sys.executable, __file__, method], check=True, capture_output=True, text=True)
    return float(printed.stdout)


def main() -> None:
    if len(sys.argv) == 2:
        torch.set_num_threads(1)
        fast = sys.argv[1] == "fast"
        # With this switched off the layers are nn.Conv2d in all but name.
        switch = nullcontext() if fast else mock.patch.object(depthwise, "_trains_on_cpu", return_value=False)
        with switch:
            ends = [time.process_time() for _ in (fast_epochs() if fast else plain_epochs())]
        print(STEPS * BATCH / statistics.median(end - start for start, end in pairwise(ends)))
        return
    rates: dict[str, list[float]] = {"plain": [], "fast": []}
    for _ in range(ROUNDS):
        for method, measured in rates.items():
            measured.append(measure(method))
    machine = environment()
    print(f"{machine['processor']}, one thread; torch {machine['torch']}; median (range) of {ROUNDS}")
    for method, measured in rates.items():
        print(f"{method:>5}: {statistics.median(measured):6.0f} img/s ({min(measured):.0f} to {max(measured):.0f})")
    print(f"ratio: {statistics.median(rates['fast']) / statistics.median(rates['plain']):.2f}")


if __name__ == "__main__":
    main()
