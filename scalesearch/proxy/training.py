"""Train one network step by step; whoever reads the epochs decides when to stop."""

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
from scalesearch.proxy.optimizers import make_optimizer, optimizer_state, restore_optimizer, under
from scalesearch.proxy.precise_bn import precise_statistics
from scalesearch.proxy.schedule import Schedule, branch_rate, learning_rate, trunk_rate
from scalesearch.proxy.tensors import TrainingData
from scalesearch.proxy.train_step import TrainStep, precision
from scalesearch.search.task import Epoch, Recipe

_OPTIMIZER = "optimizer."
VALIDATION_BATCHES = 8
"""Training batches in a batch of validation on a GPU."""


class Diverged(Exception):  # noqa: N818 (an outcome of a trial, not a mistake)
    """A loss became NaN or infinite in epoch `epoch`, counted from 1."""

    def __init__(self, epoch: int) -> None:
        super().__init__(f"the loss is no longer finite in epoch {epoch}")
        self.epoch = epoch


class Training:
    """A network under training: its weights, its optimiser, its random state and how many steps it has taken.

    The recipe's optimiser, label smoothing, weight decay on weights of two or more dimensions only,
    channels_last, bfloat16 autocast on CUDA. The last, incomplete batch of an epoch is dropped (data
    smaller than a batch is one batch). Order, augmentation and dropout depend on `seed` alone, not on the
    model, its initial weights or the global random state, which is left as it was. On a CPU the same seed
    gives the same bits in the same environment (machine, versions, number of threads), whether the steps are
    taken in one go or `state` was kept and restored in between.
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
        self._descend = TrainStep(model, self.optimizer, self.data, recipe, device)
        self._score = score
        self.count = len(data.train_labels_N)
        self.batch = min(recipe.batch, self.count)
        self.steps_an_epoch = self.count // self.batch
        self.steps = recipe.epochs * self.steps_an_epoch
        """Of the whole recipe."""
        self.step = 0
        """Taken so far."""
        self._generator = torch.Generator().manual_seed(seed)
        self._before_epoch = self._generator.get_state()
        self._order_N = torch.empty(0, dtype=torch.int64)
        self._moves: CropFlip | None = None
        self._dropout: list[Tensor] = []
        self._losses: list[Tensor] = []
        self._began = time.perf_counter()

    def epochs(self, until: int, rate: Schedule) -> Iterator[Epoch]:
        """Train up to step `until` and report at the end of every epoch on the way.

        Raises:
            Diverged: a loss is NaN or infinite. `torch.cuda.OutOfMemoryError` is let through.
        """
        while self.step < until:
            end = (self.step // self.steps_an_epoch + 1) * self.steps_an_epoch
            self._advance(min(end, until), rate)
            if self.step == end:
                yield self.report()

    def report(self) -> Epoch:
        """Validate, and say what the steps since the last report came to."""
        index = -(-self.step // self.steps_an_epoch)
        train_loss = torch.stack(self._losses).double().mean().item() if self._losses else math.nan
        logits: list[Tensor] | None = None if self._score is None else []
        with self._statistics():
            val_loss, val_accuracy = evaluate(self.model, self.data, self.batch, self.device, logits)
        if not (math.isfinite(train_loss) and math.isfinite(val_loss)):
            raise Diverged(index)
        now = time.perf_counter()
        seconds, self._began, self._losses = now - self._began, now, []
        score = None
        if self._score is not None and logits is not None:
            score = self._score(torch.cat(logits).cpu().numpy(), self.data.val_labels_N.cpu().numpy())
        return Epoch(index, self.step * self.batch, train_loss, val_loss, val_accuracy, seconds, score)

    def _statistics(self) -> AbstractContextManager[None]:
        """Of batch norm at a validation: over the first images of the epoch's order, or the running averages."""
        count = min(self.recipe.precise_bn_images, self.count)
        if count == 0:
            return nullcontext()
        index_N = self._order_N[:count]
        batch = min(self.batch, count)
        parts = (index_N[first : first + batch] for first in range(0, count - batch + 1, batch))
        batches = (normalise(self.data.train_images_NCHW[part]) for part in parts)
        return precise_statistics(self.model, batches)

    def _advance(self, until: int, rate: Schedule) -> None:
        """Steps within one epoch."""
        if self.step % self.steps_an_epoch == 0:
            self._begin_epoch()
        assert self._moves is not None, "an epoch has begun"
        self.model.train()
        first = self.step - self.step % self.steps_an_epoch
        devices = [self.device] if self.device.type == "cuda" else []
        with torch.random.fork_rng(devices):
            self._set_dropout()
            while self.step < until:
                place = (self.step - first) * self.batch
                part = slice(place, place + self.batch)
                loss = self._descend(self._order_N[part], self._moves[part], rate(self.step))
                self._losses.append(loss)
                # On a GPU reading a loss would wait for the step: there the report is soon enough.
                if self.device.type == "cpu" and not math.isfinite(loss.item()):
                    raise Diverged(first // self.steps_an_epoch + 1)
                self.step += 1
            self._dropout = [torch.get_rng_state(), *(torch.cuda.get_rng_state(device) for device in devices)]

    def _begin_epoch(self) -> None:
        """Draw the epoch's order, its moves and the seed of its dropout.

        On the CPU whatever the device, so that the same seed means the same batches everywhere.
        """
        self._before_epoch = self._generator.get_state()
        self._draw()
        self._dropout = []

    def _draw(self) -> None:
        self._order_N = torch.randperm(self.count, generator=self._generator).to(self.device)
        self._moves = sample_crop_flip(self.count, self._generator).to(self.device)
        self._dropout_seed = int(torch.randint(2**31, (), generator=self._generator))

    def _set_dropout(self) -> None:
        """The global random state as it was after the epoch's last step."""
        if not self._dropout:
            torch.manual_seed(self._dropout_seed)
            return
        torch.set_rng_state(self._dropout[0])
        for state in self._dropout[1:]:
            torch.cuda.set_rng_state(state, self.device)

    def state(self) -> dict[str, Tensor]:
        """All that goes on from here depends on: weights, momenta, random states, the losses not yet reported."""
        found = {f"model.{name}": value.detach().cpu() for name, value in self.model.state_dict().items()}
        found |= {
            f"{_OPTIMIZER}{name}": value.detach().cpu() for name, value in optimizer_state(self.optimizer).items()
        }
        found |= {f"dropout.{i}": value for i, value in enumerate(self._dropout)}
        losses = torch.stack(self._losses).cpu() if self._losses else torch.empty(0)
        return {**found, "losses": losses, "epoch": self._before_epoch, "step": torch.tensor(self.step)}

    def restore(self, state: dict[str, Tensor]) -> None:
        """Go on from where `state` was kept; the model, the data, the recipe and the seed must be the same."""
        self.model.load_state_dict(under(state, "model."))
        # Momenta of a study that an earlier version began.
        earlier = {f"{i}.momentum_buffer": value for i, value in under(state, "momentum.").items()}
        restore_optimizer(self.optimizer, under(state, _OPTIMIZER) or earlier)
        self._before_epoch = state["epoch"]
        self._generator.set_state(state["epoch"])
        self._draw()
        self._dropout = [state[f"dropout.{i}"] for i in range(2) if f"dropout.{i}" in state]
        self._losses = list(state["losses"].to(self.device))
        self.step = int(state["step"])


def train(model: nn.Module, data: TrainingData, recipe: Recipe, seed: int, device: torch.device) -> Iterator[Epoch]:
    """Train `model` in place through the whole recipe and yield each epoch as it ends; see `Training`."""
    return whole(Training(model, data, recipe, seed, device))


def whole(run: Training) -> Iterator[Epoch]:
    """Train through the whole recipe: under a cosine, or along the trunk and its last branch."""
    if run.recipe.decay == 0:
        yield from run.epochs(run.steps, lambda step: learning_rate(step, run.steps, run.recipe))
    else:
        yield from trunk(run, run.recipe.decay_start(run.steps))
        yield from branch(run, run.steps)


def trunk(run: Training, until: int) -> Iterator[Epoch]:
    """Train at the constant rate up to step `until`."""
    return run.epochs(until, lambda step: trunk_rate(step, run.steps, run.recipe))


def branch(run: Training, end: int) -> Iterator[Epoch]:
    """From the fork of `end` let the learning rate decay; the last report is at `end`, mid-epoch or not."""
    yield from run.epochs(end, lambda step: branch_rate(step, end, run.steps, run.recipe))
    if end % run.steps_an_epoch:
        yield run.report()


@torch.no_grad()
def evaluate(
    model: nn.Module, data: TrainingData, batch: int, device: torch.device, outputs: list[Tensor] | None = None
) -> tuple[float, float]:
    """Mean cross-entropy (nats) and top-1 over all validation images; `outputs` gets the logits, batch by batch."""
    model.eval()
    loss = torch.zeros((), dtype=torch.float64, device=device)
    hits = torch.zeros((), dtype=torch.int64, device=device)
    count = len(data.val_labels_N)
    if device.type == "cuda":  # without gradients there is room for more, and fewer kernels to wait for
        batch *= VALIDATION_BATCHES
    for first in range(0, count, batch):
        labels_B = data.val_labels_N[first : first + batch]
        with precision(device):
            logits_BK = model(normalise(data.val_images_NCHW[first : first + batch]))
        loss += F.cross_entropy(logits_BK.float(), labels_B, reduction="sum")
        hits += (logits_BK.argmax(1) == labels_B).sum()
        if outputs is not None:
            outputs.append(logits_BK.float())
    return loss.item() / count, hits.item() / count
