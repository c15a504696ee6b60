"""Profile a proxy's training step on one CPU thread, and bound what a faster kernel could save.

    python benchmarks/cpu_profile.py
    python benchmarks/cpu_profile.py baseline=b0 batches=32,128

For the proxy of `quick` of each baseline and each batch size, the script prints:

- milliseconds per step, and GFLOP/s, where a step counts as three forward passes and a multiply-add as two
  operations;
- the share of the step that does not grow with the batch, from a straight line through the step times at an eighth,
  a half and all of the batch;
- the shares of depthwise convolutions, other convolutions, batch norm, activations (with gates and residual sums),
  the optimiser, and the rest (Python, dispatch between operators, and images). They come from torch's profiler,
  which overestimates the rest.

The last column is an upper bound: the speedup of the whole step if depthwise convolutions took no longer than one
copy of the maps that they read and write, once forward and twice backward, at the speed of `Tensor.copy_` on such
maps.

Times are processor times, as medians of steps after a warm-up.
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
from key_values import read_pairs
from torch import nn
from torch.profiler import ProfilerActivity, profile

from scalesearch.design.architecture import Architecture
from scalesearch.design.baselines import load_baseline
from scalesearch.design.cost import cost
from scalesearch.nets.depthwise import DepthwiseConv2d
from scalesearch.proxy.augment import sample_crop_flip
from scalesearch.proxy.initial import initial_network
from scalesearch.proxy.objective import prepare_process
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
    """Return the proxy of the unscaled network under `quick`."""
    loaded = load_baseline(baseline)
    network = proxy_of(StudyConfig(loaded, Decimal(1), BUDGETS["quick"]), loaded.architecture, CLASSES)
    assert isinstance(network, Architecture)
    return network


def run_of(network: Architecture, batch: int) -> Training:
    """Return a training of the network on random images."""
    device = prepare_process()
    generator = torch.Generator().manual_seed(1)
    px, count = network.side, 2 * batch
    images = torch.randint(0, 256, (count, 3, px, px), dtype=torch.uint8, generator=generator)
    labels = torch.randint(0, CLASSES, (count,), generator=generator)
    data = TrainingData(images, labels, images[:1], labels[:1])
    recipe = replace(BUDGETS["quick"].recipe, batch=batch)
    return Training(initial_network(network, 0), data, recipe, 0, device)


def steps(run: Training, count: int) -> Iterator[float]:
    """Yield the seconds of processor time of each step."""
    run.model.train()
    moves = sample_crop_flip(run.count, torch.Generator().manual_seed(2))
    for number in range(count):
        first = number % 2 * run.batch
        index_B = torch.arange(first, first + run.batch)
        began = time.process_time()
        run._train_step(index_B, moves[first : first + run.batch], 0.01).item()
        yield time.process_time() - began


def step_seconds(network: Architecture, batch: int) -> float:
    """Return the median seconds of a step."""
    run = run_of(network, batch)
    list(steps(run, WARM_UPS))
    return statistics.median(steps(run, STEPS))


def fixed_share(network: Architecture, batch: int) -> float:
    """Return the share of a step that does not grow with the batch, by least squares."""
    sizes = [batch // 8, batch // 2, batch]
    seconds = [step_seconds(network, size) for size in sizes]
    slope, start = statistics.linear_regression(sizes, seconds)
    return start / (start + slope * batch)


def shares(network: Architecture, batch: int) -> dict[str, float]:
    """Return the share of each kind of operator in a step."""
    run = run_of(network, batch)
    list(steps(run, WARM_UPS))
    with profile(activities=[ProfilerActivity.CPU], record_shapes=True) as profiler:
        began = time.perf_counter()
        list(steps(run, STEPS))
        total = time.perf_counter() - began
    spent: dict[str, float] = defaultdict(float)
    for event in profiler.events():
        parent = event.cpu_parent
        if (kind := kind_of(event)) is not None and not any(
            kind_of(ancestor) for ancestor in with_ancestors(parent)
        ):
            spent[kind] += event.cpu_time_total / 1e6
    return {kind: spent[kind] / total for kind in KINDS}


def with_ancestors(event: object) -> Iterator[object]:
    """Yield an event of the profiler, and then the events that enclose it."""
    while event is not None:
        yield event
        event = event.cpu_parent  # type: ignore[attr-defined]


def kind_of(event: object) -> str | None:
    """Return the kind that a profiler event counts as; None: the events that it encloses count."""
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
    """Return the seconds of three copies of all maps that depthwise convolutions read and write."""
    sizes: list[tuple[int, ...]] = []
    model = initial_network(network, 0).eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def record_sizes(_layer: nn.Module, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
        sizes.extend([tuple(inputs[0].shape), tuple(output.shape)])

    for layer in model.modules():
        if isinstance(layer, DepthwiseConv2d):
            layer.register_forward_hook(record_sizes)
    with torch.no_grad():
        model(torch.zeros(batch, 3, network.side, network.side))
    total = 0.0
    for shape in sizes:
        source, target = torch.rand(shape), torch.rand(shape)
        times = []
        for _ in range(9):
            began = time.perf_counter()
            target.copy_(source)
            times.append(time.perf_counter() - began)
        total += 3 * statistics.median(times) / 2  # a copy reads one map and writes one
    return total


def main() -> None:
    options = read_pairs(sys.argv[1:])
    batches = [int(text) for text in options.get("batches", "16,32,128").split(",")]
    names = options.get("baseline", "b0,mobilenet_v2,resnet18").split(",")
    heads = ("baseline", "batch", "ms/step", "GFLOP/s", "fixed", *KINDS, "rest", "at most faster")
    print("| " + " | ".join(heads) + " |\n|" + "---|" * len(heads))
    for name in names:
        network = proxy(name)
        for batch in batches:
            seconds = step_seconds(network, batch)
            share_of = shares(network, batch)
            rate = 3 * 2 * cost(network).macs * batch / seconds / 1e9
            saved = max(0.0, share_of["depthwise"] - copy_seconds(network, batch) / seconds)
            cells = [
                name, str(batch), f"{1e3 * seconds:.1f}", f"{rate:.1f}", f"{fixed_share(network, batch):.0%}",
                *(f"{share_of[kind]:.0%}" for kind in KINDS), f"{1 - sum(share_of.values()):.0%}",
                f"{1 / (1 - saved):.2f}x",
            ]  # fmt: skip
            print("| " + " | ".join(cells) + " |", flush=True)
    print(", ".join(f"{key} {value}" for key, value in environment().items()))


if __name__ == "__main__":
    main()
