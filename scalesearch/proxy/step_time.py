"""Measure the time of a training step of a network relative to its baseline, on this machine."""

from __future__ import annotations

import time
from collections.abc import Sequence
from decimal import Decimal

import numpy as np
import torch

from scalesearch.design.architecture import Architecture
from scalesearch.errors import InputError
from scalesearch.proxy.failures import training_failure
from scalesearch.proxy.initial import initial_network
from scalesearch.proxy.objective import prepare_process
from scalesearch.proxy.tensors import TrainingData
from scalesearch.proxy.training import Training
from scalesearch.search.sampler_space import RelativeTime
from scalesearch.search.task import Recipe

WARM_UPS = 2
"""The number of steps of each network before the first measured turn."""
TURNS = 5
"""The number of steps of each network that a result comes from."""


def relative_step_times(baseline: Architecture, networks: Sequence[Architecture], batch: int) -> list[RelativeTime]:
    """Measure the seconds of a training step of `batch` random images; each network takes turns with the baseline.

    As in a trial, the first GPU or one thread is used; unlike in a trial, networks are not reduced to proxies and
    have their own resolution.

    Raises:
        InputError: memory does not hold two networks in training, or a step has too few values to normalise.
    """
    try:
        return [_time_in_turns(_StepTimer(baseline, batch), _StepTimer(network, batch)) for network in networks]
    except (RuntimeError, ValueError, MemoryError) as error:
        failure = training_failure(error)
        if failure is None:
            raise
        raise InputError(f"a timed step of {batch} images: {failure.for_budget()}") from error


def _time_in_turns(baseline_timer: _StepTimer, timer: _StepTimer) -> RelativeTime:
    turns = np.array([(baseline_timer.seconds(), timer.seconds()) for _ in range(WARM_UPS + TURNS)][WARM_UPS:])
    return RelativeTime(float(np.median(turns[:, 1])), float(np.median(turns[:, 1] / turns[:, 0])))


class _StepTimer:
    """A network in training on random images."""

    def __init__(self, network: Architecture, batch: int) -> None:
        device = prepare_process()
        draw = torch.Generator().manual_seed(0)
        count = batch * (WARM_UPS + TURNS + 1)  # one more step: the end of an epoch would run a validation
        images = torch.randint(256, (count, *network.image_shape), dtype=torch.uint8, generator=draw)
        labels = torch.randint(network.classes, (count,), generator=draw)
        data = TrainingData(images, labels, images[:1], labels[:1])
        recipe = Recipe(epochs=1, batch=batch, learning_rate=Decimal("0.01"))
        self._run = Training(initial_network(network, 0), data, recipe, 0, device)
        # One thread never waits for another, and its own clock does not count the time of other programs.
        self._read_clock = time.perf_counter if device.type == "cuda" else time.thread_time

    def seconds(self) -> float:
        """Take one step and return its seconds."""
        start = self._read_clock()
        run = self._run
        list(run.epochs(run.step + 1, lambda _: 0.01))
        if run.device.type == "cuda":
            torch.cuda.synchronize()
        return self._read_clock() - start
