"""A weight filling by arithmetic alone, the same for any two networks of equal layers, in any library.

The tensors of `state_dict()` are filled in the order of `tensors_in_order`: weights from an integer hash of place
and index, scaled by fan-in; then batch norm takes its statistics from images that are made in the same way. So a
logit of torchvision's network can be written down, and ours must give it again.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod

import numpy as np
import torch
from torch import Tensor, nn


def uniform(place: int, count: int) -> Tensor:
    """`count` numbers in −1 … 1 (splitmix64 of place and index)."""
    bits = np.arange(count, dtype=np.uint64) + np.uint64(place << 40)
    with np.errstate(over="ignore"):
        bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        bits ^= bits >> np.uint64(31)
    return torch.from_numpy((bits >> np.uint64(40)).astype(np.float32) / np.float32(2**23) - 1)


def images(count: int, px: int, place: int, channels: int = 3) -> Tensor:
    """Images (N, channels, px, px) of uniform noise."""
    return uniform(place, count * channels * px * px).reshape(count, channels, px, px)


def _channels(network: nn.Module) -> int:
    """What the first convolution takes."""
    return next(one.in_channels for one in network.modules() if isinstance(one, nn.Conv2d))


LAST = ("gamma", "layer_scale")
"""What timm and torchvision call the factors of layer scale, which their blocks register before the layers."""


def tensors_in_order(network: nn.Module) -> dict[str, Tensor]:
    """The state dict in the order in which data meets the layers: layer scale ends its block."""
    state = network.state_dict()
    names = list(state)
    for name in [one for one in names if one.rpartition(".")[2] in LAST]:
        block = name.rpartition(".")[0] + "."
        names.remove(name)
        names.insert(max(i for i, one in enumerate(names) if one.startswith(block)) + 1, name)
    return {name: state[name] for name in names}


def fill(network: nn.Module, px: int) -> nn.Module:
    """Fill all weights; the network is in eval afterwards.

    Each batch norm takes statistics near those of what it sees, so that no signal fades; small scales beside large
    shifts keep a hundred layers from blowing rounding errors up, which differ between machines.
    """
    network.eval()
    norms = [one for one in network.modules() if isinstance(one, nn.BatchNorm2d)]
    scaled = [one.weight for one in network.modules() if isinstance(one, nn.BatchNorm2d)]
    layer_norms = [one for one in network.modules() if isinstance(one, nn.LayerNorm)]
    with torch.no_grad():
        for place, (name, tensor) in enumerate(tensors_in_order(network).items()):
            if tensor.ndim == 0 or name.rpartition(".")[2].startswith("running"):
                continue
            values = uniform(place, tensor.numel()).reshape(tensor.shape)
            one_each = tensor.numel() == len(tensor)  # a vector, whatever its dimensions
            tensor.copy_(values if one_each else values / prod(tensor.shape[1:]) ** 0.5)
        for weight in scaled:
            weight.mul_(0.1).add_(0.3)  # a scale, where the filling made a shift
        for norm in layer_norms:  # it has no statistics to be measured: larger scales keep the images apart
            norm.weight.mul_(0.3).add_(1)
            norm.bias.mul_(0.1)
        hooks = [norm.register_forward_pre_hook(_measurer(2000 + place)) for place, norm in enumerate(norms)]
        network(images(8, px, 1000, _channels(network)))
    for hook in hooks:
        hook.remove()
    return network


def _measurer(place: int) -> Callable[[nn.BatchNorm2d, tuple[Tensor, ...]], None]:
    """A hook that sets the statistics near those of the batch: layers behind see what the change makes of it."""

    def measure(norm: nn.BatchNorm2d, inputs: tuple[Tensor, ...]) -> None:
        variance, mean = torch.var_mean(inputs[0], (0, 2, 3), correction=0)
        variance += 0.1 * mean**2 + 0.1 * variance.mean()  # a channel may be the same everywhere
        assert norm.running_mean is not None
        assert norm.running_var is not None
        norm.running_mean.copy_(mean + 0.2 * variance.sqrt() * uniform(place, norm.num_features))
        norm.running_var.copy_(variance * (1 + 0.25 * uniform(place + 2000, norm.num_features)))

    return measure


def some_logits(network: nn.Module, px: int) -> Tensor:
    """The first eight logits of two images."""
    with torch.no_grad():
        logits_NK: Tensor = network(images(2, px, 3000, _channels(network)))
    return logits_NK[:, :8]
