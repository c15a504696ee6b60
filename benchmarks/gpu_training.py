"""Compare training speed on one GPU: a plain loop, with bfloat16, the steps of scalesearch, and shared GPUs.

    python benchmarks/gpu_training.py [SECONDS]      (for each measurement; default 3)

The network is B0 at the sizes of the budgets quick, standard and full. The methods are

- *plain*: what a short script does, with float32 (TF32 in convolutions, torch's default), contiguous tensors, one
  kernel after another, and ready-made images on the GPU;
- *bf16*: the same under autocast and in channels_last;
- *eager*: `proxy.training` op by op, which also pays for its batches and augmentation;
- *graph*: the same with each step replayed as a CUDA graph, as trials do;
- *graph32*: *graph* without autocast.

Then n processes train on the GPU at the same time, each with a graph. They begin together, once all are warm.
Results are medians. The memory is torch's peak, next to the estimate of `cost` (float32). *First* is the time of
the first ten steps, in which cuDNN plans every convolution of a new shape and type. *Graph* runs after *eager* in
one process, so its convolutions are planned already.
"""

from __future__ import annotations

import math
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from unittest import mock

import torch
from torch.nn import functional as F

from scalesearch.design.architecture import Architecture
from scalesearch.design.baselines import load_baseline
from scalesearch.design.cost import cost
from scalesearch.nets.convnet import ConvNet
from scalesearch.proxy import train_step
from scalesearch.proxy.tensors import TrainingData
from scalesearch.proxy.training import Training
from scalesearch.search.make_proxy import make_proxy
from scalesearch.search.task import Recipe
from scalesearch.study.provenance import environment

DEVICE = torch.device("cuda")
STEPS = 10
"""The steps of an epoch, after which the time is read."""
READY = "ready\n"
"""The line that a process prints when it is warm."""


@dataclass(frozen=True)
class Size:
    """A size is the size of a budget's proxies."""

    divisor: int
    px: int
    batch: int


SIZES = {"quick": Size(4, 40, 32), "standard": Size(2, 96, 128), "full": Size(1, 224, 256)}
SHARED = {"quick": (2, 4, 8), "standard": (2, 4), "full": (2,)}


def proxy(size: Size) -> Architecture:
    """Return B0's proxy of a size, with 40 classes."""
    base = load_baseline("b0")
    return make_proxy(base.architecture, base, size.divisor, size.px, 40)


def data(size: Size) -> TrainingData:
    """Return random images and labels for one epoch, and one validation image."""
    generator = torch.Generator().manual_seed(1)
    shape = (STEPS * size.batch, 3, size.px, size.px)
    images = torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator)
    labels = torch.randint(0, 40, shape[:1], generator=generator)
    return TrainingData(images, labels, images[:1], labels[:1])


def plain(size: Size, fast: bool) -> Callable[[], object]:
    """Return a function that trains for one epoch in a plain loop; `fast`: with autocast and channels_last."""
    model = ConvNet(proxy(size)).to(DEVICE)
    layout = torch.channels_last if fast else torch.contiguous_format
    model.to(memory_format=layout)  # type: ignore[call-overload]
    images = torch.randn(size.batch, 3, size.px, size.px, device=DEVICE).to(memory_format=layout)
    labels = torch.randint(0, 40, (size.batch,), device=DEVICE)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, nesterov=True, weight_decay=5e-4)

    def epoch() -> None:
        for _ in range(STEPS):
            optimizer.zero_grad()
            with torch.autocast("cuda", torch.bfloat16, enabled=fast):
                loss = F.cross_entropy(model(images), labels, label_smoothing=0.1)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()

    return epoch


def scalesearch_steps(size: Size, graph: bool, float32: bool = False) -> Callable[[], object]:
    """Return a function that trains for one epoch with `proxy.training`."""
    recipe = Recipe(epochs=10**6, batch=size.batch, learning_rate=Decimal("0.05"), decay=Decimal("0.3"))
    with mock.patch.object(train_step, "ConvNet", ConvNet if graph else ()):  # other modules run op by op
        run = Training(ConvNet(proxy(size)), data(size), recipe, 0, DEVICE)

    def epoch() -> None:
        with mock.patch.object(train_step, "precision", no_autocast if float32 else train_step.precision):
            run._advance(run.step + STEPS, lambda _: 0.05)

    return epoch


def no_autocast(device: torch.device) -> torch.autocast:
    """Return an autocast context that is off, to use in place of `train_step.precision`."""
    return torch.autocast(device.type, torch.bfloat16, enabled=False)


METHODS: dict[str, Callable[[Size], Callable[[], object]]] = {
    "plain": lambda size: plain(size, fast=False),
    "bf16": lambda size: plain(size, fast=True),
    "eager": lambda size: scalesearch_steps(size, graph=False),
    "graph": lambda size: scalesearch_steps(size, graph=True),
    "graph32": lambda size: scalesearch_steps(size, graph=True, float32=True),
}


def measure(
    method: str, size: Size, seconds: float, when_warm: Callable[[], object] = lambda: None
) -> tuple[float, int, float]:
    """Measure one method for `seconds` seconds, after two epochs of warm-up.

    Returns:
        Images per second, the peak memory (bytes), and the time of the first epoch (s).
    """
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    epoch = METHODS[method](size)
    began = time.perf_counter()
    epoch()
    torch.cuda.synchronize()
    first = time.perf_counter() - began
    epoch()
    torch.cuda.synchronize()
    when_warm()
    times: list[float] = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(times) < 3:
        start = time.perf_counter()
        epoch()
        torch.cuda.synchronize()
        times.append(time.perf_counter() - start)
    return STEPS * size.batch / statistics.median(times), torch.cuda.max_memory_allocated() - before, first


def measure_shared(name: str, seconds: float, count: int) -> float:
    """Return the images per second of `count` concurrent processes, in total."""
    command, pipe = [sys.executable, __file__, str(seconds), name], subprocess.PIPE
    processes = [subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) for _ in range(count)]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == READY, "a process has ended before it was warm"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    return math.fsum(float(process.communicate()[0]) for process in processes)


def wait_for_all() -> None:
    """Report that this process is warm, and wait until all are."""
    print(READY, end="", flush=True)
    sys.stdin.readline()


def main() -> None:
    if not torch.cuda.is_available():
        sys.exit("no CUDA device here; run it where there is one")
    torch.set_num_threads(1)
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 3.0
    if len(sys.argv) > 2:
        print(measure("graph", SIZES[sys.argv[2]], seconds, wait_for_all)[0])
        return
    machine = environment()
    print(f"{machine['gpu']}, {machine['cores']} cores; torch {machine['torch']}")
    for name, size in SIZES.items():
        counted, expected = cost(proxy(size)), cost(proxy(size)).memory_bytes(size.batch)
        print(
            f"{name}: B0's width / {size.divisor}, {size.px} px, batch {size.batch}, {counted.macs / 1e6:.1f} MMACs"
        )
        for method in METHODS:
            rate, peak, first = measure(method, size, seconds)
            memory = f"peak {peak >> 20:6} MiB (estimate {expected >> 20})"
            print(f"  {method:<7} {rate:8.0f} img/s   {memory}   first {first:5.1f} s", flush=True)
        for count in SHARED[name]:
            print(f"  {count} at a time {measure_shared(name, seconds, count):8.0f} img/s together", flush=True)


if __name__ == "__main__":
    main()
