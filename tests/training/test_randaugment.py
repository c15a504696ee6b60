"""Each operation against Pillow or its definition; a batch is its images one by one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps
from torch import Tensor

from scalesearch.training.mixup import Mix, mix_batch, sample_mix
from scalesearch.training.randaugment import OPERATIONS, AugmentOps, rand_augment, sample_ops

FULL = torch.ones(3)


def images(seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    smooth = torch.rand(3, 3, 5, 6, generator=generator) * 200 + 20
    return torch.nn.functional.interpolate(smooth, size=(20, 23), mode="bilinear").round()


def by_pillow(batch: Tensor, change: object) -> Tensor:
    found = []
    for one in batch:
        picture = Image.fromarray(one.permute(1, 2, 0).byte().numpy())
        found.append(torch.from_numpy(np.array(change(picture))).permute(2, 0, 1).float())  # type: ignore[operator]
    return torch.stack(found)


@pytest.mark.parametrize(
    ("name", "change", "tolerance"),
    [
        ("auto contrast", ImageOps.autocontrast, 1.01),
        ("solarize", lambda one: ImageOps.solarize(one, 128), 0),
        ("posterize", lambda one: ImageOps.posterize(one, 6), 0),
    ],
)
def test_levels_change_as_pillow_changes_them(name: str, change: object, tolerance: float) -> None:
    batch = images()
    if name == "auto contrast":  # Pillow takes all channels' limits one by one, as we do
        assert batch.amin() > 0
    assert (OPERATIONS[name](batch, FULL * 0.5) - by_pillow(batch, change)).abs().max() <= tolerance


def test_equalized_levels_are_spread_evenly() -> None:
    batch = images(1)
    equal = OPERATIONS["equalize"](batch, FULL)
    for channel in equal.flatten(2).flatten(0, 1):
        assert channel.min() == 0
        assert channel.max() == 255
        assert abs(float(channel.mean()) - 127.5) < 6
    many = batch.repeat(1, 1, 12, 12)  # Pillow counts in whole steps of a 255th of the pixels
    equal = OPERATIONS["equalize"](many, FULL)
    assert (equal - by_pillow(many, ImageOps.equalize)).abs().mean() < 2


def test_geometry_moves_as_far_as_it_says() -> None:
    batch = torch.full((2, 3, 21, 21), 128.0)
    batch[:, :, 10, 10] = 255
    both = torch.tensor([1.0, -1.0])
    rows = OPERATIONS["translate y"](batch, both)
    assert [int(one[0].max(1).values.argmax()) for one in rows] == [4, 16]  # .3 of 21 px up and down
    turned = torch.full((2, 3, 41, 41), 128.0)
    turned[:, :, 20, 38] = 255
    places = [divmod(int(one[0].argmax()), 41) for one in OPERATIONS["rotate"](turned, both * 3)]  # 90° each way
    assert sorted(places) == [(2, 20), (38, 20)]


@pytest.mark.parametrize(
    "name", ["colour", "contrast", "brightness", "sharpness", "shear x", "rotate", "posterize"]
)
def test_no_magnitude_is_no_change(name: str) -> None:
    assert torch.allclose(OPERATIONS[name](images(), FULL * 0), images(), atol=1e-3)


def test_colour_and_brightness_go_up_and_down() -> None:
    batch = images()
    measures: dict[str, Callable[[Tensor], Tensor]] = {
        "brightness": lambda one: one.mean((1, 2, 3)),
        "contrast": lambda one: one.mean(1).std((1, 2)),
        "colour": lambda one: one.std(1).mean((1, 2)),
    }
    for name, measure in measures.items():
        down, up = (measure(OPERATIONS[name](batch, FULL * sign * 0.3)) for sign in (-1, 1))
        assert (down < measure(batch)).all(), name
        assert (up > measure(batch)).all(), name


def test_a_batch_is_its_images_one_by_one_and_stays_in_range() -> None:
    batch = images().repeat(9, 1, 1, 1)
    choices = sample_ops(len(batch), torch.Generator().manual_seed(3))
    before = batch.clone()
    changed = rand_augment(batch, choices, 15)
    assert torch.equal(batch, before)
    assert changed.min() >= 0
    assert changed.max() <= 255
    for index in range(len(batch)):
        one = slice(index, index + 1)
        assert torch.allclose(rand_augment(batch[one], choices[one], 15), changed[one], atol=1e-3)
    kept = AugmentOps(torch.zeros_like(choices.operation_NL), choices.up_NL)
    assert torch.equal(rand_augment(batch, kept, 15), batch)


def test_a_mix_keeps_the_shares_that_its_labels_get() -> None:
    batch = torch.zeros(4, 3, 16, 16)
    batch[2:] = 1.0  # each is joined with one of the others
    rng, shares = np.random.default_rng(0), []
    for _ in range(200):
        mix = sample_mix(rng, 0.4, 1.0, 16)
        assert float(mix_batch(batch, mix)[0].mean()) == pytest.approx(1 - mix.share, abs=1e-6)
        shares.append((mix.box is None, mix.share))
    assert 60 < sum(is_mixup for is_mixup, _ in shares) < 140
    assert sample_mix(rng, 0, 0, 16) == Mix()
    assert mix_batch(batch, Mix()) is batch


@pytest.mark.parametrize("name", OPERATIONS)
def test_grey_images_and_alpha_channels(name: str) -> None:
    """An alpha channel moves with its image and has no colour; a grey image changes as three equal channels do."""
    number = list(OPERATIONS).index(name)
    choices = AugmentOps(torch.full((3, 2), number), torch.tensor([[True, False]] * 3))
    batch, alpha = images(), images(2)[:, :1]
    got = rand_augment(torch.cat((batch, alpha), 1), choices, 6)
    assert torch.equal(got[:, :3], rand_augment(batch, choices, 6))
    moves = name in ("rotate", "shear x", "shear y", "translate x", "translate y")
    assert torch.equal(got[:, 3:], alpha) == (not moves)
    grey = rand_augment(alpha, choices, 6)
    assert torch.allclose(
        grey.expand(-1, 3, -1, -1), rand_augment(alpha.expand(-1, 3, -1, -1), choices, 6), atol=1e-3
    )
