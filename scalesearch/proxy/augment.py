"""Crop and flip whole batches of images at random, on the device that holds them.

Random numbers are relative to the side of the image and depend on the generator alone. Networks that are trained
from one seed therefore see the same batches, and networks of two resolutions see the same crops.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import torch
from torch import Tensor

MEAN = 0.5
STD = 0.25
"""Pixels in [0, 1] are centred and scaled by these constants, in every channel of every data set. The stem's batch
norm removes the remaining offset and scale, so statistics of the data set would only make results depend on its
split."""


@dataclass(frozen=True, slots=True)
class CropFlip:
    """Holds the random crop and flip of each of N images; sampled once an epoch and sliced into batches."""

    flip_N: Tensor
    """bool: whether the image is mirrored left to right."""
    shift_N2: Tensor
    """float32 in [0, 1): the shift down and the shift to the right, as positions within their range."""

    def __getitem__(self, part: slice) -> CropFlip:
        """Return the crops and flips of some of the images."""
        return CropFlip(self.flip_N[part], self.shift_N2[part])

    def to(self, device: torch.device) -> CropFlip:
        """Return the same crops and flips on another device."""
        return CropFlip(self.flip_N.to(device), self.shift_N2.to(device))


def sample_crop_flip(count: int, generator: torch.Generator) -> CropFlip:
    """Sample crops and flips of `count` images, on the generator's device.

    Each image is flipped with probability 1/2; shifts are uniform.
    """
    device = generator.device
    coin_N = torch.rand(count, generator=generator, device=device)
    return CropFlip(coin_N < 0.5, torch.rand(count, 2, generator=generator, device=device))


def crop_flip(images_NCHW: Tensor, index_B: Tensor, crop_flips: CropFlip, crop: Decimal) -> Tensor:
    """Return the images `index_B`, each shifted by at most `crop` of its side and then perhaps flipped.

    This equals a reflection padding that does not repeat the edge, a crop to the old size and a flip, but it is one
    gather. `crop_flips` has one entry for each of `index_B`; all tensors are on one device. The dtype is kept; the
    result is in channels_last.
    """
    height, width = images_NCHW.shape[2:]
    rows_BH = _source_positions(height, crop_flips.shift_N2[:, 0], crop)
    columns_BW = _source_positions(width, crop_flips.shift_N2[:, 1], crop)
    columns_BW = torch.where(crop_flips.flip_N[:, None], columns_BW.flip(1), columns_BW)
    images_NHWC = images_NCHW.permute(0, 2, 3, 1)
    cropped_BHWC = images_NHWC[index_B[:, None, None], rows_BH[:, :, None], columns_BW[:, None, :]]
    return cropped_BHWC.permute(0, 3, 1, 2)


def _source_positions(side: int, shift_B: Tensor, crop: Decimal) -> Tensor:
    """Return for each image of the batch the `side` source positions, from 0 to side - 1, that its crop shows."""
    max_shift = int(crop * side)
    offset_B = (shift_B * (2 * max_shift + 1)).long().clamp_(max=2 * max_shift) - max_shift
    position_BS = (torch.arange(side, device=shift_B.device) + offset_B[:, None]).abs()
    return (side - 1) - ((side - 1) - position_BS).abs()


def normalise(images_NCHW: Tensor) -> Tensor:
    """Convert uint8 pixels to float32, subtract `MEAN` and divide by `STD`; the memory format is kept."""
    return images_NCHW.to(torch.float32).mul_(1 / (255 * STD)).sub_(MEAN / STD)
