"""How long a network takes for a batch of images, by default of one, measured here."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from scalesearch.design.architecture import Architecture
from scalesearch.errors import InputError
from scalesearch.nets.convnet import ConvNet
from scalesearch.nets.memory import keep_memory
from scalesearch.nets.threads import one_thread

WARM_UPS = 3
"""Runs of every network before the first turn."""
RUNS = 15
"""Turns that a figure comes from."""
BATCH = 1
THREADS = 1
"""Of the CPU, where it is measured."""
DEVICES = ("cpu", "cuda")


@dataclass(frozen=True, slots=True)
class Latency:
    """What a network's runs came to."""

    seconds: float
    """Median."""
    spread: float
    """Seconds from the first to the third quartile."""


@dataclass(frozen=True, slots=True)
class Beside:
    """A network that took turns with its baseline."""

    latency: Latency
    ratio: float
    """Median over the turns of its time over the baseline's just before."""


def device_words() -> str:
    """What is measured on."""
    return torch.cuda.get_device_name() if torch.cuda.is_available() else "one thread of this CPU"


def device_name() -> str:
    """`CPU`, or the GPU's name."""
    return torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU"


def latency(network: Architecture) -> float:
    """Median seconds of a forward pass of one image; see `latencies_beside`."""
    return latencies_beside(network, [])[0].seconds


def latencies(networks: Sequence[Architecture]) -> list[float]:
    """Median seconds of a forward pass of one image for every network; see `latencies_beside`."""
    return [one.latency.seconds for one in latencies_beside(networks[0], networks)[1]] if networks else []


def devices() -> list[str]:
    """Those of `DEVICES` that are here."""
    return [device for device in DEVICES if device == "cpu" or torch.cuda.is_available()]


def latencies_beside(
    baseline: Architecture,
    networks: Sequence[Architecture],
    runs: int = RUNS,
    batch: int = BATCH,
    device: str | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> tuple[Latency, list[Beside]]:
    """What a forward pass takes: eager float32, eval, no gradients.

    On the first GPU where there is one and no other device is asked for, else on one thread. All are warmed up and
    then run in turns, and before every network the baseline runs again: a machine that slows down slows both, and
    their ratio stays. In its turn a network runs twice and the second run counts: in use its weights are not what
    another network has just driven out of the cache. On the CPU the thread's own time counts, which is what passes
    on a machine that does nothing else; on a GPU the time until it has finished. glibc is told to keep freed memory
    (`keep_memory`): else maps above some size are mapped anew in every pass, and a few px more cost twice the time.

    Args:
        baseline: what ratios are of.
        networks: what is timed beside it.
        runs: turns, warm-up left out.
        batch: images a pass.
        device: one of `devices()`.
        on_progress: is told how many turns are over, and how many there are.

    Returns:
        The baseline's latency over all its runs, and every network's.

    Raises:
        InputError: memory does not hold the networks and their images.
    """
    try:
        return _take_turns(baseline, networks, runs, batch, torch.device(device or devices()[-1]), on_progress)
    except (torch.cuda.OutOfMemoryError, MemoryError, RuntimeError) as error:
        if not isinstance(error, torch.cuda.OutOfMemoryError | MemoryError) and "allocat" not in str(error):
            raise
        raise InputError(
            f"{len(networks) + 1} networks and {batch} images a pass: more than the memory holds; take fewer"
        ) from error


def _take_turns(
    baseline: Architecture,
    networks: Sequence[Architecture],
    runs: int,
    batch: int,
    device: torch.device,
    on_progress: Callable[[int, int], None] | None,
) -> tuple[Latency, list[Beside]]:
    if device.type == "cpu":
        keep_memory()
    turns: list[list[tuple[float, float]]] = []
    with torch.inference_mode(), one_thread():
        base, *built = [_Runner(one, batch, device) for one in (baseline, *networks)]
        while len(turns) < runs:
            turns.append([(base.seconds(), one.seconds()) for one in built or [base]])
            if on_progress is not None:
                on_progress(len(turns), runs)
    times = np.array(turns)  # (turns, networks, baseline and network)
    found = [_latency(times[:, i, 1]) for i in range(len(built))]
    ratios = np.median(times[..., 1] / times[..., 0], axis=0)
    beside = [Beside(one, float(ratio)) for one, ratio in zip(found, ratios[: len(built)], strict=True)]
    return _latency(times[..., 0].ravel()), beside


def _latency(seconds: np.ndarray) -> Latency:
    low, middle, high = np.quantile(seconds, (0.25, 0.5, 0.75))
    return Latency(float(middle), float(high - low))


class _Runner:
    """A network on its device, warm."""

    def __init__(self, architecture: Architecture, batch: int, device: torch.device) -> None:
        side = architecture.resolution
        self._network = ConvNet(architecture).eval().to(device)
        self._images = torch.zeros(batch, architecture.in_channels, side, side, device=device)
        # On one thread nothing waits for anything: its own clock stands while other programs have the core.
        self._clock = time.perf_counter if device.type == "cuda" else time.thread_time
        for _ in range(WARM_UPS):
            self._network(self._images)

    def seconds(self) -> float:
        """Of the second of two runs."""
        self._network(self._images)
        self._finish()
        start = self._clock()
        self._network(self._images)
        self._finish()
        return self._clock() - start

    def _finish(self) -> None:
        if self._images.is_cuda:
            torch.cuda.synchronize()
