"""Define the objective of a search: build a trial's proxy network and train it at its own resolution."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch

from scalesearch.design.factory import FactoryNetwork, Network
from scalesearch.errors import InputError
from scalesearch.nets.factory import check_source
from scalesearch.nets.malloc import disable_malloc_trim
from scalesearch.proxy.checkpoints import load_checkpoint, save_checkpoint
from scalesearch.proxy.datasets import ImageData
from scalesearch.proxy.failures import training_failure
from scalesearch.proxy.initial import initial_network
from scalesearch.proxy.metrics import score_function
from scalesearch.proxy.training import Diverged, Training, train_decay, train_full, train_stable
from scalesearch.proxy.trunk import SEED_AFTER_TRUNK, grown_network
from scalesearch.search.task import Epoch
from scalesearch.search.trial import TrialEndedError, TrialSpec


@dataclass(frozen=True, slots=True, eq=False)
class ProxyTraining:
    """Trains `spec.proxy` on `data`, on the visible GPU or else on one CPU thread.

    A trial on a rung of successive halving saves a checkpoint in the folder `checkpoints` and resumes from the one
    that it finds there. With None, or a folder that this machine does not have, it trains from the beginning. The
    same holds for the trunk of a seed (`proxy.trunk`).

    A user's own function must have the source with this `fingerprint` where the trial runs; None accepts any
    source.
    """

    data: ImageData
    checkpoints: Path | None = None
    fingerprint: str | None = None
    metric_source: str | None = None
    """The text of the file that holds a user's own metric."""

    def __call__(self, spec: TrialSpec) -> Iterator[Epoch]:
        """Yield the trial's epochs; end with `diverged` or `oom` where training does.

        Raises:
            TrialEndedError: the training diverged, ran out of memory or failed; `state` tells which.
        """
        device = prepare_process()
        try:
            yield from self._epochs(spec, device)
        except Diverged as error:
            raise TrialEndedError("diverged", str(error)) from error
        except (RuntimeError, ValueError, MemoryError, OSError) as error:
            failure = training_failure(error)
            if failure is None:
                raise
            traceback.clear_frames(error.__traceback__)  # they hold the tensors that did not fit
            raise TrialEndedError(failure.state, failure.for_budget()) from error
        finally:
            if device.type == "cuda":
                torch.cuda.empty_cache()  # for other trials on this GPU

    def _epochs(self, spec: TrialSpec, device: torch.device) -> Iterator[Epoch]:
        """Train in a frame of its own, so that network, data and graph are freed with it."""
        try:
            self._check_source(spec.proxy)
            score = score_function(spec.metric, self.metric_source)
            data = self.data.resized_to(spec.proxy.side)
            if spec.trunk is None:
                network, seed = initial_network(spec.proxy, spec.seed), spec.seed
            else:
                network = grown_network(spec, self.data, self.checkpoints, device)
                seed = spec.seed + SEED_AFTER_TRUNK
            run = Training(network, data, spec.recipe, seed, device, score)
            yield from (
                train_full(run) if spec.samples is None else self._train_rung(run, spec, spec.samples // run.batch)
            )
        except InputError as error:  # from a user's own metric, or a network that worked when it was counted
            raise TrialEndedError("failed", str(error)) from error

    def _check_source(self, proxy: Network) -> None:
        """Refuse to train a network whose source differs from the one that was counted.

        Raises:
            InputError: the function's source has changed since, or is another one on this node of a cluster.
        """
        if self.fingerprint is not None and isinstance(proxy, FactoryNetwork):
            check_source(proxy.factory, self.fingerprint)

    def _train_rung(self, run: Training, spec: TrialSpec, end: int) -> Iterator[Epoch]:
        """Resume from the previous rung's checkpoint, train to the start of the decay, save the state, then decay.

        A later state, which a killed run of this rung may have left, is not used: the curve would begin later.
        """
        decay_start, resume_step = spec.recipe.decay_start(end), spec.since // run.batch
        if (
            self.checkpoints is not None
            and (state := load_checkpoint(self.checkpoints, spec.checkpoint_id, resume_step)) is not None
        ):
            run.restore(state)
        yield from train_stable(run, decay_start)
        if self.checkpoints is not None:
            save_checkpoint(self.checkpoints, spec.checkpoint_id, decay_start, run.state(), resume_step)
        yield from train_decay(run, end)


def prepare_process() -> torch.device:
    """Set one thread and an allocator that keeps its memory, and return the device; cheap to call again.

    Two one-thread trials are faster than one two-thread trial, and one thread gives the same bits on every machine
    size.
    """
    torch.set_num_threads(1)
    disable_malloc_trim()
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")
