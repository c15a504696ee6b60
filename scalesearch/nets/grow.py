"""Grow a trained network into a deeper and wider one that computes the same at first.

Net2Net (Chen et al. 2016, arXiv 1511.05641) widens by copying channels and deepens by identity layers. Here new
channels get new random weights in place of copies, so that they differ from the start, and further residual blocks
start as the identity.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor, nn

from scalesearch.nets.blocks.parts import batch_norm_of
from scalesearch.nets.blocks.resnet import ResNetBlock
from scalesearch.nets.convnet import ConvNet


@torch.no_grad()
def grow(trunk: ConvNet, network: ConvNet, images_NCHW: Tensor) -> None:
    """Copy the trunk into the network, in place, so that the network returns the trunk's logits.

    The trunk's tensors become the leading corner of the network's, and the old channels do not read the new ones.
    This holds for architectures that `can_grow`, where the network starts with its residual branches at zero
    (`zero_residual_branches`).

    Where the network alone has a projection, that becomes the identity of the old channels. The scale and shift of
    its batch norm undo the statistics of `images_NCHW`, so that for other images the logits differ a little.

    Args:
        trunk: the trained network. It is in evaluation mode afterwards.
        network: a network of the same form with at least as many channels and blocks everywhere.
        images_NCHW: images as they are in training, on the trunk's device.
    """
    projections = dict(_new_projections(trunk, network))
    copy_into_corner(trunk.state_dict(), network)
    for name, input_NCHW in _inputs(trunk, projections, images_NCHW).items():
        _make_identity(projections[name], input_NCHW)


def copy_into_corner(trained: Mapping[str, Tensor], network: nn.Module) -> None:
    """Copy trained tensors into the leading corners of the network's tensors of the same names."""
    tensors = network.state_dict()
    for name, small in trained.items():
        large = tensors[name]
        if small.ndim >= 2 and small.shape[1] < large.shape[1]:
            large[: small.shape[0], small.shape[1] :] = 0  # old channels do not read new ones
        large[tuple(slice(0, length) for length in small.shape)] = small


def _new_projections(trunk: ConvNet, network: ConvNet) -> Iterator[tuple[str, nn.Module]]:
    """Yield the projections, by the name of their block, where the trunk has the identity."""
    blocks = dict(trunk.named_children())
    for name, block in network.named_children():
        old = blocks.get(name)
        if not isinstance(block, ResNetBlock) or not isinstance(old, ResNetBlock):
            continue
        if isinstance(old.shortcut, nn.Identity) and not isinstance(block.shortcut, nn.Identity):
            yield name, block.shortcut


def _inputs(trunk: ConvNet, names: Mapping[str, object], images_NCHW: Tensor) -> dict[str, Tensor]:
    """Return the feature maps that enter the trunk's blocks of these names."""
    inputs: dict[str, Tensor] = {}
    if not names:
        return inputs
    trunk.eval()
    features_NCHW = images_NCHW
    for name, block in trunk.named_children():
        if name in names:
            inputs[name] = features_NCHW
        features_NCHW = block(features_NCHW)
    return inputs


def _make_identity(projection: nn.Module, input_NCHW: Tensor) -> None:
    """Set a 1×1 convolution with batch norm to the identity of its first channels, by the input's statistics."""
    norm = batch_norm_of(projection)
    (convolution,) = (module for module in projection.modules() if isinstance(module, nn.Conv2d))
    count = input_NCHW.shape[1]
    variance_C, mean_C = torch.var_mean(input_NCHW, dim=(0, 2, 3), correction=0)
    identity = torch.eye(count, convolution.in_channels, device=input_NCHW.device)
    convolution.weight[:count] = identity[..., None, None]
    norm.weight[:count], norm.bias[:count] = (variance_C + norm.eps).sqrt(), mean_C
    assert norm.running_mean is not None, "batch norm tracks its statistics"
    assert norm.running_var is not None, "batch norm tracks its statistics"
    norm.running_mean[:count], norm.running_var[:count] = mean_C, variance_C
