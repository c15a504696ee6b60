"""Create the optimisers of all trainings: which weights decay, and the optimiser state as tensors by name."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from scalesearch.search.task import Recipe


def make_optimizer(network: nn.Module, recipe: Recipe, device: torch.device) -> torch.optim.Optimizer:
    """Return the optimiser of a proxy's recipe; only weights of two or more dimensions decay."""
    groups = parameter_groups(network, float(recipe.weight_decay))
    rate, momentum = float(recipe.learning_rate), float(recipe.momentum)
    if recipe.optimizer == "adamw":
        return torch.optim.AdamW(groups, lr=rate, fused=True, capturable=device.type == "cuda")
    return torch.optim.SGD(groups, lr=rate, momentum=momentum, nesterov=momentum > 0, fused=True)


def parameter_groups(network: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Return the trained parameters in two groups: weights of two or more dimensions, which decay, and the rest."""
    weights = [parameter for parameter in network.parameters() if parameter.requires_grad]
    groups = [
        {"params": [weight for weight in weights if weight.ndim >= 2], "weight_decay": weight_decay},
        {"params": [weight for weight in weights if weight.ndim < 2], "weight_decay": 0.0},
    ]
    return [group for group in groups if group["params"]]


def optimizer_state(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Return the tensors that the optimiser keeps, named `number of the parameter.name`."""
    return {
        f"{i}.{name}": value
        for i, parameter in enumerate(_parameters(optimizer))
        for name, value in optimizer.state.get(parameter, {}).items()
        if isinstance(value, Tensor)
    }


def restore_optimizer(optimizer: torch.optim.Optimizer, state: dict[str, Tensor]) -> None:
    """Restore the tensors in the memory format of their parameters, which affects the last bits of later steps."""
    parameters = _parameters(optimizer)
    for key, value in state.items():
        number, name = key.split(".", 1)
        parameter = parameters[int(number)]
        same_shape = value.shape == parameter.shape  # false for a count of steps
        restored = torch.empty_like(parameter).copy_(value) if same_shape else value.clone()
        optimizer.state[parameter][name] = restored.to(parameter.device)


def sub_state_dict(state: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Return the tensors of a checkpoint whose names begin with `prefix`, without that prefix."""
    return {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}


def _parameters(optimizer: torch.optim.Optimizer) -> list[nn.Parameter]:
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]
