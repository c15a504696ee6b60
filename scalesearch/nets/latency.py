"""Measure how long networks take for a batch of images, by default of one, on this machine."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import numpy as np
import torch

from scalesearch.design.factory import FactoryNetwork, Network
from scalesearch.errors import InputError
from scalesearch.nets.build import build
from scalesearch.nets.factory import call_of, report_failures
from scalesearch.nets.malloc import disable_malloc_trim
from scalesearch.nets.threads import single_threaded

WARM_UPS = 3
"""The number of runs of every network before the first turn."""
RUNS = 15
"""The number of turns that a result comes from."""
BATCH = 1
THREADS = 1
"""The number of CPU threads, where the CPU is measured."""
DEVICES = ("cpu", "cuda")


@dataclass(frozen=True, slots=True)
class Latency:
    """Summarises the runs of a network."""

    seconds: float
    """The median."""
    spread: float
    """The seconds from the first to the third quartile."""


@dataclass(frozen=True, slots=True)
class RelativeLatency:
    """Describes the latency of a network that took turns with its baseline."""

    latency: Latency
    ratio: float
    """The median over the turns of its time divided by the baseline's just before."""


def describe_device() -> str:
    """Return a description of the device that is measured."""
    return torch.cuda.get_device_name() if torch.cuda.is_available() else "one thread of this CPU"


def device_name() -> str:
    """Return `CPU`, or the GPU's name."""
    return torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU"


def latency(network: Network) -> float:
    """Return the median seconds of a forward pass of one image; see `relative_latencies`."""
    return relative_latencies(network, [])[0].seconds


def latencies(networks: Sequence[Network]) -> list[float]:
    """Return the median seconds of a forward pass of one image for every network; see `relative_latencies`."""
    return [result.latency.seconds for result in relative_latencies(networks[0], networks)[1]] if networks else []


def devices() -> list[str]:
    """Return those of `DEVICES` that this machine has."""
    return [device for device in DEVICES if device == "cpu" or torch.cuda.is_available()]


def relative_latencies(
    baseline: Network,
    networks: Sequence[Network],
    runs: int = RUNS,
    batch: int = BATCH,
    device: str | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> tuple[Latency, list[RelativeLatency]]:
    """Measure the latency of a forward pass: eager float32, eval, no gradients.

    The first GPU is measured, where there is one and `device` names no other, else one CPU thread. All networks are
    warmed up and then run in turns, and the baseline runs again before every network: a machine that slows down
    slows both, and their ratio stays.

    In its turn a network runs twice and the second run counts: in use, its weights are not evicted from the cache
    by another network. On the CPU the time of the thread itself counts, which equals the elapsed time on an idle
    machine; on a GPU the time until it has finished. glibc is told to keep freed memory (`disable_malloc_trim`).
    Otherwise tensors above some size are mapped anew in every pass, and a few px more cost twice the time.

    Args:
        baseline: the network that ratios refer to.
        networks: the networks to measure.
        runs: the number of turns, without the warm-up.
        batch: the number of images in a pass.
        device: one of `devices()`.
        on_progress: called with the number of finished turns and the number of all.

    Returns:
        The baseline's latency over all its runs, and the latency of every network.

    Raises:
        InputError: memory does not hold the networks and their images, or the network of a function fails.
    """
    try:
        return _measure_in_turns(
            baseline, networks, runs, batch, torch.device(device or devices()[-1]), on_progress
        )
    except (torch.cuda.OutOfMemoryError, MemoryError, RuntimeError) as error:
        if not isinstance(error, torch.cuda.OutOfMemoryError | MemoryError) and "allocat" not in str(error):
            raise
        raise InputError(
            f"{len(networks) + 1} networks and {batch} images a pass: more than the memory holds; take fewer"
        ) from error


def _measure_in_turns(
    baseline: Network,
    networks: Sequence[Network],
    runs: int,
    batch: int,
    device: torch.device,
    on_progress: Callable[[int, int], None] | None,
) -> tuple[Latency, list[RelativeLatency]]:
    if device.type == "cpu":
        disable_malloc_trim()
    turns: list[list[tuple[float, float]]] = []
    with torch.inference_mode(), single_threaded():
        baseline_timer, *timers = [_LatencyTimer(network, batch, device) for network in (baseline, *networks)]
        while len(turns) < runs:
            turns.append([(baseline_timer.seconds(), timer.seconds()) for timer in timers or [baseline_timer]])
            if on_progress is not None:
                on_progress(len(turns), runs)
    times = np.array(turns)  # (turns, networks, baseline and network)
    summaries = [_summarize(times[:, i, 1]) for i in range(len(timers))]
    ratios = np.median(times[..., 1] / times[..., 0], axis=0)
    relative = [
        RelativeLatency(summary, float(ratio))
        for summary, ratio in zip(summaries, ratios[: len(timers)], strict=True)
    ]
    return _summarize(times[..., 0].ravel()), relative


def _summarize(seconds: np.ndarray) -> Latency:
    low, middle, high = np.quantile(seconds, (0.25, 0.5, 0.75))
    return Latency(float(middle), float(high - low))


def _report_failures(network: Network, device: torch.device) -> AbstractContextManager[None]:
    if isinstance(network, FactoryNetwork):
        return report_failures(call_of(network), network.resolution, f"on {device.type} ")
    return nullcontext()


class _LatencyTimer:
    """A warmed-up network on its device."""

    def __init__(self, network: Network, batch: int, device: torch.device) -> None:
        self._network = build(network).eval().to(device)
        self._images = torch.zeros(batch, *network.image_shape, device=device)
        # One thread never waits for another, and its own clock does not count the time of other programs.
        self._read_clock = time.perf_counter if device.type == "cuda" else time.thread_time
        with _report_failures(network, device):
            for _ in range(WARM_UPS):
                self._network(self._images)

    def seconds(self) -> float:
        """Run twice and return the seconds of the second run."""
        self._network(self._images)
        self._synchronize()
        start = self._read_clock()
        self._network(self._images)
        self._synchronize()
        return self._read_clock() - start

    def _synchronize(self) -> None:
        if self._images.is_cuda:
            torch.cuda.synchronize()
