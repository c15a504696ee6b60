"""A torch network from an `Architecture`: a fold over its walk, nothing described twice."""

from __future__ import annotations

from torch import nn

from scalesearch.design.architecture import Architecture
from scalesearch.nets.blocks import BLOCKS
from scalesearch.nets.blocks.mbconv import MBConv
from scalesearch.nets.blocks.parts import Norms


class ConvNet(nn.Sequential):
    """Images (N, 3, H, W) → logits (N, classes); the children are the blocks of `Architecture.walk()`.

    Weights start as torch's do, unlike tensorflow/tpu `efficientnet_model.py` (variance 2 / fan-out).
    """

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        norms = Norms(architecture.activation, float(architecture.batch_norm_eps))
        for block in architecture.walk():
            self.add_module(block.name.replace(".", "_"), BLOCKS[block.kind](block, norms))

    def zero_residual_branches(self) -> None:
        """Start every residual branch at zero: the last batch-norm scale (Goyal et al. 2017, section 5.1)."""
        for module in self.modules():
            if isinstance(module, MBConv) and module.last_norm is not None:
                nn.init.zeros_(module.last_norm.weight)
