"""Create the optimisers of a training for use."""

from __future__ import annotations

import torch
from torch import nn

from scalesearch.proxy.optimizers import parameter_groups
from scalesearch.training.recipes import TrainRecipe


def make_optimizer(network: nn.Module, recipe: TrainRecipe) -> torch.optim.Optimizer:
    """Return RMSProp or SGD; weight decay applies to weights of two or more dimensions only.

    RMSProp is torch's. TensorFlow's, with which EfficientNets were trained, has ε inside the square root and starts
    its averages at one.
    """
    groups = parameter_groups(network, float(recipe.weight_decay))
    rate = float(recipe.learning_rate)
    if recipe.optimizer == "sgd":
        return torch.optim.SGD(groups, lr=rate, momentum=0.9, nesterov=True, fused=True)
    return torch.optim.RMSprop(groups, lr=rate, alpha=0.9, eps=1e-3, momentum=0.9)
