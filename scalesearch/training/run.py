"""Train a member for use, epoch by epoch; whoever reads the epochs saves, shows and stops.

Beside `proxy.training`, which compares networks by short runs: here image size and regularisation grow by stage,
and what is kept is the moving average of the weights. Everything random in an epoch follows from the seed and the
epoch's number, so what a run goes on from is weights, averages and the optimiser's state, and no generator's.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import nullcontext

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn import functional as F

from scalesearch.errors import InputError
from scalesearch.nets.convnet import ConvNet
from scalesearch.proxy.augment import crop_flip, normalise, sample_crop_flip
from scalesearch.proxy.datasets import ImageData
from scalesearch.proxy.optimizers import optimizer_state, restore_optimizer, sub_state_dict
from scalesearch.proxy.tensors import TrainingData, resize
from scalesearch.proxy.train_step import StepGraph, precision
from scalesearch.proxy.training import Diverged, evaluate
from scalesearch.training.average import MovingAverage
from scalesearch.training.events import Row, RunProgress, Sizes, WorkerContext
from scalesearch.training.mixup import Mix, draw_mix, mixed
from scalesearch.training.optimizer import make_optimizer
from scalesearch.training.randaugment import draw_choices, rand_augment
from scalesearch.training.recipes import Stage, TrainRecipe


class MemberTraining:
    """A network under training, its moving average, its optimiser, and how many epochs are done."""

    def __init__(
        self,
        network: ConvNet,
        data: ImageData,
        recipe: TrainRecipe,
        sizes: Sizes,
        seed: int,
        device: torch.device,
        team: WorkerContext | None = None,
    ) -> None:
        """Take the network over, in place.

        Raises:
            InputError: the batch cannot be cut up as asked.
        """
        self.team = team or WorkerContext()
        network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]  # missing from the stubs
        network.set_drop_path(float(recipe.stochastic_depth))
        self.network, self.recipe, self.sizes, self.seed, self.device = network, recipe, sizes, seed, device
        self.average = MovingAverage(network, float(recipe.average))
        self.optimizer = make_optimizer(network, recipe)
        self.course = recipe.course(sizes.train_px)
        self.done = 0
        """Epochs."""
        self._data, self._count = data, len(data.train_labels_N)
        self._part = part_size(recipe.batch, self._count, self.team.size * sizes.accumulate)
        self.batch = self._part * self.team.size * sizes.accumulate
        self.steps_an_epoch = self._count // self.batch
        val_NCHW = resize(data.val_images_NCHW, sizes.px)
        self._val = TrainingData(val_NCHW, data.val_labels_N, val_NCHW, data.val_labels_N).to(device)
        self._labels_N = data.train_labels_N.to(device)
        self._images_NCHW = torch.empty(0)
        self._stage: Stage | None = None
        self._graph: StepGraph | None = None
        together = self.team.size > 1
        self._forward: nn.Module = nn.parallel.DistributedDataParallel(network) if together else network

    def epochs(self) -> Iterator[RunProgress | Row]:
        """Train on to the recipe's end: a tick after every step, a row after every epoch.

        Raises:
            Diverged: a loss is NaN or infinite.
        """
        while self.done < self.recipe.epochs:
            began = time.perf_counter()
            stage = self._enter(self.done)
            losses = []
            for loss in self._steps(stage):
                losses.append(loss)
                yield RunProgress(self._work(self.done, len(losses)), self._work(self.recipe.epochs, 0))
            self.done += 1
            yield self._row(stage, self._together(torch.stack(losses).double().mean()), began)

    def _together(self, loss: Tensor) -> float:
        """The mean of what the processes found, each on its share of the batches."""
        if self.team.size > 1:
            dist.all_reduce(loss)
        return loss.item() / self.team.size

    def _row(self, stage: Stage, train_loss: float, began: float) -> Row:
        val_loss = val_accuracy = 0.0
        if self.team.rank == 0:
            val_loss, val_accuracy = evaluate(self.average.network, self._val, self.batch, self.device)
        if not (math.isfinite(train_loss) and math.isfinite(val_loss)):
            raise Diverged(self.done)
        rate = self.recipe.rate(self.done * self.steps_an_epoch - 1, self.steps_an_epoch)
        return Row(
            self.done,
            stage.px,
            stage.randaugment,
            stage.mixup,
            stage.dropout,
            rate,
            train_loss,
            val_loss,
            val_accuracy,
            time.perf_counter() - began,
        )

    def _work(self, epochs: int, steps: int) -> int:
        """Pixels seen after so many whole epochs and steps."""
        seen = 0
        for stage in self.course:
            whole = min(max(epochs - stage.begin, 0), stage.end - stage.begin) * self.steps_an_epoch
            inside = stage.begin <= epochs < stage.end
            seen += (whole + (steps if inside else 0)) * self.batch * stage.px**2
        return seen

    def _enter(self, epoch: int) -> Stage:
        """The epoch's stage, with its images at its side."""
        stage = next(one for one in self.course if one.begin <= epoch < one.end)
        if stage is not self._stage:
            self._graph = None
            images_NCHW = resize(self._data.train_images_NCHW, stage.px)
            self._images_NCHW = images_NCHW.to(self.device, memory_format=torch.channels_last)
            self.network.set_dropout(stage.dropout)
            if self._can_capture():
                self._graph = StepGraph(self.device)
            self._stage = stage
        return stage

    def _can_capture(self) -> bool:
        """Not RMSProp: torch's counts its steps on the CPU."""
        whole = self.team.size == 1 and self.sizes.accumulate == 1
        return self.device.type == "cuda" and whole and self.recipe.optimizer == "sgd"

    def _steps(self, stage: Stage) -> Iterator[Tensor]:
        """An epoch's steps, and the loss of each, still on the device."""
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + self.done)
        order_N = torch.randperm(self._count, generator=generator)
        moves, choices = sample_crop_flip(self._count, generator), draw_choices(self._count, generator)
        rng = np.random.default_rng((self.seed, self.done))
        first = self.done * self.steps_an_epoch
        dropout: Tensor | None = None
        for step in range(self.steps_an_epoch):
            mix = draw_mix(rng, stage.mixup, stage.cutmix, stage.px)
            parts = []
            for part in self._parts(step * self.batch):
                index_B, moves_B = order_N[part].to(self.device), moves[part].to(self.device)
                images_BCHW = crop_flip(self._images_NCHW, index_B, moves_B, self.recipe.crop)
                if stage.randaugment:
                    images_BCHW = rand_augment(images_BCHW.float(), choices[part], stage.randaugment)
                parts.append((mixed(normalise(images_BCHW), mix), self._labels_N[index_B]))
            with torch.random.fork_rng(devices=[]):  # the caller's random numbers stay its own
                if dropout is None:  # on a GPU too, whose generator then goes on by itself
                    torch.manual_seed(self.seed * 1_000_003 + self.done * 1009 + self.team.rank)
                else:
                    torch.set_rng_state(dropout)
                loss = self._descend(parts, mix, first + step)
                dropout = torch.get_rng_state()
            if self.device.type == "cpu" and not math.isfinite(loss.item()):
                raise Diverged(self.done + 1)
            self.average.follow(first + step)
            yield loss

    def _parts(self, place: int) -> Iterator[slice]:
        """The process's share of the batch that begins at `place`, in the parts that are taken one by one."""
        place += self.team.rank * self._part * self.sizes.accumulate
        for part in range(self.sizes.accumulate):
            yield slice(place + part * self._part, place + (part + 1) * self._part)

    def _descend(self, parts: list[tuple[Tensor, Tensor]], mix: Mix, step: int) -> Tensor:
        rate = self.recipe.rate(step, self.steps_an_epoch)
        share = torch.tensor(mix.share, device=self.device)
        self.network.train()
        if self._graph is not None:
            self._set_rate(self._graph.rate.fill_(rate))
            return self._graph.step(self._step, *parts[0], share)
        self._set_rate(rate)
        return self._step(*(tensor for part in parts for tensor in part), share)

    def _set_rate(self, rate: float | Tensor) -> None:
        for group in self.optimizer.param_groups:
            group["lr"] = rate

    def _step(self, *inputs: Tensor) -> Tensor:
        """One step of descent on the parts (images, labels, images, labels, …, share); the mean of their losses."""
        *tensors, share = inputs
        self.optimizer.zero_grad(set_to_none=True)
        losses = []
        for i in range(0, len(tensors), 2):
            last = i + 2 == len(tensors)
            alone = nullcontext() if last or self.team.size == 1 else self._forward.no_sync()  # type: ignore[operator]
            with alone:
                loss = self._loss(tensors[i], tensors[i + 1], share) / (len(tensors) // 2)
                loss.backward()  # type: ignore[no-untyped-call]
            losses.append(loss.detach())
        self.optimizer.step()
        return torch.stack(losses).sum()

    def _loss(self, images_BCHW: Tensor, labels_B: Tensor, share: Tensor) -> Tensor:
        smoothing = float(self.recipe.label_smoothing)
        with precision(self.device):
            logits_BK = self._forward(images_BCHW)
            own = F.cross_entropy(logits_BK, labels_B, label_smoothing=smoothing)
            other = F.cross_entropy(logits_BK, labels_B.flip(0), label_smoothing=smoothing)
            return share * own + (1 - share) * other

    def state(self) -> dict[str, Tensor]:
        """All that goes on from here depends on, on the CPU."""
        found = {f"network.{name}": one for name, one in self.network.state_dict().items()}
        found |= {f"average.{name}": one for name, one in self.average.tensors().items()}
        found |= {f"optimizer.{name}": one for name, one in optimizer_state(self.optimizer).items()}
        return {name: one.detach().cpu().contiguous().clone() for name, one in found.items()}

    def restore(self, state: dict[str, Tensor], epochs: int) -> None:
        """Go on from the state after so many epochs."""
        self.network.load_state_dict(sub_state_dict(state, "network."))
        self.average.network.load_state_dict(sub_state_dict(state, "average."))
        restore_optimizer(self.optimizer, sub_state_dict(state, "optimizer."))
        self.done = epochs


def part_size(batch: int, count: int, parts: int) -> int:
    """Images in each of the parts that a batch is cut into, the same for all; data may be less than a batch.

    Raises:
        InputError: the batch cannot be cut so.
    """
    size = min(batch, count) // parts
    if size < 1 or (batch <= count and batch % parts):
        raise InputError(
            f"--batch {batch}: cannot be cut into {parts} equal parts (workers × --accumulate) of {count} images; "
            "give a multiple"
        )
    return size
