"""The real objective: build a trial's proxy network and train it on the data at its own resolution."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from scalesearch.design.factory import FactoryNetwork, Network
from scalesearch.errors import InputError
from scalesearch.nets.build import build
from scalesearch.nets.convnet import ConvNet
from scalesearch.nets.factory import load_factory
from scalesearch.nets.memory import keep_memory
from scalesearch.proxy.checkpoints import keep, kept
from scalesearch.proxy.datasets import ImageData
from scalesearch.proxy.failures import training_failure
from scalesearch.proxy.metrics import score_of
from scalesearch.proxy.training import Diverged, Training, branch, trunk, whole
from scalesearch.search.task import Epoch
from scalesearch.search.trial import TrialEndedError, TrialSpec

BATCH_NORM_MOMENTUM = 0.1
"""The running statistics must settle within the few hundred steps of a proxy; 0.01 is for long training."""


@dataclass(frozen=True, slots=True, eq=False)
class ProxyTraining:
    """Train `spec.proxy` on `data`, on the GPU that the process sees or else on one CPU thread.

    A trial on a rung of successive halving leaves a checkpoint in the folder `checkpoints` and goes on from the one
    that it finds there; None, or a folder that this machine does not have: it trains from the beginning.

    A user's own function must have the source with this fingerprint where the trial runs; None: any.
    """

    data: ImageData
    checkpoints: Path | None = None
    fingerprint: str | None = None
    metric_source: str | None = None
    """The text of the file that a metric of the user's own is in."""

    def __call__(self, spec: TrialSpec) -> Iterator[Epoch]:
        """The trial's epochs; ends with `diverged` or `oom` where training does."""
        device = prepare_process()
        try:
            yield from self._epochs(spec, device)
        except Diverged as error:
            raise TrialEndedError("diverged", str(error)) from error
        except (RuntimeError, ValueError, MemoryError, OSError) as error:
            failure = training_failure(error)
            if failure is None:
                raise
            traceback.clear_frames(error.__traceback__)  # they hold what did not fit
            raise TrialEndedError(failure.state, failure.for_budget()) from error
        finally:
            if device.type == "cuda":
                torch.cuda.empty_cache()  # for the trials beside this one

    def _epochs(self, spec: TrialSpec, device: torch.device) -> Iterator[Epoch]:
        """Train; network, data and graph are let go of with this frame."""
        try:
            self._check_source(spec.proxy)
            network = initial_network(spec.proxy, spec.seed)
            score = score_of(spec.metric, self.metric_source)
            run = Training(network, self.data.at(spec.proxy.resolution), spec.recipe, spec.seed, device, score)
            yield from whole(run) if spec.samples is None else self._rung(run, spec, spec.samples // run.batch)
        except InputError as error:  # a user's own network, which worked when it was counted, or metric
            raise TrialEndedError("failed", str(error)) from error

    def _check_source(self, proxy: Network) -> None:
        """Refuse to train another network than the one that was counted.

        Raises:
            InputError: the function's source has changed since, or is another one on this node of a cluster.
        """
        if self.fingerprint is None or not isinstance(proxy, FactoryNetwork):
            return
        if load_factory(proxy.factory).fingerprint != self.fingerprint:
            raise InputError(
                f"baseline {proxy.factory}: its source here is not the one that was counted; let every node have "
                "the same files, and leave them alone while a search runs"
            )

    def _rung(self, run: Training, spec: TrialSpec, end: int) -> Iterator[Epoch]:
        """Take up the trunk where the rung before left it, go on to the fork, keep the state, let the rate decay.

        A state beyond, which a killed run of this rung has left, is not taken up: the curve would begin later.
        """
        fork, since = spec.recipe.decay_start(end), spec.since // run.batch
        if (
            self.checkpoints is not None
            and (state := kept(self.checkpoints, spec.checkpoint_id, since)) is not None
        ):
            run.restore(state)
        yield from trunk(run, fork)
        if self.checkpoints is not None:
            keep(self.checkpoints, spec.checkpoint_id, fork, run.state(), since)
        yield from branch(run, end)


def prepare_process() -> torch.device:
    """One thread, an allocator that keeps its memory, and the device; cheap to call again.

    Two one-thread trials beat one two-thread trial, and one thread gives the same bits on every machine size.
    """
    torch.set_num_threads(1)
    keep_memory()
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def initial_network(proxy: Network, seed: int) -> nn.Module:
    """A proxy before its first step: weights by the seed, residual branches at zero (in our own networks).

    Short training punishes depth mostly through its initialisation; with the last batch-norm scale of every
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
