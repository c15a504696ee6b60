"""What all trainings share of their optimisers: which weights decay, and the state as tensors by name."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from scalesearch.search.task import Recipe


def make_optimizer(network: nn.Module, recipe: Recipe, device: torch.device) -> torch.optim.Optimizer:
    """The optimiser of a proxy's recipe; weight decay on weights of two or more dimensions only."""
    groups = parameter_groups(network, float(recipe.weight_decay))
    rate, momentum = float(recipe.learning_rate), float(recipe.momentum)
    if recipe.optimizer == "adamw":
        return torch.optim.AdamW(groups, lr=rate, fused=True, capturable=device.type == "cuda")
    return torch.optim.SGD(groups, lr=rate, momentum=momentum, nesterov=momentum > 0, fused=True)


def parameter_groups(network: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """The trained weights in two groups: those of two or more dimensions, which decay, and biases and scales."""
    weights = [parameter for parameter in network.parameters() if parameter.requires_grad]
    groups = [
        {"params": [weight for weight in weights if weight.ndim >= 2], "weight_decay": weight_decay},
        {"params": [weight for weight in weights if weight.ndim < 2], "weight_decay": 0.0},
    ]
    return [group for group in groups if group["params"]]


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
        alike = value.shape == weight.shape  # not so a count of steps
        own = torch.empty_like(weight).copy_(value) if alike else value.clone()
        optimizer.state[weight][name] = own.to(weight.device)


def under(state: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The tensors of a checkpoint whose names begin so, without that beginning."""
    return {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}


def _weights(optimizer: torch.optim.Optimizer) -> list[nn.Parameter]:
    return [one for group in optimizer.param_groups for one in group["params"]]
