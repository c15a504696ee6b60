"""RandAugment on batches of tensors: each image gets two of fourteen operations, all of one magnitude.

Cubuk et al. 2020, "RandAugment: Practical automated data augmentation with a reduced search space" (arXiv
1909.13719), Figure 2. Ours differ from their code where it moves by pixels (here by shares of the side) and in what
a magnitude means for colour, contrast, brightness and sharpness: the distance from the image itself, up or down.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

LAYERS = 2
"""Operations an image."""
FULL = 10.0
"""The magnitude that turns by 30° and moves by .3 of the side; EfficientNetV2 goes beyond it."""
_LEVELS = 256
_COLOURS = 3
_GREY = (0.299, 0.587, 0.114)


@dataclass(frozen=True, slots=True)
class Choices:
    """What happens to each of N images, on the CPU whatever the device, so that no kernel waits for a choice."""

    operation_NL: Tensor
    """int64, an index into `OPERATIONS`."""
    up_NL: Tensor
    """bool: in the one direction or the other."""

    def __getitem__(self, part: slice) -> Choices:
        return Choices(self.operation_NL[part], self.up_NL[part])


def draw_choices(count: int, generator: torch.Generator) -> Choices:
    """Two operations and directions for each of `count` images."""
    operations = torch.randint(len(OPERATIONS), (count, LAYERS), generator=generator)
    return Choices(operations, torch.rand(count, LAYERS, generator=generator) < 0.5)


def rand_augment(images_BCHW: Tensor, choices: Choices, magnitude: float) -> Tensor:
    """The images, float32 in 0 … 255, after their operations; a new tensor."""
    images_BCHW = images_BCHW.clone()
    for layer in range(LAYERS):
        for number, operation in enumerate(OPERATIONS.values()):
            rows = (choices.operation_NL[:, layer] == number).nonzero()[:, 0]
            if len(rows):
                signs_B = torch.where(choices.up_NL[rows, layer], 1.0, -1.0).to(images_BCHW.device)
                rows = rows.to(images_BCHW.device)
                # An alpha channel moves with its image, but is no colour.
                seen = slice(None) if operation in _MOVES else slice(_COLOURS)
                changed = operation(images_BCHW[rows, seen], signs_B * (magnitude / FULL))
                images_BCHW[rows, seen] = changed.clamp_(0, _LEVELS - 1)
    return images_BCHW


_Operation = Callable[[Tensor, Tensor], Tensor]


def _moved(images: Tensor, matrix_B23: Tensor) -> Tensor:
    """Sampled where the matrix says, in coordinates from −1 to 1; what lies outside is grey."""
    grid = F.affine_grid(matrix_B23, list(images.shape), align_corners=False)
    middle = _LEVELS / 2
    return F.grid_sample(images - middle, grid, mode="bilinear", align_corners=False) + middle


def _matrix(images: Tensor, entries: dict[tuple[int, int], Tensor]) -> Tensor:
    matrix = torch.eye(2, 3, device=images.device).repeat(len(images), 1, 1)
    for (row, column), values_B in entries.items():
        matrix[:, row, column] = values_B
    return matrix


def _rotate(images: Tensor, level_B: Tensor) -> Tensor:
    angle_B = level_B * math.radians(30)
    sine, cosine = angle_B.sin(), angle_B.cos()
    return _moved(images, _matrix(images, {(0, 0): cosine, (0, 1): -sine, (1, 0): sine, (1, 1): cosine}))


def _affine(row: int, column: int, factor: float) -> _Operation:
    return lambda images, level_B: _moved(images, _matrix(images, {(row, column): level_B * factor}))


def _blended(images: Tensor, other: Tensor, level_B: Tensor) -> Tensor:
    """Away from `other`, or towards it, by up to .9 at full magnitude."""
    factor_B111 = (1 + 0.9 * level_B)[:, None, None, None]
    return other + (images - other) * factor_B111


def _grey(images: Tensor) -> Tensor:
    if images.shape[1] == 1:
        return images
    weights = torch.tensor(_GREY, device=images.device)[None, :, None, None]
    return (images * weights).sum(1, keepdim=True)


def _colour(images: Tensor, level_B: Tensor) -> Tensor:
    return _blended(images, _grey(images), level_B)


def _contrast(images: Tensor, level_B: Tensor) -> Tensor:
    return _blended(images, _grey(images).mean((1, 2, 3), keepdim=True), level_B)


def _brightness(images: Tensor, level_B: Tensor) -> Tensor:
    return _blended(images, torch.zeros_like(images), level_B)


def _sharpness(images: Tensor, level_B: Tensor) -> Tensor:
    return _blended(images, F.avg_pool2d(F.pad(images, (1, 1, 1, 1), mode="replicate"), 3, 1), level_B)


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
    """Each channel's levels spread by their cumulative histogram."""
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
"""By the paper's names; shares of .6 in coordinates from −1 to 1 are .3 of the side."""
