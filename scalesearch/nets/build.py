"""Build the torch network of any `Network`."""

from __future__ import annotations

from torch import nn

from scalesearch.design.architecture import Architecture
from scalesearch.design.factory import Network
from scalesearch.nets.convnet import ConvNet
from scalesearch.nets.factory import build_factory


def build(network: Network) -> nn.Module:
    """Return a module that maps images (N, in_channels, height, width) to logits (N, classes), with fresh weights.

    Raises:
        InputError: a user's own function fails.
    """
    return ConvNet(network) if isinstance(network, Architecture) else build_factory(network)
