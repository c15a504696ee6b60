"""Train one network for a few epochs; whoever reads the epochs decides when to stop."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from scalesearch.errors import InputError
from scalesearch.proxy.augment import draw_moves, normalise, take
from scalesearch.proxy.schedule import learning_rate
from scalesearch.search.task import Epoch, Recipe


class Diverged(Exception):  # noqa: N818 (an outcome of a trial, not a mistake)
    """A loss became NaN or infinite in epoch `epoch`, counted from 1."""

    def __init__(self, epoch: int) -> None:
        super().__init__(f"the loss is no longer finite in epoch {epoch}")
        self.epoch = epoch


@dataclass(frozen=True, slots=True)
class TrainingData:
    """Images as uint8 at the resolution of the model and their classes as int64, all on one device."""

    train_images_NCHW: Tensor
    train_labels_N: Tensor
    val_images_NCHW: Tensor
    val_labels_N: Tensor

    def __post_init__(self) -> None:
        for part in ("train", "val"):
            images: Tensor = getattr(self, f"{part}_images_NCHW")
            labels: Tensor = getattr(self, f"{part}_labels_N")
            if images.dtype != torch.uint8 or images.ndim != 4:
                raise InputError(
                    f"{part} images are {images.dtype} with {images.ndim} dimensions: give uint8, NCHW"
                )
            if labels.dtype != torch.int64 or labels.shape != images.shape[:1] or not len(labels):
                raise InputError(
                    f"{part} labels are {labels.dtype} of shape {tuple(labels.shape)} for {len(images)} "
                    "images: give int64, one an image, and at least one image"
                )

    def resized(self, px: int) -> TrainingData:
        """The same images at `px` x `px`; the images must be on the CPU (see `resize`)."""
        return TrainingData(
            resize(self.train_images_NCHW, px),
            self.train_labels_N,
            resize(self.val_images_NCHW, px),
            self.val_labels_N,
        )

    def to(self, device: torch.device) -> TrainingData:
        """The same data on `device`, the images in channels_last."""
        return TrainingData(
            self.train_images_NCHW.to(device, memory_format=torch.channels_last),
            self.train_labels_N.to(device),
            self.val_images_NCHW.to(device, memory_format=torch.channels_last),
            self.val_labels_N.to(device),
        )


def resize(images_NCHW: Tensor, px: int) -> Tensor:
    """uint8 images on the CPU at `px` x `px`: bilinear, antialiased, in integers, so the same everywhere.

    Identical to the input when `px` already is its side. The result is in channels_last, the layout that
    torch resizes fast.
    """
    images_NCHW = images_NCHW.contiguous(memory_format=torch.channels_last)
    if images_NCHW.shape[2:] == (px, px):
        return images_NCHW
    return F.interpolate(images_NCHW, size=(px, px), mode="bilinear", antialias=True)


def train(model: nn.Module, data: TrainingData, recipe: Recipe, seed: int, device: torch.device) -> Iterator[Epoch]:
    """Train `model` in place on `device` and yield each epoch as it ends; the next one runs when asked for.

    SGD with Nesterov momentum, label smoothing, weight decay on weights of two or more dimensions only,
    channels_last, bfloat16 autocast on CUDA. The last, incomplete batch of an epoch is dropped (data
    smaller than a batch is one batch). Order, augmentation and dropout depend on `seed` alone, not on the
    model, its initial weights or the global random state, which is left as it was. On a CPU the same seed
    gives the same bits in the same environment (machine, versions, number of threads).

    Raises `Diverged` when a loss is NaN or infinite. `torch.cuda.OutOfMemoryError` is let through.
    """
    model.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]  # missing from the stubs
    data = data.to(device)
    optimizer = _optimizer(model, recipe)
    count = len(data.train_labels_N)
    batch = min(recipe.batch, count)
    generator = torch.Generator().manual_seed(seed)
    for epoch in range(1, recipe.epochs + 1):
        start = time.perf_counter()
        train_loss = _train_epoch(model, optimizer, data, recipe, epoch, generator, device)
        val_loss, val_accuracy = _evaluate(model, data, batch, device)
        if not math.isfinite(val_loss):
            raise Diverged(epoch)
        seconds = time.perf_counter() - start
        yield Epoch(epoch, epoch * (count // batch) * batch, train_loss, val_loss, val_accuracy, seconds)


def _optimizer(model: nn.Module, recipe: Recipe) -> torch.optim.SGD:
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    groups = [
        {
            "params": [parameter for parameter in parameters if parameter.ndim >= 2],
            "weight_decay": float(recipe.weight_decay),
        },
        {"params": [parameter for parameter in parameters if parameter.ndim < 2], "weight_decay": 0.0},
    ]
    momentum = float(recipe.momentum)
    return torch.optim.SGD(
        [group for group in groups if group["params"]],
        lr=float(recipe.learning_rate),
        momentum=momentum,
        nesterov=momentum > 0,
        fused=True,
    )


def _train_epoch(
    model: nn.Module,
    optimizer: torch.optim.SGD,
    data: TrainingData,
    recipe: Recipe,
    epoch: int,
    generator: torch.Generator,
    device: torch.device,
) -> float:
    """One pass over the training images; the mean of the losses of its steps."""
    count = len(data.train_labels_N)
    batch = min(recipe.batch, count)
    steps = count // batch
    # Drawn on the CPU whatever the device, so that the same seed means the same batches everywhere.
    order_N = torch.randperm(count, generator=generator).to(device)
    moves = draw_moves(count, generator).to(device)
    dropout_seed = int(torch.randint(2**31, (), generator=generator))
    losses = []
    model.train()
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        torch.manual_seed(dropout_seed)
        for step in range(steps):
            part = slice(step * batch, (step + 1) * batch)
            images_BCHW = normalise(take(data.train_images_NCHW, order_N[part], moves[part], recipe.crop))
            rate = learning_rate((epoch - 1) * steps + step, recipe.epochs * steps, recipe)
            labels_B = data.train_labels_N[order_N[part]]
            losses.append(_step(model, optimizer, images_BCHW, labels_B, rate, recipe))
            # On a GPU reading a loss would wait for the step: there the end of the epoch is soon enough.
            if device.type == "cpu" and not math.isfinite(losses[-1].item()):
                raise Diverged(epoch)
    mean = torch.stack(losses).double().mean().item()
    if not math.isfinite(mean):
        raise Diverged(epoch)
    return mean


def _step(
    model: nn.Module,
    optimizer: torch.optim.SGD,
    images_BCHW: Tensor,
    labels_B: Tensor,
    rate: float,
    recipe: Recipe,
) -> Tensor:
    """One step of descent at learning rate `rate`; the loss before it, still on the device."""
    for group in optimizer.param_groups:
        group["lr"] = rate
    optimizer.zero_grad(set_to_none=True)
    with _precision(images_BCHW.device):
        logits_BK = model(images_BCHW)
        loss = F.cross_entropy(logits_BK, labels_B, label_smoothing=float(recipe.label_smoothing))
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()
    return loss.detach()


@torch.no_grad()
def _evaluate(model: nn.Module, data: TrainingData, batch: int, device: torch.device) -> tuple[float, float]:
    """Mean cross-entropy (nats) and top-1 over all validation images."""
    model.eval()
    loss = torch.zeros((), dtype=torch.float64, device=device)
    hits = torch.zeros((), dtype=torch.int64, device=device)
    count = len(data.val_labels_N)
    for first in range(0, count, batch):
        labels_B = data.val_labels_N[first : first + batch]
        with _precision(device):
            logits_BK = model(normalise(data.val_images_NCHW[first : first + batch]))
        loss += F.cross_entropy(logits_BK.float(), labels_B, reduction="sum")
        hits += (logits_BK.argmax(1) == labels_B).sum()
    return loss.item() / count, hits.item() / count


def _precision(device: torch.device) -> torch.autocast:
    """bfloat16 on CUDA; float32 elsewhere (without AMX, bfloat16 on a CPU is 8x slower)."""
    return torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda")
