"""How long a network takes for one image, measured here."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from scalesearch.design.architecture import Architecture
from scalesearch.nets.convnet import ConvNet
from scalesearch.nets.threads import one_thread

_WARM_UPS = 3
RUNS = 15
"""Turns that a figure comes from."""
BATCH = 1
THREADS = 1


@dataclass(frozen=True, slots=True)
class Latency:
    """What a network's runs came to."""

    seconds: float
    """Median."""
    spread: float
    """Seconds from the first to the third quartile."""


def device_words() -> str:
    """What `latencies` measures on."""
    return torch.cuda.get_device_name() if torch.cuda.is_available() else "one thread of this CPU"


def device_name() -> str:
    """`CPU`, or the GPU's name."""
    return torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU"


def latencies(networks: Sequence[Architecture], runs: int = RUNS) -> list[Latency]:
    """What a forward pass of one image takes, for every network: eager float32, eval, no gradients.

    On the first GPU where there is one, else on one thread. The networks are warmed up and then run in turns, so
    that a machine that slows down slows all of them down. In its turn a network runs twice and the second run
    counts: in use its weights are not what another network has just driven out of the cache.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    with torch.inference_mode(), one_thread():
        built = [(ConvNet(one).eval().to(device), _image(one, device)) for one in networks]
        for network, image in built:
            for _ in range(_WARM_UPS):
                network(image)
        turns = [[_seconds(network, image) for network, image in built] for _ in range(runs)]
    low, middle, high = np.quantile(np.array(turns), (0.25, 0.5, 0.75), axis=0)
    return [Latency(float(one), float(b - a)) for one, a, b in zip(middle, low, high, strict=True)]


def _image(architecture: Architecture, device: torch.device) -> torch.Tensor:
    return torch.zeros(1, 3, architecture.resolution, architecture.resolution, device=device)


def _seconds(network: ConvNet, image: torch.Tensor) -> float:
    network(image)
    _finish(image)
    start = time.perf_counter()
    network(image)
    _finish(image)
    return time.perf_counter() - start


def _finish(image: torch.Tensor) -> None:
    if image.is_cuda:
        torch.cuda.synchronize()
