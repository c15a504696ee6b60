"""A job that trains in a moment: images that are bright on one side."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import torch

from scalesearch.design.baselines import load_baseline
from scalesearch.nets.weights import with_classes
from scalesearch.proxy.datasets import ImageData
from scalesearch.search.scenes import SceneRecipe
from scalesearch.training.events import Sizes
from scalesearch.training.job import Job, Source
from scalesearch.training.recipes import RECIPES, Ramp, TrainRecipe

CLASSES = ("left", "right", "top")
RECIPE = replace(
    RECIPES["fast"],
    epochs=3,
    batch=12,
    mixup=Ramp(Decimal(0), Decimal("0.4")),
    stochastic_depth=Decimal("0.2"),
    average=Decimal("0.9"),
)


def bright_sides(px: int = 16) -> ImageData:
    """39 + 15 images."""
    generator = torch.Generator().manual_seed(5)
    images = torch.randint(60, 130, (54, 3, px, px), generator=generator, dtype=torch.uint8)
    labels = torch.arange(54) % 3
    images[labels == 0, :, :, : px // 2] += 100
    images[labels == 1, :, :, px // 2 :] += 100
    images[labels == 2, :, : px // 2] += 100
    images = images.contiguous(memory_format=torch.channels_last)
    return ImageData(images[:39], labels[:39], images[39:], labels[39:], CLASSES, "any", "sides")


def job(recipe: TrainRecipe = RECIPE, accumulate: int = 1, seed: int = 0) -> Job:
    tiny = load_baseline("tiny")
    small = replace(tiny, architecture=replace(tiny.architecture, resolution=16))
    source = Source("fractal", 16, SceneRecipe(classes=3, train=39, val=15), Path("nowhere"))
    return Job(with_classes(small, 3), CLASSES, source, "any", recipe, Sizes(16, 16, accumulate), seed)
