"""A torch network from an `Architecture`: a fold over its walk, nothing described twice."""

from __future__ import annotations

from torch import nn

from scalesearch.design.architecture import Architecture
from scalesearch.nets.blocks import BLOCKS
from scalesearch.nets.blocks.mbconv import MBConv
from scalesearch.nets.blocks.parts import Norms


class ConvNet(nn.Sequential):
    """Images (N, 3, H, W) → logits (N, classes); the children are the blocks of `Architecture.walk()`.

    Weights start as in tensorflow/tpu `efficientnet_model.py`: convolutions normal with variance
    2 / fan-out, the linear layer uniform in ±1/√classes; a depthwise kernel's fan-out is that of one group.
    """

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        norms = Norms(architecture.activation, float(architecture.batch_norm_eps))
        for block in architecture.walk():
            self.add_module(block.name.replace(".", "_"), BLOCKS[block.kind](block, norms))
        for module in self.modules():
            _initialise(module)

    def zero_residual_branches(self) -> None:
        """Start every residual branch at zero: the last batch-norm scale (Goyal et al. 2017, section 5.1)."""
        for module in self.modules():
            if isinstance(module, MBConv) and module.last_norm is not None:
                nn.init.zeros_(module.last_norm.weight)


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d):
        fan_out = module.kernel_size[0] * module.kernel_size[1] * module.out_channels // module.groups
        nn.init.normal_(module.weight, 0.0, (2.0 / fan_out) ** 0.5)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, nn.Linear):
        bound = module.out_features**-0.5
        nn.init.uniform_(module.weight, -bound, bound)
        nn.init.zeros_(module.bias)
