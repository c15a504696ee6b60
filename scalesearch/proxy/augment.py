"""Random flips and shifts for a whole batch at once, on the device that the images live on.

What is drawn is relative to the side of the image and depends on the generator alone, so two networks that
are trained from one seed see the same batches, and at two resolutions they see the same crops of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import torch
from torch import Tensor

MEAN = 0.5
STD = 0.25
"""Pixels in [0, 1] are centred and scaled by these, in every channel of every data set: the stem's batch
norm takes out what is left, so statistics of the data set would only make results depend on its split."""


@dataclass(frozen=True, slots=True)
class CropFlip:
    """What happens to each of N images; drawn once for a whole epoch and cut into batches."""

    flip_N: Tensor
    """bool: mirrored left to right, or not."""
    shift_N2: Tensor
    """float32 in [0, 1): where in its range the shift down and the shift to the right lie."""

    def __getitem__(self, part: slice) -> CropFlip:
        """The moves of some of the images."""
        return CropFlip(self.flip_N[part], self.shift_N2[part])

    def to(self, device: torch.device) -> CropFlip:
        """The same moves on another device."""
        return CropFlip(self.flip_N.to(device), self.shift_N2.to(device))


def sample_crop_flip(count: int, generator: torch.Generator) -> CropFlip:
    """Moves for `count` images: a fair coin for the flip, uniform shifts; on the generator's device."""
    device = generator.device
    coin_N = torch.rand(count, generator=generator, device=device)
    return CropFlip(coin_N < 0.5, torch.rand(count, 2, generator=generator, device=device))


def take(images_NCHW: Tensor, index_B: Tensor, moves: CropFlip, crop: Decimal) -> Tensor:
    """The images `index_B`, each shifted by at most `crop` of its side and then perhaps flipped.

    Equals padding by reflection (the edge itself is not repeated), cutting a window of the old size out of
    it and flipping that, but is one gather. `moves` has one entry for each of `index_B`; all tensors are on
    one device. The dtype stays; the result is in channels_last.
    """
    height, width = images_NCHW.shape[2:]
    rows_BH = _window(height, moves.shift_N2[:, 0], crop)
    columns_BW = _window(width, moves.shift_N2[:, 1], crop)
    columns_BW = torch.where(moves.flip_N[:, None], columns_BW.flip(1), columns_BW)
    images_NHWC = images_NCHW.permute(0, 2, 3, 1)
    taken_BHWC = images_NHWC[index_B[:, None, None], rows_BH[:, :, None], columns_BW[:, None, :]]
    return taken_BHWC.permute(0, 3, 1, 2)


def _window(side: int, shift_B: Tensor, crop: Decimal) -> Tensor:
    """For each image the `side` source positions, from 0 to side - 1, that its window shows."""
    reach = int(crop * side)
    offset_B = (shift_B * (2 * reach + 1)).long().clamp_(max=2 * reach) - reach
    position_BS = (torch.arange(side, device=shift_B.device) + offset_B[:, None]).abs()
    return (side - 1) - ((side - 1) - position_BS).abs()


def normalise(images_NCHW: Tensor) -> Tensor:
    """uint8 pixels as float32 with `MEAN` taken off and divided by `STD`; the memory format stays."""
    return images_NCHW.to(torch.float32).mul_(1 / (255 * STD)).sub_(MEAN / STD)
