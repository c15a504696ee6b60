"""How long a training step of a network takes, measured here beside its baseline's."""

from __future__ import annotations

import time
from collections.abc import Sequence
from decimal import Decimal

import numpy as np
import torch

from scalesearch.design.architecture import Architecture
from scalesearch.errors import InputError
from scalesearch.proxy.failures import training_failure
from scalesearch.proxy.objective import initial_network, prepare_process
from scalesearch.proxy.tensors import TrainingData
from scalesearch.proxy.training import Training
from scalesearch.search.sampler_space import RelativeTime
from scalesearch.search.task import Recipe

WARM_UPS = 2
"""Steps of each network before the first turn."""
TURNS = 5
"""Steps of each network that a figure comes from."""


def steps_beside(baseline: Architecture, networks: Sequence[Architecture], batch: int) -> list[RelativeTime]:
    """Seconds of a training step of `batch` random images, each network in turns with the baseline.

    As trials are trained: the first GPU, or one thread; whole networks at their own resolution, not proxies.

    Raises:
        InputError: memory does not hold two networks under training, or a step has too few values to normalise.
    """
    try:
        return [_beside(_Steps(baseline, batch), _Steps(network, batch)) for network in networks]
    except (RuntimeError, ValueError, MemoryError) as error:
        failure = training_failure(error)
        if failure is None:
            raise
        raise InputError(f"a timed step of {batch} images: {failure.for_budget()}") from error


def _beside(base: _Steps, own: _Steps) -> RelativeTime:
    turns = np.array([(base.seconds(), own.seconds()) for _ in range(WARM_UPS + TURNS)][WARM_UPS:])
    return RelativeTime(float(np.median(turns[:, 1])), float(np.median(turns[:, 1] / turns[:, 0])))


class _Steps:
    """A network under training on random images."""

    def __init__(self, network: Architecture, batch: int) -> None:
        device, px = prepare_process(), network.resolution
        draw = torch.Generator().manual_seed(0)
        count = batch * (WARM_UPS + TURNS + 1)  # one more: at the end of an epoch there would be validation
        images = torch.randint(256, (count, 3, px, px), dtype=torch.uint8, generator=draw)
        labels = torch.randint(network.classes, (count,), generator=draw)
        data = TrainingData(images, labels, images[:1], labels[:1])
        recipe = Recipe(epochs=1, batch=batch, learning_rate=Decimal("0.01"))
        self._run = Training(initial_network(network, 0), data, recipe, 0, device)
        # On one thread nothing waits for anything: its own clock stands while other programs have the core.
        self._clock = time.perf_counter if device.type == "cuda" else time.thread_time

    def seconds(self) -> float:
        """Of the next step."""
        start = self._clock()
        run = self._run
        list(run.epochs(run.step + 1, lambda _: 0.01))
        if run.device.type == "cuda":
            torch.cuda.synchronize()
        return self._clock() - start
