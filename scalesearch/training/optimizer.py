"""The two optimisers, and their state as tensors by name."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from scalesearch.training.recipes import TrainRecipe


def make_optimizer(network: nn.Module, recipe: TrainRecipe) -> torch.optim.Optimizer:
    """RMSProp or SGD; weight decay on weights of two or more dimensions only.

    RMSProp is torch's: TensorFlow's, with which EfficientNets were trained, has ε inside the square root and starts
    its averages at one.
    """
    weights = [one for one in network.parameters() if one.requires_grad]
    groups = [
        {"params": [one for one in weights if one.ndim >= 2], "weight_decay": float(recipe.weight_decay)},
        {"params": [one for one in weights if one.ndim < 2], "weight_decay": 0.0},
    ]
    rate = float(recipe.learning_rate)
    if recipe.optimizer == "sgd":
        return torch.optim.SGD(groups, lr=rate, momentum=0.9, nesterov=True, fused=True)
    return torch.optim.RMSprop(groups, lr=rate, alpha=0.9, eps=1e-3, momentum=0.9)


def optimizer_state(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """The tensors that the optimiser keeps, as `number of the weight.name`."""
    return {
        f"{i}.{name}": value
        for i, weight in enumerate(_weights(optimizer))
        for name, value in optimizer.state.get(weight, {}).items()
        if isinstance(value, Tensor)
    }


def restore_optimizer(optimizer: torch.optim.Optimizer, state: dict[str, Tensor]) -> None:
    """Put them back, in the memory format of their weights, which the last bits depend on."""
    weights = _weights(optimizer)
    for key, value in state.items():
        number, name = key.split(".", 1)
        weight = weights[int(number)]
        alike = value.shape == weight.shape  # not so RMSProp's count of steps
        optimizer.state[weight][name] = torch.empty_like(weight).copy_(value) if alike else value.clone()


def _weights(optimizer: torch.optim.Optimizer) -> list[nn.Parameter]:
    return [one for group in optimizer.param_groups for one in group["params"]]
