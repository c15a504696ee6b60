"""What a training is told about itself, and what it says while it runs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WorkerContext:
    """Which of several processes this is, where they train one network together."""

    rank: int = 0
    size: int = 1


@dataclass(frozen=True, slots=True)
class Sizes:
    """Sides of images, and how a step's images are cut up."""

    px: int
    """At which the network is judged and handed over."""
    train_px: int
    """In the last stage of training."""
    accumulate: int = 1
    """Parts that a batch is cut into, one after the other; their gradients are added up."""


@dataclass(frozen=True, slots=True)
class RunProgress:
    """How far a run is, in images times their pixels."""

    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Row:
    """What an epoch came to: a line of history.csv."""

    epoch: int
    px: int
    randaugment: float
    mixup: float
    dropout: float
    learning_rate: float
    """Of its last step."""
    train_loss: float
    val_loss: float
    """Of the moving average, in nats."""
    val_accuracy: float
    seconds: float
