"""Average a network's weights and statistics over the steps; the average is the result of a training."""

from __future__ import annotations

from copy import deepcopy

import torch
from torch import Tensor, nn


class MovingAverage:
    """Computes a ← decay·a + (1 − decay)·w after each step, including batch norm's statistics.

    The decay is at most (1 + t)/(10 + t) at step t, as in TensorFlow's `ExponentialMovingAverage`, so that the
    first weights are soon forgotten. With decay 0 the average is the network itself.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.network = deepcopy(network).requires_grad_(False).eval() if decay else network
        self._decay = decay
        pairs = list(zip(self.network.state_dict().values(), network.state_dict().values(), strict=True))
        self._float_pairs = [pair for pair in pairs if pair[0].is_floating_point()]
        self._other_pairs = [pair for pair in pairs if not pair[0].is_floating_point()]

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Add the weights after step `step`, counted from 0."""
        if not self._decay:
            return
        decay = min(self._decay, (1 + step) / (10 + step))
        averages, weights = ([pair[i] for pair in self._float_pairs] for i in range(2))
        torch._foreach_lerp_(averages, weights, 1 - decay)
        for average, value in self._other_pairs:
            average.copy_(value)

    def tensors(self) -> dict[str, Tensor]:
        """Return the tensors of the average, under the network's names."""
        return self.network.state_dict()
