"""Compute batch-norm statistics of the current weights, in place of averages over past weights.

The running averages of a short training lag behind its weights. Precise statistics are the mean, over some batches,
of each batch's mean and variance under the current weights (Wu & Johnson 2021, arXiv 2105.07576, section 3; pycls,
`compute_precise_bn_stats`). This implementation differs in two points: images are not augmented, and everything
except batch norm is in evaluation mode, so that dropout and stochastic depth do not widen the statistics.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm


@contextmanager
def precise_statistics(model: nn.Module, batches: Iterable[Tensor]) -> Iterator[None]:
    """Give the model's batch norms the statistics of the batches while active, and restore the old ones afterwards.

    The model is left in evaluation mode. Training does not read the statistics, so it continues unchanged.

    Args:
        model: its batch norms are changed; those without running statistics stay as they are.
        batches: (B, C, H, W), normalised, on the model's device.
    """
    model.eval()
    layers = [module for module in model.modules() if isinstance(module, _BatchNorm) and module.track_running_stats]
    if not layers:
        yield
        return
    buffers = [buffer for layer in layers for buffer in layer.buffers(recurse=False)]
    saved = [buffer.clone() for buffer in buffers]
    momenta = [layer.momentum for layer in layers]
    for layer in layers:
        layer.reset_running_stats()
        layer.momentum = None  # torch's way to ask for a plain mean over batches
        layer.train()
    with torch.no_grad():
        for images_BCHW in batches:
            model(images_BCHW)
    for layer, momentum in zip(layers, momenta, strict=True):
        layer.momentum = momentum
        layer.eval()
    try:
        yield
    finally:
        for buffer, value in zip(buffers, saved, strict=True):
            buffer.copy_(value)
