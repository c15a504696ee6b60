"""Training speed on one GPU: a plain loop, the same in bfloat16 and channels_last, our steps, and our steps shared.

    python benchmarks/gpu_training.py [SECONDS]      (for each measurement; default 3)

B0 at the sizes of the budgets quick, standard and full. *Plain* is what a short script does: float32 (TF32 in
convolutions, as torch has it), contiguous, one kernel after another, images ready-made on the GPU; *bf16* is that
under autocast and in channels_last. *Ours* is `proxy.training`, which pays for its batches and augmentation: op
by op (*eager*), and with each step replayed as a CUDA graph (*graph*), which is what trials do; *graph32* is that
without autocast. Then n processes train on the GPU at a time, each with a graph; they begin together, once all of
them are warm. Medians; the memory is torch's peak, beside what `cost` estimates (float32), and *first* are the
first ten steps, in which cuDNN plans every convolution of a shape and type that the process has not met: *graph*
comes after *eager* and finds them planned.
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
"""In an epoch, after which seconds are read."""
READY = "ready\n"
"""What a process prints when it is warm."""


@dataclass(frozen=True)
class Size:
    """Of a budget's proxies."""

    divisor: int
    px: int
    batch: int


SIZES = {"quick": Size(4, 40, 32), "standard": Size(2, 96, 128), "full": Size(1, 224, 256)}
SHARED = {"quick": (2, 4, 8), "standard": (2, 4), "full": (2,)}


def proxy(size: Size) -> Architecture:
    base = load_baseline("b0")
    return make_proxy(base.architecture, base, size.divisor, size.px, 40)


def data(size: Size) -> TrainingData:
    generator = torch.Generator().manual_seed(1)
    shape = (STEPS * size.batch, 3, size.px, size.px)
    images = torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator)
    labels = torch.randint(0, 40, shape[:1], generator=generator)
    return TrainingData(images, labels, images[:1], labels[:1])


def plain(size: Size, fast: bool) -> Callable[[], object]:
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


def ours(size: Size, graph: bool, float32: bool = False) -> Callable[[], object]:
    recipe = Recipe(epochs=10**6, batch=size.batch, learning_rate=Decimal("0.05"), decay=Decimal("0.3"))
    with mock.patch.object(train_step, "ConvNet", ConvNet if graph else ()):  # what is none runs op by op
        run = Training(ConvNet(proxy(size)), data(size), recipe, 0, DEVICE)

    def epoch() -> None:
        with mock.patch.object(train_step, "precision", no_autocast if float32 else train_step.precision):
            run._advance(run.step + STEPS, lambda _: 0.05)

    return epoch


def no_autocast(device: torch.device) -> torch.autocast:
    return torch.autocast(device.type, torch.bfloat16, enabled=False)


WAYS: dict[str, Callable[[Size], Callable[[], object]]] = {
    "plain": lambda size: plain(size, fast=False),
    "bf16": lambda size: plain(size, fast=True),
    "eager": lambda size: ours(size, graph=False),
    "graph": lambda size: ours(size, graph=True),
    "graph32": lambda size: ours(size, graph=True, float32=True),
}


def measure(
    way: str, size: Size, seconds: float, warm: Callable[[], object] = lambda: None
) -> tuple[float, int, float]:
    """Images a second over `seconds` after two epochs of warm-up, peak memory (bytes), the first epoch (s)."""
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    epoch = WAYS[way](size)
    begun = time.perf_counter()
    epoch()
    torch.cuda.synchronize()
    first = time.perf_counter() - begun
    epoch()
    torch.cuda.synchronize()
    warm()
    times: list[float] = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(times) < 3:
        start = time.perf_counter()
        epoch()
        torch.cuda.synchronize()
        times.append(time.perf_counter() - start)
    return STEPS * size.batch / statistics.median(times), torch.cuda.max_memory_allocated() - before, first


def together(name: str, seconds: float, count: int) -> float:
    """Images a second of `count` processes at a time, together."""
    command, pipe = [sys.executable, __file__, str(seconds), name], subprocess.PIPE
    running = [subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) for _ in range(count)]
    for one in running:
        assert one.stdout is not None
        assert one.stdout.readline() == READY, "a process has ended before it was warm"
    for one in running:
        assert one.stdin is not None
        one.stdin.write("\n")
        one.stdin.flush()
    return math.fsum(float(one.communicate()[0]) for one in running)


def ready() -> None:
    """Say so, and wait until all are."""
    print(READY, end="", flush=True)
    sys.stdin.readline()


def main() -> None:
    if not torch.cuda.is_available():
        sys.exit("no CUDA device here; run it where there is one")
    torch.set_num_threads(1)
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 3.0
    if len(sys.argv) > 2:
        print(measure("graph", SIZES[sys.argv[2]], seconds, ready)[0])
        return
    where = environment()
    print(f"{where['gpu']}, {where['cores']} cores; torch {where['torch']}")
    for name, size in SIZES.items():
        price, expected = cost(proxy(size)), cost(proxy(size)).memory_bytes(size.batch)
        print(
            f"{name}: B0's width / {size.divisor}, {size.px} px, batch {size.batch}, {price.macs / 1e6:.1f} MMACs"
        )
        for way in WAYS:
            rate, peak, first = measure(way, size, seconds)
            memory = f"peak {peak >> 20:6} MiB (estimate {expected >> 20})"
            print(f"  {way:<7} {rate:8.0f} img/s   {memory}   first {first:5.1f} s", flush=True)
        for count in SHARED[name]:
            print(f"  {count} at a time {together(name, seconds, count):8.0f} img/s together", flush=True)


if __name__ == "__main__":
    main()
