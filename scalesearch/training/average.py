"""The moving average of a network's weights and statistics, which is what a training hands over."""

from __future__ import annotations

from copy import deepcopy

import torch
from torch import Tensor, nn


class MovingAverage:
    """a ← decay·a + (1 − decay)·w after each step, batch norm's statistics included.

    The decay is at most (1 + t)/(10 + t) at step t, as TensorFlow's `ExponentialMovingAverage` has it, so that the
    first weights are soon forgotten. With decay 0 the average is the network itself.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.network = deepcopy(network).requires_grad_(False).eval() if decay else network
        self._decay = decay
        pairs = list(zip(self.network.state_dict().values(), network.state_dict().values(), strict=True))
        self._floats = [pair for pair in pairs if pair[0].is_floating_point()]
        self._counts = [pair for pair in pairs if not pair[0].is_floating_point()]

    @torch.no_grad()
    def follow(self, step: int) -> None:
        """Take up the weights after step `step`, counted from 0."""
        if not self._decay:
            return
        decay = min(self._decay, (1 + step) / (10 + step))
        averages, weights = ([pair[i] for pair in self._floats] for i in range(2))
        torch._foreach_lerp_(averages, weights, 1 - decay)
        for average, count in self._counts:
            average.copy_(count)

    def tensors(self) -> dict[str, Tensor]:
        """The average's, by the network's names."""
        return self.network.state_dict()
