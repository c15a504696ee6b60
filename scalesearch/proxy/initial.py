"""Build a proxy before its first step."""

from __future__ import annotations

import torch
from torch import nn

from scalesearch.design.factory import Network
from scalesearch.nets.build import build
from scalesearch.nets.convnet import ConvNet

BATCH_NORM_MOMENTUM = 0.1
"""The running statistics must settle within the few hundred steps of a proxy; 0.01 is for long training."""


def initial_network(proxy: Network, seed: int) -> nn.Module:
    """Build a proxy before its first step: weights from the seed, residual branches at zero (in built-in networks).

    Short training penalises depth mostly through its initialisation. With the last batch-norm scale of every
    residual branch at zero a deep network starts as a shallow one (Goyal et al. 2017, section 5.1).
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = build(proxy)
    if isinstance(network, ConvNet):
        network.zero_residual_branches()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = BATCH_NORM_MOMENTUM
    return network
