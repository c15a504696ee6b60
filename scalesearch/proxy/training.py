"""Train one network step by step; the caller iterates over the epochs and decides when to stop."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from scalesearch.proxy.augment import CropFlip, normalise, sample_crop_flip
from scalesearch.proxy.metrics import Score
from scalesearch.proxy.optimizers import make_optimizer, optimizer_state, restore_optimizer, sub_state_dict
from scalesearch.proxy.precise_bn import precise_statistics
from scalesearch.proxy.schedule import Schedule, decay_rate, learning_rate, stable_rate
from scalesearch.proxy.tensors import TrainingData
from scalesearch.proxy.train_step import TrainStep, precision
from scalesearch.search.task import Epoch, Recipe

_OPTIMIZER = "optimizer."
VALIDATION_BATCH_FACTOR = 8
"""A validation batch on a GPU is as large as this many training batches."""
VALIDATION_PIXELS = 128 * 64 * 64
"""The pixels of a validation batch on a CPU, where the training batch has fewer: operators on few small images take
longer to be called than to run."""


class Diverged(Exception):  # noqa: N818 (an outcome of a trial, not a mistake)
    """Reports that a loss became NaN or infinite in epoch `epoch`, counted from 1."""

    def __init__(self, epoch: int) -> None:
        super().__init__(f"the loss is no longer finite in epoch {epoch}")
        self.epoch = epoch


class Training:
    """Trains a network: holds its weights, optimiser, random state and the number of steps taken.

    Weights of two or more dimensions decay, the model is in channels_last, and CUDA uses bfloat16 autocast; the
    recipe gives the optimiser and label smoothing. The last, incomplete batch of an epoch is dropped (data smaller
    than a batch is one batch).

    Order, augmentation and dropout depend on `seed` alone, not on the model, its initial weights or the global
    random state, which stays unchanged. On a CPU the same seed gives the same bits in the same environment
    (machine, versions, number of threads), whether the steps are taken in one go or `state` was saved and restored
    in between.
    """

    def __init__(
        self,
        model: nn.Module,
        data: TrainingData,
        recipe: Recipe,
        seed: int,
        device: torch.device,
        score: Score | None = None,
    ) -> None:
        model.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]  # missing from the stubs
        self.model, self.data, self.recipe, self.device = model, data.to(device), recipe, device
        self.optimizer = make_optimizer(model, recipe, device)
        self._train_step = TrainStep(model, self.optimizer, self.data, recipe, device)
        self._score = score
        self.count = len(data.train_labels_N)
        self.batch = min(recipe.batch, self.count)
        self.steps_per_epoch = self.count // self.batch
        self.steps = recipe.epochs * self.steps_per_epoch
        """The number of steps of the whole recipe."""
        self.step = 0
        """The number of steps taken so far."""
        self._generator = torch.Generator().manual_seed(seed)
        self._before_epoch = self._generator.get_state()
        self._order_N = torch.empty(0, dtype=torch.int64)
        self._crop_flips: CropFlip | None = None
        self._dropout_states: list[Tensor] = []
        self._losses: list[Tensor] = []
        self._report_start = time.perf_counter()

    def epochs(self, until: int, rate: Schedule) -> Iterator[Epoch]:
        """Train up to step `until` and report at the end of every epoch.

        Raises:
            Diverged: a loss is NaN or infinite. `torch.cuda.OutOfMemoryError` is let through.
        """
        while self.step < until:
            end = (self.step // self.steps_per_epoch + 1) * self.steps_per_epoch
            self._advance(min(end, until), rate)
            if self.step == end:
                yield self.report()

    def steps_without_reports(self, until: int, rate: Schedule) -> None:
        """Train up to step `until` without a validation.

        Raises:
            Diverged: a loss is NaN or infinite, on a CPU; a GPU finds that out at the next report.
        """
        while self.step < until:
            end = (self.step // self.steps_per_epoch + 1) * self.steps_per_epoch
            self._advance(min(end, until), rate)
        self._losses = []

    def report(self) -> Epoch:
        """Validate, and return the results of the steps since the last report.

        Raises:
            Diverged: the training or the validation loss is NaN or infinite.
        """
        index = -(-self.step // self.steps_per_epoch)
        train_loss = torch.stack(self._losses).double().mean().item() if self._losses else math.nan
        logits: list[Tensor] | None = None if self._score is None else []
        with self._batch_norm_statistics():
            val_loss, val_accuracy = evaluate(self.model, self.data, self.batch, self.device, logits)
        if not (math.isfinite(train_loss) and math.isfinite(val_loss)):
            raise Diverged(index)
        now = time.perf_counter()
        seconds, self._report_start, self._losses = now - self._report_start, now, []
        score = None
        if self._score is not None and logits is not None:
            score = self._score(torch.cat(logits).cpu().numpy(), self.data.val_labels_N.cpu().numpy())
        return Epoch(index, self.step * self.batch, train_loss, val_loss, val_accuracy, seconds, score)

    def _batch_norm_statistics(self) -> AbstractContextManager[None]:
        """Set the batch-norm statistics of a validation.

        They are precise statistics of the epoch's first images, which are a random sample, or the running averages.
        """
        count = min(self.recipe.precise_bn_images, self.count)
        if count == 0:
            return nullcontext()
        index_N = self._order_N[:count]
        batch = min(self.batch, count)
        parts = (index_N[start : start + batch] for start in range(0, count - batch + 1, batch))
        batches = (normalise(self.data.train_images_NCHW[part]) for part in parts)
        return precise_statistics(self.model, batches)

    def _advance(self, until: int, rate: Schedule) -> None:
        """Take steps up to `until`, within one epoch."""
        if self.step % self.steps_per_epoch == 0:
            self._begin_epoch()
        assert self._crop_flips is not None, "an epoch has begun"
        self.model.train()
        epoch_start = self.step - self.step % self.steps_per_epoch
        devices = [self.device] if self.device.type == "cuda" else []
        with torch.random.fork_rng(devices):
            self._restore_dropout_state()
            while self.step < until:
                offset = (self.step - epoch_start) * self.batch
                part = slice(offset, offset + self.batch)
                loss = self._train_step(self._order_N[part], self._crop_flips[part], rate(self.step))
                self._losses.append(loss)
                # On a GPU reading the loss would wait for the step; there `report` checks it.
                if self.device.type == "cpu" and not math.isfinite(loss.item()):
                    raise Diverged(epoch_start // self.steps_per_epoch + 1)
                self.step += 1
            self._dropout_states = [
                torch.get_rng_state(),
                *(torch.cuda.get_rng_state(device) for device in devices),
            ]

    def _begin_epoch(self) -> None:
        """Sample the epoch's order, its crops and flips and the seed of its dropout.

        The CPU samples them for any device, so that the same seed means the same batches everywhere.
        """
        self._before_epoch = self._generator.get_state()
        self._sample_epoch()
        self._dropout_states = []

    def _sample_epoch(self) -> None:
        self._order_N = torch.randperm(self.count, generator=self._generator).to(self.device)
        self._crop_flips = sample_crop_flip(self.count, self._generator).to(self.device)
        self._dropout_seed = int(torch.randint(2**31, (), generator=self._generator))

    def _restore_dropout_state(self) -> None:
        """Set the global random state to that after this epoch's latest step; before its first step, seed it."""
        if not self._dropout_states:
            torch.manual_seed(self._dropout_seed)
            return
        torch.set_rng_state(self._dropout_states[0])
        for state in self._dropout_states[1:]:
            torch.cuda.set_rng_state(state, self.device)

    def state(self) -> dict[str, Tensor]:
        """Return all that further training depends on: weights, momenta, random states, losses not yet reported."""
        tensors = {f"model.{name}": value.detach().cpu() for name, value in self.model.state_dict().items()}
        tensors |= {
            f"{_OPTIMIZER}{name}": value.detach().cpu() for name, value in optimizer_state(self.optimizer).items()
        }
        tensors |= {f"dropout.{i}": value for i, value in enumerate(self._dropout_states)}
        losses = torch.stack(self._losses).cpu() if self._losses else torch.empty(0)
        return {**tensors, "losses": losses, "epoch": self._before_epoch, "step": torch.tensor(self.step)}

    def restore(self, state: dict[str, Tensor]) -> None:
        """Resume from a saved `state`; the model, the data, the recipe and the seed must be the same."""
        self.model.load_state_dict(sub_state_dict(state, "model."))
        # A study that an earlier version began has momenta under other names.
        earlier = {f"{i}.momentum_buffer": value for i, value in sub_state_dict(state, "momentum.").items()}
        restore_optimizer(self.optimizer, sub_state_dict(state, _OPTIMIZER) or earlier)
        self._before_epoch = state["epoch"]
        self._generator.set_state(state["epoch"])
        self._sample_epoch()
        self._dropout_states = [state[f"dropout.{i}"] for i in range(2) if f"dropout.{i}" in state]  # CPU, GPU
        self._losses = list(state["losses"].to(self.device))
        self.step = int(state["step"])


def train(model: nn.Module, data: TrainingData, recipe: Recipe, seed: int, device: torch.device) -> Iterator[Epoch]:
    """Train `model` in place through the whole recipe and yield each epoch as it ends; see `Training`."""
    return train_full(Training(model, data, recipe, seed, device))


def train_full(run: Training) -> Iterator[Epoch]:
    """Train through the whole recipe: under a cosine, or with a constant rate and a final decay."""
    if run.recipe.decay == 0:
        yield from run.epochs(run.steps, lambda step: learning_rate(step, run.steps, run.recipe))
    else:
        yield from train_stable(run, run.recipe.decay_start(run.steps))
        yield from train_decay(run, run.steps)


def train_stable(run: Training, until: int) -> Iterator[Epoch]:
    """Train at the constant rate up to step `until`."""
    return run.epochs(until, lambda step: stable_rate(step, run.steps, run.recipe))


def train_trunk(run: Training) -> None:
    """Train through the whole recipe at the constant rate, without validations: a trunk is not judged."""
    run.steps_without_reports(run.steps, lambda step: stable_rate(step, run.steps, run.recipe))


def train_decay(run: Training, end: int) -> Iterator[Epoch]:
    """Train up to step `end` while the learning rate decays; the last report is at `end`, mid-epoch or not.

    The run must stand at the step where the decay that ends there starts (`Recipe.decay_start`).
    """
    yield from run.epochs(end, lambda step: decay_rate(step, end, run.steps, run.recipe))
    if end % run.steps_per_epoch:
        yield run.report()


@torch.no_grad()
def evaluate(
    model: nn.Module, data: TrainingData, batch: int, device: torch.device, outputs: list[Tensor] | None = None
) -> tuple[float, float]:
    """Return the mean cross-entropy (nats) and the top-1 accuracy over all validation images.

    `outputs` collects the logits, batch by batch.
    """
    model.eval()
    loss = torch.zeros((), dtype=torch.float64, device=device)
    hits = torch.zeros((), dtype=torch.int64, device=device)
    count = len(data.val_labels_N)
    if device.type == "cuda":  # without gradients there is room for more, and fewer kernels to wait for
        batch *= VALIDATION_BATCH_FACTOR
    else:
        batch = max(batch, VALIDATION_PIXELS // data.val_images_NCHW[0, 0].numel())
    for start in range(0, count, batch):
        labels_B = data.val_labels_N[start : start + batch]
        with precision(device):
            logits_BK = model(normalise(data.val_images_NCHW[start : start + batch]))
        loss += F.cross_entropy(logits_BK.float(), labels_B, reduction="sum")
        hits += (logits_BK.argmax(1) == labels_B).sum()
        if outputs is not None:
            outputs.append(logits_BK.float())
    return loss.item() / count, hits.item() / count
