"""Where a proxy's training step on one CPU thread spends its time, and what a faster kernel could save.

    python benchmarks/cpu_profile.py
    python benchmarks/cpu_profile.py baseline=b0 batches=32,128

For the proxy of `quick` of each baseline, by batch: milliseconds a step and GFLOP/s (a step is three forward
passes, a multiply-add two operations); the share of the step that does not grow with the batch, from a straight
line through the steps at an eighth, at half and at the whole of it; and, by torch's profiler, which makes the rest
look larger, the shares of depthwise and of other convolutions, of batch norm, of activations with gates and
residual sums, of the optimiser, and the rest: Python, dispatch between operators, and images.

The last column is an upper bound: how much faster the whole step would be, were depthwise convolutions to take no
longer than one copy of the maps that they read and write, forward once and backward twice, by the speed of
`Tensor.copy_` on maps of that size.

Times are of the process, medians of steps after a warm-up.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

import torch
from torch import nn
from torch.profiler import ProfilerActivity, profile

from scalesearch.design.architecture import Architecture
from scalesearch.design.baselines import load_baseline
from scalesearch.design.cost import cost
from scalesearch.nets.depthwise import DepthwiseConv2d
from scalesearch.proxy.augment import sample_crop_flip
from scalesearch.proxy.objective import initial_network, prepare_process
from scalesearch.proxy.tensors import TrainingData
from scalesearch.proxy.training import Training
from scalesearch.search.budget import BUDGETS
from scalesearch.search.proxies import proxy_of
from scalesearch.search.study_config import StudyConfig
from scalesearch.study.provenance import environment

STEPS, WARM_UPS, CLASSES = 30, 5, 20
KINDS = ("depthwise", "other convolutions", "batch norm", "activations", "optimiser")
_ACTIVATIONS = ("silu", "relu", "sigmoid", "hard", "mul", "add", "mean")


def proxy(baseline: str) -> Architecture:
    """The unscaled network's proxy under `quick`."""
    loaded = load_baseline(baseline)
    found = proxy_of(StudyConfig(loaded, Decimal(1), BUDGETS["quick"]), loaded.architecture, CLASSES)
    assert isinstance(found, Architecture)
    return found


def run_of(network: Architecture, batch: int) -> Training:
    """A training of it on noise."""
    device = prepare_process()
    draw = torch.Generator().manual_seed(1)
    px, count = network.resolution, 2 * batch
    images = torch.randint(0, 256, (count, 3, px, px), dtype=torch.uint8, generator=draw)
    labels = torch.randint(0, CLASSES, (count,), generator=draw)
    data = TrainingData(images, labels, images[:1], labels[:1])
    recipe = replace(BUDGETS["quick"].recipe, batch=batch)
    return Training(initial_network(network, 0), data, recipe, 0, device)


def steps(run: Training, count: int) -> Iterator[float]:
    """Seconds of the process for each step."""
    run.model.train()
    moves = sample_crop_flip(run.count, torch.Generator().manual_seed(2))
    for number in range(count):
        first = number % 2 * run.batch
        index_B = torch.arange(first, first + run.batch)
        began = time.process_time()
        run._descend(index_B, moves[first : first + run.batch], 0.01).item()
        yield time.process_time() - began


def step_seconds(network: Architecture, batch: int) -> float:
    """The median step."""
    run = run_of(network, batch)
    list(steps(run, WARM_UPS))
    return statistics.median(steps(run, STEPS))


def fixed_share(network: Architecture, batch: int) -> float:
    """The share of a step that stays where the batch falls, by least squares."""
    sizes = [batch // 8, batch // 2, batch]
    seconds = [step_seconds(network, size) for size in sizes]
    slope, start = statistics.linear_regression(sizes, seconds)
    return start / (start + slope * batch)


def shares(network: Architecture, batch: int) -> dict[str, float]:
    """The share of each kind of operator in a step."""
    run = run_of(network, batch)
    list(steps(run, WARM_UPS))
    with profile(activities=[ProfilerActivity.CPU], record_shapes=True) as profiler:
        began = time.perf_counter()
        list(steps(run, STEPS))
        whole = time.perf_counter() - began
    spent: dict[str, float] = defaultdict(float)
    for event in profiler.events():
        parent = event.cpu_parent
        if (kind := kind_of(event)) is not None and not any(kind_of(one) for one in above(parent)):
            spent[kind] += event.cpu_time_total / 1e6
    return {kind: spent[kind] / whole for kind in KINDS}


def above(event: object) -> Iterator[object]:
    """An event of the profiler and those that it lies in."""
    while event is not None:
        yield event
        event = event.cpu_parent  # type: ignore[attr-defined]


def kind_of(event: object) -> str | None:
    """What an event of the profiler is counted as; None: as what lies in it."""
    name: str = event.name.lower()  # type: ignore[attr-defined]
    shapes: list[list[int]] = event.input_shapes or []  # type: ignore[attr-defined]
    if name.startswith("_depthwise"):
        return "depthwise"
    if name in ("aten::convolution", "aten::convolution_backward"):
        weight = shapes[1 if name == "aten::convolution" else 2]
        return "depthwise" if weight[1] == 1 and weight[0] > 1 else "other convolutions"
    if name in ("aten::linear", "aten::mm", "aten::addmm", "aten::bmm", "aten::matmul"):
        return "other convolutions"
    if "batch_norm" in name and name.startswith("aten::"):
        return "batch norm"
    if name.startswith("optimizer."):
        return "optimiser"
    if name.startswith("aten::") and any(word in name for word in _ACTIVATIONS):
        return "activations"
    return None


def copy_seconds(network: Architecture, batch: int) -> float:
    """Three copies of all maps that depthwise convolutions read, and as many of those that they write."""
    sizes: list[tuple[int, ...]] = []
    model = initial_network(network, 0).eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def on_progress(_layer: nn.Module, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
        sizes.extend([tuple(inputs[0].shape), tuple(output.shape)])

    for layer in model.modules():
        if isinstance(layer, DepthwiseConv2d):
            layer.register_forward_hook(on_progress)
    with torch.no_grad():
        model(torch.zeros(batch, 3, network.resolution, network.resolution))
    total = 0.0
    for shape in sizes:
        source, target = torch.rand(shape), torch.rand(shape)
        taken = []
        for _ in range(9):
            began = time.perf_counter()
            target.copy_(source)
            taken.append(time.perf_counter() - began)
        total += 3 * statistics.median(taken) / 2  # a copy reads one map and writes one
    return total


def main() -> None:
    words = dict(word.split("=", 1) for word in sys.argv[1:])
    batches = [int(text) for text in words.get("batches", "16,32,128").split(",")]
    names = words.get("baseline", "b0,mobilenet_v2,resnet18").split(",")
    heads = ("baseline", "batch", "ms/step", "GFLOP/s", "fixed", *KINDS, "rest", "at most faster")
    print("| " + " | ".join(heads) + " |\n|" + "---|" * len(heads))
    for name in names:
        network = proxy(name)
        for batch in batches:
            seconds = step_seconds(network, batch)
            found = shares(network, batch)
            rate = 3 * 2 * cost(network).macs * batch / seconds / 1e9
            saved = max(0.0, found["depthwise"] - copy_seconds(network, batch) / seconds)
            cells = [
                name, str(batch), f"{1e3 * seconds:.1f}", f"{rate:.1f}", f"{fixed_share(network, batch):.0%}",
                *(f"{found[kind]:.0%}" for kind in KINDS), f"{1 - sum(found.values()):.0%}",
                f"{1 / (1 - saved):.2f}x",
            ]  # fmt: skip
            print("| " + " | ".join(cells) + " |", flush=True)
    print(", ".join(f"{key} {value}" for key, value in environment().items()))


if __name__ == "__main__":
    main()
