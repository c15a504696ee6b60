"""Share the structure of residual blocks: the sum of a branch and a shortcut."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import nn


class Residual(nn.Module, ABC):
    """Adds a branch to a shortcut, where the block has one."""

    has_shortcut: bool
    survival: float = 1.0
    """The probability that training keeps an image's branch (stochastic depth, Huang et al. 2016)."""

    @property
    def last_norm(self) -> nn.BatchNorm2d | None:
        """The batch norm that ends the residual branch; None where there is no shortcut, or no batch norm."""
        return self._branch_norm() if self.has_shortcut else None

    @abstractmethod
    def _branch_norm(self) -> nn.BatchNorm2d | None:
        """Return the branch's last batch norm; None where layer scale takes its role."""

    def _drop_path(self, branch_NCHW: torch.Tensor) -> torch.Tensor:
        """Return the branch; in training it is dropped for some images and scaled up for the others."""
        if not self.training or self.survival == 1:
            return branch_NCHW
        shape = (len(branch_NCHW), 1, 1, 1)
        keep_mask = torch.empty(shape, dtype=branch_NCHW.dtype, device=branch_NCHW.device).bernoulli_(self.survival)
        return branch_NCHW * (keep_mask / self.survival)
