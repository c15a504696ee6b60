"""The proxy task: how a candidate is made small and how long and how it is trained."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from scalesearch.errors import SpaceError


@dataclass(frozen=True, slots=True)
class Recipe:
    """How one network is trained: SGD with Nesterov momentum, linear warm-up, cosine decay to zero."""

    epochs: int
    batch: int
    learning_rate: Decimal
    """Peak learning rate at `batch`, reached when the warm-up is over."""
    warmup: Decimal = Decimal("0.1")
    """Share of all steps in which the learning rate climbs linearly."""
    momentum: Decimal = Decimal("0.9")
    weight_decay: Decimal = Decimal("0.0005")
    """Applied to convolution and linear weights, not to biases or batch-norm scales."""
    label_smoothing: Decimal = Decimal("0.1")
    crop: Decimal = Decimal("0.125")
    """Random crops shift the image by at most this share of its side, edges reflected."""

    def __post_init__(self) -> None:
        for name in ("epochs", "batch"):
            if getattr(self, name) < 1:
                raise SpaceError(f"{name} is {getattr(self, name)}, but training needs at least 1")
        if not self.learning_rate > 0:
            raise SpaceError(f"learning_rate is {self.learning_rate}, but it must be above 0")
        for name in ("warmup", "momentum", "label_smoothing", "crop"):
            if not 0 <= getattr(self, name) < 1:
                raise SpaceError(f"{name} is {getattr(self, name)}, but it must be in [0, 1)")
        if self.weight_decay < 0:
            raise SpaceError(f"weight_decay is {self.weight_decay}, but it must not be negative")


@dataclass(frozen=True, slots=True)
class Epoch:
    """What one pass over the training images came to."""

    index: int
    """Counted from 1."""
    samples: int
    """Training images seen since the first epoch began."""
    train_loss: float
    """Mean label-smoothed cross-entropy (nats) over the epoch's batches."""
    val_loss: float
    """Mean cross-entropy (nats, no smoothing) over the validation images."""
    val_accuracy: float
    """Top-1, in [0, 1]."""
    seconds: float
    """Wall time of the epoch, validation included."""
