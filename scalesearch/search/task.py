"""Defines the training task of a proxy: the recipe, and the record of an epoch."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Literal

from scalesearch.design.serialization import OMIT_IF_DEFAULT
from scalesearch.errors import SpaceError

MOST_IMAGES = 65_536
"""The most images of a training step: more than any memory holds, or any optimiser makes use of."""

MOST_EPOCHS = 100_000
_MOST_RATE, _MOST_DECAY = 1000, 10

Optimizer = Literal["sgd", "adamw"]
"""The optimizers: `sgd` has Nesterov momentum; `adamw` has torch's betas, .9 and .999."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """States how a network is trained: SGD or AdamW, with linear warm-up, then a cosine or a constant rate."""

    epochs: int
    batch: int
    learning_rate: Decimal
    """Peak learning rate at `batch`, reached when the warm-up is over."""
    warmup: Decimal = Decimal("0.1")
    """Share of all steps in which the learning rate rises linearly."""
    momentum: Decimal = Decimal("0.9")
    """Momentum of SGD; not used by AdamW."""
    weight_decay: Decimal = Decimal("0.0005")
    """Applied to convolution and linear weights, not to biases or batch-norm scales."""
    label_smoothing: Decimal = Decimal("0.1")
    crop: Decimal = Decimal("0.125")
    """Random crops shift the image by at most this share of its side, edges reflected."""
    decay: Decimal = field(default=Decimal(0), metadata=OMIT_IF_DEFAULT)
    """Share of a run, at its end, in which the learning rate falls to zero after a constant stretch, so that the
    run can be prolonged; 0: a cosine over the whole run."""
    optimizer: Optimizer = field(default="sgd", metadata=OMIT_IF_DEFAULT)
    trunk_epochs: int = field(default=0, metadata=OMIT_IF_DEFAULT)
    """Passes over the training images by the trunk: the unscaled proxy, from which the candidates' are grown before
    their `epochs` begin. 0: they are trained from scratch."""
    precise_bn_images: int = field(default=0, metadata=OMIT_IF_DEFAULT)
    """Training images whose batch-norm statistics are used at every validation; 0: the running averages."""

    def __post_init__(self) -> None:
        for name, most in (("epochs", MOST_EPOCHS), ("batch", MOST_IMAGES)):
            if not 1 <= getattr(self, name) <= most:
                raise SpaceError(f"{name} is {getattr(self, name)}, but training takes 1 … {most}")
        if not 0 < self.learning_rate <= _MOST_RATE:
            raise SpaceError(
                f"learning_rate is {self.learning_rate}, but it must be above 0 and at most {_MOST_RATE} (beyond, "
                "every training diverges)"
            )
        for name in ("warmup", "momentum", "label_smoothing", "crop", "decay"):
            if not 0 <= getattr(self, name) < 1:
                raise SpaceError(f"{name} is {getattr(self, name)}, but it must be in [0, 1)")
        if not 0 <= self.trunk_epochs <= MOST_EPOCHS:
            raise SpaceError(f"trunk_epochs is {self.trunk_epochs}, but training takes 0 … {MOST_EPOCHS}")
        if not 0 <= self.precise_bn_images <= MOST_IMAGES:
            raise SpaceError(f"precise_bn_images is {self.precise_bn_images}, but training takes 0 … {MOST_IMAGES}")
        if not 0 <= self.weight_decay <= _MOST_DECAY:
            raise SpaceError(
                f"weight_decay is {self.weight_decay}, but it must be in 0 … {_MOST_DECAY} (beyond, "
                "nothing is learned)"
            )

    @property
    def from_scratch(self) -> Recipe:
        """The recipe without a trunk: its training sees as many images as the trunk and a trial together."""
        return replace(self, epochs=self.trunk_epochs + self.epochs, trunk_epochs=0)

    def decay_start(self, end: int) -> int:
        """Return the step at which the learning rate of a run that ends at step `end` begins to decay."""
        return end - max(1, int(self.decay * end + Decimal("0.5")))


@dataclass(frozen=True, slots=True)
class Epoch:
    """Holds the result of one pass over the training images."""

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
    score: float | None = field(default=None, metadata=OMIT_IF_DEFAULT)
    """The study's ranking metric on the validation images, larger is better; None: accuracy."""

    @property
    def metric_value(self) -> float:
        """The value of the study's ranking metric."""
        return self.val_accuracy if self.score is None else self.score
