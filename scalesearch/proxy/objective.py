"""The real objective: build a trial's proxy network and train it on the data at its own resolution."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import nn

from scalesearch.errors import InputError
from scalesearch.nets.build import build
from scalesearch.nets.convnet import ConvNet
from scalesearch.proxy.datasets import ImageData
from scalesearch.proxy.memory import keep_memory
from scalesearch.proxy.training import Diverged, TrainingData, train
from scalesearch.search.task import Epoch
from scalesearch.search.trial import TrialEndedError, TrialSpec

BATCH_NORM_MOMENTUM = 0.1
"""The running statistics must settle within the few hundred steps of a proxy; 0.01 is for long training."""


@dataclass(frozen=True, slots=True, eq=False)
class ProxyTraining:
    """Train `spec.proxy` on `data`, on the GPU that the process sees or else on one CPU thread."""

    data: ImageData

    def __call__(self, spec: TrialSpec) -> Iterator[Epoch]:
        """The trial's epochs; ends with `diverged` or `oom` where training does."""
        device = prepare_process()
        try:
            network = initial_network(spec)
        except InputError as error:  # a user's own function, which worked when it was counted
            raise TrialEndedError("failed", str(error)) from error
        full = TrainingData(
            self.data.train_images_NCHW,
            self.data.train_labels_N,
            self.data.val_images_NCHW,
            self.data.val_labels_N,
        )
        try:
            yield from train(network, full.resized(spec.proxy.resolution), spec.recipe, spec.seed, device)
        except Diverged as error:
            raise TrialEndedError("diverged", str(error)) from error
        except torch.cuda.OutOfMemoryError as error:
            raise TrialEndedError("oom", "CUDA out of memory; run fewer trials on a GPU at a time") from error
        finally:
            if device.type == "cuda":
                del network
                torch.cuda.empty_cache()


def prepare_process() -> torch.device:
    """One thread, an allocator that keeps its memory, and the device; cheap to call again.

    Two one-thread trials beat one two-thread trial, and one thread gives the same bits on every machine size.
    """
    torch.set_num_threads(1)
    keep_memory()
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def initial_network(spec: TrialSpec) -> nn.Module:
    """The proxy before its first step: weights by the seed, residual branches at zero (in our own networks).

    Short training punishes depth mostly through its initialisation; with the last batch-norm scale of every
    residual branch at zero a deep network starts as a shallow one (Goyal et al. 2017, section 5.1).
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(spec.seed)
        network = build(spec.proxy)
    if isinstance(network, ConvNet):
        network.zero_residual_branches()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = BATCH_NORM_MOMENTUM
    return network
