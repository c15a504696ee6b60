"""How long a network takes for one image, measured here."""

from __future__ import annotations

import time
from collections.abc import Sequence
from statistics import median

import torch

from scalesearch.design.architecture import Architecture
from scalesearch.nets.convnet import ConvNet
from scalesearch.nets.threads import one_thread

_WARM_UPS = 3
_RUNS = 15


def device_words() -> str:
    """What `latencies` measures on."""
    return torch.cuda.get_device_name() if torch.cuda.is_available() else "one thread of this CPU"


def latencies(networks: Sequence[Architecture]) -> list[float]:
    """Median seconds of a forward pass of one image, for every network: eager float32, eval, no gradients.

    On the first GPU where there is one, else on one thread. The networks are warmed up and then run in turn, so
    that a machine that slows down slows all of them down.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    with torch.inference_mode(), one_thread():
        built = [(ConvNet(one).eval().to(device), _image(one, device)) for one in networks]
        for network, image in built:
            for _ in range(_WARM_UPS):
                network(image)
        rounds = [[_seconds(network, image) for network, image in built] for _ in range(_RUNS)]
    return [median(column) for column in zip(*rounds, strict=True)]


def _image(architecture: Architecture, device: torch.device) -> torch.Tensor:
    return torch.zeros(1, 3, architecture.resolution, architecture.resolution, device=device)


def _seconds(network: ConvNet, image: torch.Tensor) -> float:
    _finish(image)
    start = time.perf_counter()
    network(image)
    _finish(image)
    return time.perf_counter() - start


def _finish(image: torch.Tensor) -> None:
    if image.is_cuda:
        torch.cuda.synchronize()
