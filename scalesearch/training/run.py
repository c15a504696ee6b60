"""Train a member for use, epoch by epoch; the caller iterates over the epochs, saves, reports and stops.

`proxy.training`, in contrast, compares networks by short runs. Here image size and regularisation grow by stage,
and the result is the moving average of the weights. Everything random in an epoch follows from the seed and the
epoch's number. A run therefore resumes from weights, averages and the optimiser's state, without a generator's
state.
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
from scalesearch.training.ema import MovingAverage
from scalesearch.training.events import EpochMetrics, RunProgress, Sizes, WorkerContext
from scalesearch.training.mixup import Mix, mix_batch, sample_mix
from scalesearch.training.optimizer import make_optimizer
from scalesearch.training.randaugment import rand_augment, sample_ops
from scalesearch.training.recipes import TrainingStage, TrainRecipe


class MemberTraining:
    """Trains a network: holds it, its moving average, its optimiser, and the number of finished epochs."""

    def __init__(
        self,
        network: nn.Module,
        data: ImageData,
        recipe: TrainRecipe,
        sizes: Sizes,
        seed: int,
        device: torch.device,
        worker: WorkerContext | None = None,
    ) -> None:
        """Take over the network, which is changed in place.

        Raises:
            InputError: the batch cannot be divided as requested.
        """
        self.worker = worker or WorkerContext()
        network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]  # missing from the stubs
        if isinstance(network, ConvNet):  # a function's network keeps the regularisation that it has
            network.set_drop_path(float(recipe.stochastic_depth))
        self.network, self.recipe, self.sizes, self.seed, self.device = network, recipe, sizes, seed, device
        self.average = MovingAverage(network, float(recipe.average))
        self.optimizer = make_optimizer(network, recipe)
        self.stages = recipe.stage_schedule(sizes.train_px)
        self.epochs_done = 0
        """The number of finished epochs."""
        self._data, self._count = data, len(data.train_labels_N)
        self._micro_batch_size = micro_batch_size(recipe.batch, self._count, self.worker.size * sizes.accumulate)
        self.batch = self._micro_batch_size * self.worker.size * sizes.accumulate
        self.steps_per_epoch = self._count // self.batch
        val_NCHW = resize(data.val_images_NCHW, sizes.px)
        self._val_data = TrainingData(val_NCHW, data.val_labels_N, val_NCHW, data.val_labels_N).to(device)
        self._labels_N = data.train_labels_N.to(device)
        self._images_NCHW = torch.empty(0)
        self._stage: TrainingStage | None = None
        self._graph: StepGraph | None = None
        is_distributed = self.worker.size > 1
        self._forward: nn.Module = nn.parallel.DistributedDataParallel(network) if is_distributed else network

    def epochs(self) -> Iterator[RunProgress | EpochMetrics]:
        """Train on to the recipe's end; yield the progress after every step and the metrics after every epoch.

        Raises:
            Diverged: a loss is NaN or infinite.
        """
        while self.epochs_done < self.recipe.epochs:
            epoch_start = time.perf_counter()
            stage = self._enter_stage(self.epochs_done)
            losses = []
            for loss in self._train_steps(stage):
                losses.append(loss)
                yield RunProgress(
                    self._pixels_seen(self.epochs_done, len(losses)), self._pixels_seen(self.recipe.epochs, 0)
                )
            self.epochs_done += 1
            yield self._validate_epoch(
                stage, self._mean_over_workers(torch.stack(losses).double().mean()), epoch_start
            )

    def _mean_over_workers(self, loss: Tensor) -> float:
        """Return the mean loss of all processes, each on its share of the batches."""
        if self.worker.size > 1:
            dist.all_reduce(loss)
        return loss.item() / self.worker.size

    def _validate_epoch(self, stage: TrainingStage, train_loss: float, epoch_start: float) -> EpochMetrics:
        val_loss = val_accuracy = 0.0
        if self.worker.rank == 0:
            val_loss, val_accuracy = evaluate(self.average.network, self._val_data, self.batch, self.device)
        if not (math.isfinite(train_loss) and math.isfinite(val_loss)):
            raise Diverged(self.epochs_done)
        rate = self.recipe.rate(self.epochs_done * self.steps_per_epoch - 1, self.steps_per_epoch)
        return EpochMetrics(
            self.epochs_done,
            stage.px,
            stage.randaugment,
            stage.mixup,
            stage.dropout,
            rate,
            train_loss,
            val_loss,
            val_accuracy,
            time.perf_counter() - epoch_start,
        )

    def _pixels_seen(self, epochs: int, steps: int) -> int:
        """Return the pixels seen after this number of whole epochs and steps."""
        pixels = 0
        for stage in self.stages:
            full_steps = min(max(epochs - stage.begin, 0), stage.end - stage.begin) * self.steps_per_epoch
            inside = stage.begin <= epochs < stage.end
            pixels += (full_steps + (steps if inside else 0)) * self.batch * stage.px**2
        return pixels

    def _enter_stage(self, epoch: int) -> TrainingStage:
        """Return the epoch's stage; prepare the images at its side where it is a new one."""
        stage = next(stage for stage in self.stages if stage.begin <= epoch < stage.end)
        if stage is not self._stage:
            self._graph = None
            images_NCHW = resize(self._data.train_images_NCHW, stage.px)
            self._images_NCHW = images_NCHW.to(self.device, memory_format=torch.channels_last)
            if isinstance(self.network, ConvNet):
                self.network.set_dropout(stage.dropout)
            if self._can_capture():
                self._graph = StepGraph(self.device)
            self._stage = stage
        return stage

    def _can_capture(self) -> bool:
        """Return whether steps can be captured as a CUDA graph.

        RMSProp cannot: torch's counts its steps on the CPU.
        """
        is_single = self.worker.size == 1 and self.sizes.accumulate == 1
        return self.device.type == "cuda" and is_single and self.recipe.optimizer == "sgd"

    def _train_steps(self, stage: TrainingStage) -> Iterator[Tensor]:
        """Take an epoch's steps and yield the loss of each, still on the device."""
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + self.epochs_done)
        order_N = torch.randperm(self._count, generator=generator)
        crop_flips, ops = sample_crop_flip(self._count, generator), sample_ops(self._count, generator)
        rng = np.random.default_rng((self.seed, self.epochs_done))
        first_step = self.epochs_done * self.steps_per_epoch
        dropout_state: Tensor | None = None
        for step in range(self.steps_per_epoch):
            mix = sample_mix(rng, stage.mixup, stage.cutmix, stage.px)
            micro_batches = []
            for micro_batch in self._micro_batches(step * self.batch):
                index_B, crop_flips_B = (
                    order_N[micro_batch].to(self.device),
                    crop_flips[micro_batch].to(self.device),
                )
                images_BCHW = crop_flip(self._images_NCHW, index_B, crop_flips_B, self.recipe.crop)
                if stage.randaugment:
                    images_BCHW = rand_augment(images_BCHW.float(), ops[micro_batch], stage.randaugment)
                micro_batches.append((mix_batch(normalise(images_BCHW), mix), self._labels_N[index_B]))
            with torch.random.fork_rng(devices=[]):  # the caller's random numbers stay its own
                if dropout_state is None:  # seeds a GPU's generator too, which then continues by itself
                    torch.manual_seed(self.seed * 1_000_003 + self.epochs_done * 1009 + self.worker.rank)
                else:
                    torch.set_rng_state(dropout_state)
                loss = self._train_step(micro_batches, mix, first_step + step)
                dropout_state = torch.get_rng_state()
            if self.device.type == "cpu" and not math.isfinite(loss.item()):
                raise Diverged(self.epochs_done + 1)
            self.average.update(first_step + step)
            yield loss

    def _micro_batches(self, offset: int) -> Iterator[slice]:
        """Yield the slice of each of this process's micro-batches, in the batch that begins at `offset`."""
        offset += self.worker.rank * self._micro_batch_size * self.sizes.accumulate
        for part in range(self.sizes.accumulate):
            yield slice(offset + part * self._micro_batch_size, offset + (part + 1) * self._micro_batch_size)

    def _train_step(self, micro_batches: list[tuple[Tensor, Tensor]], mix: Mix, step: int) -> Tensor:
        rate = self.recipe.rate(step, self.steps_per_epoch)
        share = torch.tensor(mix.share, device=self.device)
        self.network.train()
        if self._graph is not None:
            self._set_rate(self._graph.rate.fill_(rate))
            return self._graph.step(self._optimizer_step, *micro_batches[0], share)
        self._set_rate(rate)
        return self._optimizer_step(*(tensor for micro_batch in micro_batches for tensor in micro_batch), share)

    def _set_rate(self, rate: float | Tensor) -> None:
        for group in self.optimizer.param_groups:
            group["lr"] = rate

    def _optimizer_step(self, *inputs: Tensor) -> Tensor:
        """Take one step on micro-batches (images, labels, images, labels, …, share); return their mean loss."""
        *tensors, share = inputs
        self.optimizer.zero_grad(set_to_none=True)
        losses = []
        for i in range(0, len(tensors), 2):
            last = i + 2 == len(tensors)
            context = nullcontext() if last or self.worker.size == 1 else self._forward.no_sync()  # type: ignore[operator]
            with context:
                loss = self._loss(tensors[i], tensors[i + 1], share) / (len(tensors) // 2)
                loss.backward()  # type: ignore[no-untyped-call]
            losses.append(loss.detach())
        self.optimizer.step()
        return torch.stack(losses).sum()

    def _loss(self, images_BCHW: Tensor, labels_B: Tensor, share: Tensor) -> Tensor:
        smoothing = float(self.recipe.label_smoothing)
        with precision(self.device):
            logits_BK = self._forward(images_BCHW)
            own_loss = F.cross_entropy(logits_BK, labels_B, label_smoothing=smoothing)
            other_loss = F.cross_entropy(logits_BK, labels_B.flip(0), label_smoothing=smoothing)
            return share * own_loss + (1 - share) * other_loss

    def state(self) -> dict[str, Tensor]:
        """Return all that further training depends on, on the CPU."""
        tensors = {f"network.{name}": tensor for name, tensor in self.network.state_dict().items()}
        tensors |= {f"average.{name}": tensor for name, tensor in self.average.tensors().items()}
        tensors |= {f"optimizer.{name}": tensor for name, tensor in optimizer_state(self.optimizer).items()}
        return {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}

    def restore(self, state: dict[str, Tensor], epochs: int) -> None:
        """Resume from the state after this number of epochs."""
        self.network.load_state_dict(sub_state_dict(state, "network."))
        self.average.network.load_state_dict(sub_state_dict(state, "average."))
        restore_optimizer(self.optimizer, sub_state_dict(state, "optimizer."))
        self.epochs_done = epochs


def micro_batch_size(batch: int, count: int, parts: int) -> int:
    """Return the images in each of the equal parts that a batch is cut into; data may be less than a batch.

    Raises:
        InputError: the batch cannot be cut into that many equal parts.
    """
    size = min(batch, count) // parts
    if size < 1 or (batch <= count and batch % parts):
        raise InputError(
            f"--batch {batch}: cannot be cut into {parts} equal parts (workers × --accumulate) of {count} images; "
            "give a multiple"
        )
    return size
