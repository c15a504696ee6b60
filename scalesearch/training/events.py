"""Define the values that describe a training process and its progress."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WorkerContext:
    """Identifies this process among the workers that train one network."""

    rank: int = 0
    size: int = 1


@dataclass(frozen=True, slots=True)
class Sizes:
    """Holds the sides of images, and the number of micro-batches in a step."""

    px: int
    """The side for validation and in use."""
    train_px: int
    """The side in the last stage of training."""
    accumulate: int = 1
    """The number of micro-batches that a batch is cut into, one after the other; their gradients are added up."""


@dataclass(frozen=True, slots=True)
class RunProgress:
    """Reports the progress of a run, in images times their pixels."""

    done: int
    total: int


@dataclass(frozen=True, slots=True)
class EpochMetrics:
    """Holds the metrics of an epoch: a line of history.csv."""

    epoch: int
    px: int
    randaugment: float
    mixup: float
    dropout: float
    learning_rate: float
    """The rate of its last step."""
    train_loss: float
    val_loss: float
    """The loss of the moving average, in nats."""
    val_accuracy: float
    seconds: float
