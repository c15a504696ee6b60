"""Estimate how long the training of a proxy takes, from a few real steps."""

from __future__ import annotations

from dataclasses import replace

import torch

from scalesearch.proxy.initial import initial_network
from scalesearch.proxy.objective import prepare_process
from scalesearch.proxy.tensors import TrainingData
from scalesearch.proxy.training import train
from scalesearch.search.trial import TrialSpec

_BATCHES = 3


def gpu_watts() -> float | None:
    """Return the power that all GPUs of this machine draw at present; None where one does not tell it.

    `torch.cuda.power_draw` reads it by NVML, which needs the package nvidia-ml-py.
    """
    try:
        return sum(torch.cuda.power_draw(index) for index in range(torch.cuda.device_count())) / 1000
    except Exception:  # NVML's errors have a class each, in a package that may be missing
        return None


def seconds_per_image(spec: TrialSpec) -> float:
    """Return the wall seconds per training image, measured over three steps on random images after a warm-up."""
    device = prepare_process()
    batch = spec.recipe.batch
    count = batch * _BATCHES
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(256, (count, *spec.proxy.image_shape), dtype=torch.uint8, generator=generator)
    labels = torch.randint(spec.proxy.classes, (count,), generator=generator)
    data = TrainingData(images, labels, images[:1], labels[:1])
    epochs = train(initial_network(spec.proxy, spec.seed), data, replace(spec.recipe, epochs=2), spec.seed, device)
    return [epoch.seconds for epoch in epochs][-1] / count
