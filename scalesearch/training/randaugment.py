"""Apply RandAugment to batches of tensors: each image gets two of fourteen operations, all of one magnitude.

Cubuk et al. 2020, "RandAugment: Practical automated data augmentation with a reduced search space" (arXiv
1909.13719), Figure 2. This implementation differs from their code in two points. Translations and shears are shares
of the side instead of pixels. For colour, contrast, brightness and sharpness a magnitude is the distance from the
image itself, in either direction.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

LAYERS = 2
"""The number of operations for each image."""
FULL = 10.0
"""The magnitude that rotates by 30° and translates by .3 of the side; EfficientNetV2 exceeds it."""
_LEVELS = 256
_COLOURS = 3
_GREY = (0.299, 0.587, 0.114)


@dataclass(frozen=True, slots=True)
class AugmentOps:
    """Holds the operations of each of N images, on the CPU for any device, so that no kernel waits for a choice."""

    operation_NL: Tensor
    """int64, an index into `OPERATIONS`."""
    up_NL: Tensor
    """bool: the direction of the operation."""

    def __getitem__(self, part: slice) -> AugmentOps:
        return AugmentOps(self.operation_NL[part], self.up_NL[part])


def sample_ops(count: int, generator: torch.Generator) -> AugmentOps:
    """Sample two operations and directions for each of `count` images."""
    operations = torch.randint(len(OPERATIONS), (count, LAYERS), generator=generator)
    return AugmentOps(operations, torch.rand(count, LAYERS, generator=generator) < 0.5)


def rand_augment(images_BCHW: Tensor, ops: AugmentOps, magnitude: float) -> Tensor:
    """Return the images, float32 in 0 … 255, after their operations, as a new tensor."""
    images_BCHW = images_BCHW.clone()
    for layer in range(LAYERS):
        for number, operation in enumerate(OPERATIONS.values()):
            rows = (ops.operation_NL[:, layer] == number).nonzero()[:, 0]
            if len(rows):
                signs_B = torch.where(ops.up_NL[rows, layer], 1.0, -1.0).to(images_BCHW.device)
                rows = rows.to(images_BCHW.device)
                # An alpha channel moves with its image, but colour operations do not apply to it.
                channels = slice(None) if operation in _MOVES else slice(_COLOURS)
                changed = operation(images_BCHW[rows, channels], signs_B * (magnitude / FULL))
                images_BCHW[rows, channels] = changed.clamp_(0, _LEVELS - 1)
    return images_BCHW


_Operation = Callable[[Tensor, Tensor], Tensor]


def _warp(images: Tensor, matrix_B23: Tensor) -> Tensor:
    """Sample the images where the matrix maps to, in coordinates from −1 to 1; the outside is grey."""
    grid = F.affine_grid(matrix_B23, list(images.shape), align_corners=False)
    middle = _LEVELS / 2
    return F.grid_sample(images - middle, grid, mode="bilinear", align_corners=False) + middle


def _affine_matrix(images: Tensor, entries: dict[tuple[int, int], Tensor]) -> Tensor:
    matrix = torch.eye(2, 3, device=images.device).repeat(len(images), 1, 1)
    for (row, column), values_B in entries.items():
        matrix[:, row, column] = values_B
    return matrix


def _rotate(images: Tensor, level_B: Tensor) -> Tensor:
    angle_B = level_B * math.radians(30)
    sine, cosine = angle_B.sin(), angle_B.cos()
    return _warp(images, _affine_matrix(images, {(0, 0): cosine, (0, 1): -sine, (1, 0): sine, (1, 1): cosine}))


def _affine(row: int, column: int, factor: float) -> _Operation:
    return lambda images, level_B: _warp(images, _affine_matrix(images, {(row, column): level_B * factor}))


def _blend(images: Tensor, other: Tensor, level_B: Tensor) -> Tensor:
    """Move away from `other`, or towards it, by up to .9 at full magnitude."""
    factor_B111 = (1 + 0.9 * level_B)[:, None, None, None]
    return other + (images - other) * factor_B111


def _grey(images: Tensor) -> Tensor:
    if images.shape[1] == 1:
        return images
    weights = torch.tensor(_GREY, device=images.device)[None, :, None, None]
    return (images * weights).sum(1, keepdim=True)


def _colour(images: Tensor, level_B: Tensor) -> Tensor:
    return _blend(images, _grey(images), level_B)


def _contrast(images: Tensor, level_B: Tensor) -> Tensor:
    return _blend(images, _grey(images).mean((1, 2, 3), keepdim=True), level_B)


def _brightness(images: Tensor, level_B: Tensor) -> Tensor:
    return _blend(images, torch.zeros_like(images), level_B)


def _sharpness(images: Tensor, level_B: Tensor) -> Tensor:
    return _blend(images, F.avg_pool2d(F.pad(images, (1, 1, 1, 1), mode="replicate"), 3, 1), level_B)


def _solarize(images: Tensor, level_B: Tensor) -> Tensor:
    threshold_B111 = (_LEVELS * (1 - level_B.abs()))[:, None, None, None]
    return torch.where(images < threshold_B111, images, _LEVELS - 1 - images)


def _posterize(images: Tensor, level_B: Tensor) -> Tensor:
    step_B111 = 2 ** (4 * level_B.abs()).round().clamp(max=7)[:, None, None, None]
    return (images / step_B111).floor() * step_B111


def _auto_contrast(images: Tensor, _: Tensor) -> Tensor:
    low, high = images.amin((2, 3), keepdim=True), images.amax((2, 3), keepdim=True)
    return torch.where(high > low, (images - low) * ((_LEVELS - 1) / (high - low).clamp(min=1)), images)


def _equalize(images: Tensor, _: Tensor) -> Tensor:
    """Spread each channel's levels by their cumulative histogram."""
    levels_RP = images.round().long().flatten(2).flatten(0, 1)
    counts = torch.zeros(len(levels_RP), _LEVELS, device=images.device)
    counts.scatter_add_(1, levels_RP, torch.ones_like(levels_RP, dtype=counts.dtype))
    below = counts.cumsum(1)
    first = below.gather(1, levels_RP.amin(1, keepdim=True))
    spread = (below - first) * (_LEVELS - 1) / (below[:, -1:] - first).clamp(min=1)
    equal = spread.gather(1, levels_RP).clamp(min=0).reshape(images.shape)
    return torch.where(images.amax((2, 3), keepdim=True) > images.amin((2, 3), keepdim=True), equal, images)


_SHEAR_X, _SHEAR_Y = _affine(0, 1, 0.3), _affine(1, 0, 0.3)
_TRANSLATE_X, _TRANSLATE_Y = _affine(0, 2, 0.6), _affine(1, 2, 0.6)
_MOVES = (_rotate, _SHEAR_X, _SHEAR_Y, _TRANSLATE_X, _TRANSLATE_Y)
OPERATIONS: dict[str, _Operation] = {
    "identity": lambda images, _: images,
    "auto contrast": _auto_contrast,
    "equalize": _equalize,
    "rotate": _rotate,
    "solarize": _solarize,
    "colour": _colour,
    "posterize": _posterize,
    "contrast": _contrast,
    "brightness": _brightness,
    "sharpness": _sharpness,
    "shear x": _SHEAR_X,
    "shear y": _SHEAR_Y,
    "translate x": _TRANSLATE_X,
    "translate y": _TRANSLATE_Y,
}
"""The operations by the paper's names; shares of .6 in coordinates from −1 to 1 are .3 of the side."""
