"""The vectorised augmentation does to every image what a loop over images, rows and columns would."""

from __future__ import annotations

from decimal import Decimal

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from scalesearch.proxy.augment import MEAN, STD, CropFlip, crop_flip, normalise, sample_crop_flip

CROP = Decimal("0.25")


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def random_images(count: int, channels: int, height: int, width: int) -> Tensor:
    return torch.randint(0, 256, (count, channels, height, width), dtype=torch.uint8, generator=generator(9))


def oracle(images_NCHW: Tensor, index: list[int], moves: CropFlip, crop: Decimal) -> Tensor:
    """Pad by reflection, cut the window, flip it: one image at a time."""
    _, _, height, width = images_NCHW.shape
    reach_y, reach_x = int(crop * height), int(crop * width)
    out = []
    for place, source in enumerate(index):
        padded = F.pad(images_NCHW[source].float(), (reach_x, reach_x, reach_y, reach_y), mode="reflect")
        top = int(moves.shift_N2[place, 0].item() * (2 * reach_y + 1))
        left = int(moves.shift_N2[place, 1].item() * (2 * reach_x + 1))
        window = padded[:, top : top + height, left : left + width]
        out.append(window.flip(2) if moves.flip_N[place] else window)
    return torch.stack(out).to(images_NCHW.dtype)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
@pytest.mark.parametrize("channels", [1, 3])
def test_take_equals_the_loop_over_images(channels: int, dtype: torch.dtype) -> None:
    images = random_images(7, channels, 9, 13).to(dtype)
    index = [5, 0, 0, 6, 3, 2, 1, 4, 5, 5, 1]
    moves = sample_crop_flip(len(index), generator())
    taken = crop_flip(images, torch.tensor(index), moves, CROP)
    assert torch.equal(taken, oracle(images, index, moves, CROP))
    assert taken.dtype == dtype
    assert moves.flip_N.any()
    assert not moves.flip_N.all()


def test_take_keeps_channels_last() -> None:
    images = random_images(5, 3, 8, 6).contiguous(memory_format=torch.channels_last)
    taken = crop_flip(images, torch.arange(5), sample_crop_flip(5, generator()), CROP)
    assert taken.is_contiguous(memory_format=torch.channels_last)
    assert normalise(taken).is_contiguous(memory_format=torch.channels_last)


def test_no_crop_and_no_flip_is_the_identity() -> None:
    images = random_images(4, 3, 5, 7)
    moves = CropFlip(torch.zeros(4, dtype=torch.bool), torch.rand(4, 2))
    assert torch.equal(crop_flip(images, torch.arange(4), moves, Decimal(0)), images)


def test_a_flip_mirrors_left_and_right() -> None:
    images = random_images(2, 3, 5, 7)
    moves = CropFlip(torch.ones(2, dtype=torch.bool), torch.rand(2, 2))
    assert torch.equal(crop_flip(images, torch.arange(2), moves, Decimal(0)), images.flip(3))


def test_the_ends_of_the_range_stay_inside() -> None:
    images = random_images(2, 3, 5, 7)
    moves = CropFlip(torch.zeros(2, dtype=torch.bool), torch.tensor([[0.0, 0.0], [1.0, 1.0]]))
    taken = crop_flip(images, torch.tensor([0, 0]), moves, Decimal("0.99"))
    # The farthest shifts of a side of 5 and 7 are 4 and 6: all that is seen is the mirror image.
    assert torch.equal(taken[0], images[0].flip(1, 2))
    assert torch.equal(taken[1], images[0].flip(1, 2))


def test_moves_depend_on_the_generator_alone_and_scale_with_the_side() -> None:
    moves = sample_crop_flip(400, generator(1))
    again, other = sample_crop_flip(400, generator(1)), sample_crop_flip(400, generator(2))
    assert torch.equal(moves.flip_N, again.flip_N)
    assert torch.equal(moves.shift_N2, again.shift_N2)
    assert not torch.equal(moves.shift_N2, other.shift_N2)
    assert 150 < int(moves.flip_N.sum()) < 250
    # A ramp tells where its window lies: on twice the side the same moves shift it about twice as far.
    starts = []
    for side in (32, 64):
        ramp = torch.arange(side, dtype=torch.uint8).expand(1, 1, side, side)
        unflipped = CropFlip(torch.zeros_like(moves.flip_N), moves.shift_N2)
        windows = crop_flip(ramp, torch.zeros(400, dtype=torch.int64), unflipped, CROP)
        starts.append(windows[:, 0, 0, side // 2].double() - side // 2)
    assert set(starts[0].int().tolist()) == set(range(-8, 9))
    assert (starts[1] - 2 * starts[0]).abs().max() <= 1


def test_a_part_of_the_moves() -> None:
    moves = sample_crop_flip(10, generator())
    assert torch.equal(moves[3:5].shift_N2, moves.shift_N2[3:5])
    assert torch.equal(moves[3:5].flip_N, moves.flip_N[3:5])


def test_normalise() -> None:
    images = random_images(2, 3, 4, 5)
    expected = (images.double() / 255 - MEAN) / STD
    normalised = normalise(images)
    assert normalised.dtype == torch.float32
    torch.testing.assert_close(normalised.double(), expected, rtol=1e-6, atol=1e-6)
    assert images.dtype == torch.uint8
