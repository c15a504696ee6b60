"""Train the trunk of a seed: the unscaled proxy from which the proxies of all candidates are grown.

Trials with the same seed share the beginning of their training, and with it the luck of that beginning, which is
most of the noise of short trainings. What remains differs from network to network.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from scalesearch.nets.convnet import ConvNet
from scalesearch.nets.grow import grow
from scalesearch.proxy.augment import normalise
from scalesearch.proxy.checkpoints import load_checkpoint, save_checkpoint
from scalesearch.proxy.datasets import ImageData
from scalesearch.proxy.initial import initial_network
from scalesearch.proxy.training import Training, train_trunk
from scalesearch.search.trial import TrialSpec

SEED_AFTER_TRUNK = 1_000_000
"""Added to the seed after the trunk: the order of the images and the new weights are not those of the trunk."""
_IMAGES = 256
"""Training images from which the statistics of new projections are taken."""
_MOST_KEPT = 8
"""The most trunks that a process keeps in memory. Without them and checkpoints, each trial would train its own."""

_trunks: dict[str, dict[str, Tensor]] = {}


def grown_network(spec: TrialSpec, data: ImageData, checkpoints: Path | None, device: torch.device) -> ConvNet:
    """Return the trial's proxy before its first step, grown from the trunk of its seed."""
    assert spec.trunk is not None, "only a trial with a trunk is grown"
    network = _convnet(spec, spec.seed + SEED_AFTER_TRUNK).to(device)
    trunk_spec = trunk_of(spec)
    trunk = _convnet(trunk_spec, spec.seed).to(device)
    trunk.load_state_dict(_trained_trunk(trunk_spec, data, checkpoints, device))
    images_NCHW = data.resized_to(trunk_spec.proxy.side).train_images_NCHW[:_IMAGES]
    grow(trunk, network, normalise(images_NCHW.to(device)))
    return network


def trunk_of(spec: TrialSpec) -> TrialSpec:
    """Return the training of the trunk as a trial; only a part of it is run, and it has no record of its own."""
    assert spec.trunk is not None, "only a trial with a trunk is grown"
    recipe = replace(spec.recipe, epochs=spec.recipe.trunk_epochs, trunk_epochs=0)
    return TrialSpec(spec.trunk, spec.trunk, recipe, spec.data, spec.seed)


def _trained_trunk(
    spec: TrialSpec, data: ImageData, checkpoints: Path | None, device: torch.device
) -> dict[str, Tensor]:
    """Return the weights of a trunk, from memory, from its checkpoint, or after training it."""
    key = spec.checkpoint_id
    state = _trunks.get(key)
    if state is None and checkpoints is not None:
        state = load_checkpoint(checkpoints, key, spec.recipe.epochs)
    if state is None:
        run = Training(_convnet(spec, spec.seed), data.resized_to(spec.proxy.side), spec.recipe, spec.seed, device)
        train_trunk(run)
        state = {name: value.detach().cpu() for name, value in run.model.state_dict().items()}
        if checkpoints is not None:
            save_checkpoint(checkpoints, key, spec.recipe.epochs, state)
    while key not in _trunks and len(_trunks) >= _MOST_KEPT:
        del _trunks[next(iter(_trunks))]
    _trunks[key] = state
    return state


def _convnet(spec: TrialSpec, seed: int) -> ConvNet:
    network = initial_network(spec.proxy, seed)
    assert isinstance(network, ConvNet), "a network of a Python function is trained from scratch"
    return network
