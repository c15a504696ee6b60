"""Define the recipes of training for use: EfficientNetV2's progressive learning, V1's recipe, and a fast one.

In progressive learning (Tan & Le 2021, arXiv 2104.00298, section 4) training begins with small images and weak
regularisation, and both grow from stage to stage. Its Algorithm 1 and the code that the authors released differ:

`paper`
    Table 6 and Algorithm 1: in stage i of M, size and strengths are first + (last − first)·i/(M−1).
`code`
    google/automl `efficientnetv2`: sizes int(128 + (T−128)(i+1)/M), strengths by the same shares, so the first
    stage has moved already; RandAugment ends lower, CutMix is used with mixup, dropout is constant.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal
from math import cos, pi
from typing import Any

from scalesearch.errors import SpaceError

SMALLEST_PX = 8
_LIMITS = {"epochs": (1, 100_000), "batch": (1, 1_000_000), "stages": (1, 100)}


@dataclass(frozen=True, slots=True)
class Ramp:
    """Describes a strength in the first stage and in the last."""

    first: Decimal
    last: Decimal

    def value_at(self, share: Decimal) -> float:
        """Return the strength after `share` of the stages' progress."""
        return float(self.first + (self.last - self.first) * share)


def _ramp(first: str, last: str) -> Ramp:
    return Ramp(Decimal(first), Decimal(last))


NONE = _ramp("0", "0")


@dataclass(frozen=True, slots=True)
class TrainingStage:
    """Describes a range of epochs with one image size and one strength of regularisation."""

    begin: int
    """The number of epochs before it."""
    end: int
    """The number of epochs when it is over."""
    px: int
    randaugment: float
    """The magnitude; 0: none."""
    mixup: float
    """The α of Beta(α, α); 0: none."""
    cutmix: float
    """Like mixup; a batch gets one of the two."""
    dropout: float
    """The rate before the classifier."""


@dataclass(frozen=True, slots=True)
class TrainRecipe:
    """Holds everything that a training for use depends on besides network, data and seed."""

    name: str
    epochs: int
    batch: int
    """The images in a step."""
    learning_rate: Decimal
    """The peak, for `batch` images a step; another batch scales it linearly (`with_batch`)."""
    optimizer: str = "rmsprop"
    """`rmsprop`: decay and momentum .9, ε .001; `sgd`: Nesterov momentum .9."""
    decay: str = "steps"
    """`steps`: × .97 every 2.4 epochs; `cosine`: to zero."""
    warmup: Decimal = Decimal(5)
    """The epochs of linear warm-up."""
    weight_decay: Decimal = Decimal("0.00001")
    label_smoothing: Decimal = Decimal("0.1")
    batch_norm: Decimal = Decimal("0.01")
    """The momentum of batch norm's statistics, in torch's sense."""
    average: Decimal = Decimal("0.9999")
    """The decay per step of the moving average of the weights, which is the result of the training; 0: none."""
    stochastic_depth: Decimal = Decimal("0.2")
    """The rate at the last block."""
    crop: Decimal = Decimal("0.125")
    """Random crops shift the image by at most this share of its side, edges reflected."""
    stages: int = 1
    growth: str = "paper"
    px_first: int = 128
    """The largest side in the first stage; never more than `px_share` of the last."""
    px_share: Decimal = Decimal(128) / 300
    randaugment: Ramp = field(default=NONE)
    mixup: Ramp = field(default=NONE)
    cutmix: Ramp = field(default=NONE)
    dropout: Ramp = field(default=NONE)

    def __post_init__(self) -> None:
        for name, (low, high) in _LIMITS.items():
            if not low <= getattr(self, name) <= high:
                raise SpaceError(f"{name} is {getattr(self, name)}, but it must be from {low} to {high}")
        if not 0 < self.learning_rate <= 1000:
            raise SpaceError(f"learning_rate is {self.learning_rate}, but it must be above 0 and at most 1000")

    def with_batch(self, batch: int) -> TrainRecipe:
        """Return the recipe with another batch and a learning rate in proportion.

        Source: Goyal et al. 2017, section 2.1.
        """
        return replace(self, batch=batch, learning_rate=round(self.learning_rate * batch / self.batch, 12))

    def fixed(self) -> TrainRecipe:
        """Return the recipe without stages: the last size and the last strengths from the beginning."""
        last: dict[str, Any] = {name: Ramp(*2 * (getattr(self, name).last,)) for name in _STRENGTHS}
        return replace(self, stages=1, **last)

    def sides(self, px: int) -> tuple[int, ...]:
        """Return the image side of each stage; the last one is `px`."""
        if self.stages == 1:
            return (px,)
        first = max(SMALLEST_PX, min(self.px_first, int(px * self.px_share + Decimal("0.5")), px))
        return tuple(int(first + (px - first) * self._share(i)) for i in range(self.stages))

    def stage_schedule(self, px: int) -> tuple[TrainingStage, ...]:
        """Return the stages of a training that ends at side `px`, without those that have no epoch."""
        edges = [round(Decimal(self.epochs) * i / self.stages) for i in range(self.stages + 1)]
        stages = []
        for i, side in enumerate(self.sides(px)):
            strengths = {name: getattr(self, name).value_at(self._share(i)) for name in _STRENGTHS}
            if edges[i] < edges[i + 1]:
                stages.append(TrainingStage(edges[i], edges[i + 1], side, **strengths))
        return tuple(stages)

    def _share(self, stage: int) -> Decimal:
        if self.stages == 1:
            return Decimal(1)
        if self.growth == "code":
            return Decimal(stage + 1) / self.stages
        return Decimal(stage) / (self.stages - 1)

    def rate(self, step: int, steps_per_epoch: int) -> float:
        """Return the learning rate of step `step`, counted from 0."""
        peak = float(self.learning_rate)
        steps = self.epochs * steps_per_epoch
        num_warmup = min(int(self.warmup * steps_per_epoch), steps - 1)
        if step < num_warmup:
            return peak * (step + 1) / (num_warmup + 1)
        if self.decay == "cosine":
            return peak * 0.5 * (1 + cos(pi * (step - num_warmup) / (steps - num_warmup)))
        return peak * 0.97 ** int(step / steps_per_epoch / 2.4)


_STRENGTHS = ("randaugment", "mixup", "cutmix", "dropout")


def _v2(name: str, randaugment: str, mixup: str, dropout: str) -> TrainRecipe:
    """Return a recipe of Tan & Le 2021, section 5.1 and Table 6."""
    return TrainRecipe(
        name,
        epochs=350,
        batch=4096,
        learning_rate=Decimal("0.256"),
        stages=4,
        randaugment=_ramp("5", randaugment),
        mixup=_ramp("0", mixup),
        dropout=_ramp("0.1", dropout),
    )


def _v2_code(name: str, randaugment: str, mixup: str, dropout: str) -> TrainRecipe:
    """Return a recipe of google/automl `efficientnetv2`, `effnetv2_configs.py` and `main.py`."""
    return replace(
        _v2(name, randaugment, mixup, dropout),
        growth="code",
        px_share=Decimal(1),
        cutmix=_ramp("0", mixup),
        dropout=_ramp(dropout, dropout),
    )


_V1 = TrainRecipe(
    "v1",
    epochs=350,
    batch=4096,
    learning_rate=Decimal("0.256"),
    randaugment=_ramp("9", "9"),
    dropout=_ramp("0.2", "0.2"),
)

_FAST = TrainRecipe(
    "fast",
    epochs=12,
    batch=32,
    learning_rate=Decimal("0.1"),
    optimizer="sgd",
    decay="cosine",
    warmup=Decimal(1),
    weight_decay=Decimal("0.0005"),
    batch_norm=Decimal("0.1"),
    average=Decimal("0.99"),
    stochastic_depth=Decimal("0.05"),
    stages=3,
    px_share=Decimal("0.5"),
    randaugment=_ramp("0", "5"),
    dropout=_ramp("0", "0.1"),
)

_FINE_TUNING = TrainRecipe(
    "fine-tuning",
    epochs=8,
    batch=32,
    learning_rate=Decimal("0.02"),
    optimizer="sgd",
    decay="cosine",
    warmup=Decimal(1),
    weight_decay=Decimal("0.0001"),
    label_smoothing=Decimal(0),
    batch_norm=Decimal("0.1"),
    average=Decimal("0.99"),
    stochastic_depth=Decimal("0.05"),
    dropout=_ramp("0.1", "0.1"),
)

RECIPES = {
    recipe.name: recipe
    for recipe in (
        _FAST,
        _V1,
        _v2("paper", "15", "0", "0.3"),
        _v2("paper-m", "20", "0.2", "0.4"),
        _v2("paper-l", "25", "0.4", "0.5"),
        _v2_code("code", "10", "0", "0.2"),
        _v2_code("code-m", "15", "0.2", "0.3"),
        _v2_code("code-l", "20", "0.5", "0.4"),
        _FINE_TUNING,
    )
}
"""`fast`: minutes, for small data; `paper`, `-m`, `-l`: V2-S, M and L by the paper's Table 6; `code…`: as released;
`v1`: EfficientNet's, with RandAugment instead of AutoAugment; `fine-tuning`: the recipe of `transfer`."""
