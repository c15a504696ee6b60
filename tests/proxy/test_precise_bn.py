"""Precise batch-norm statistics against their definition, and that training does not feel them."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
import torch
from small_training import CPU, bright_channel_data, curve, tiny_net
from torch import nn

from scalesearch.errors import SpaceError
from scalesearch.proxy.augment import normalise
from scalesearch.proxy.precise_bn import precise_statistics
from scalesearch.proxy.training import Training, train, train_full
from scalesearch.search.task import Recipe
from scalesearch.search.trial import TrialSpec

RECIPE = Recipe(epochs=3, batch=16, learning_rate=Decimal("0.1"))


def test_statistics_are_the_mean_of_the_batches() -> None:
    """By hand: each batch's mean and unbiased variance over images and pixels, of the layer's own input."""
    torch.manual_seed(3)
    first, second = nn.BatchNorm2d(2), nn.BatchNorm2d(2)
    with torch.no_grad():
        first.weight.copy_(torch.tensor([2.0, 0.5]))
    model = nn.Sequential(first, nn.ReLU(), nn.Dropout(0.9), second)
    batches = [torch.randn(5, 2, 3, 7) * 4 + 1 for _ in range(3)]
    inputs = [
        torch.relu((one - mean(one)) / (biased(one) + 1e-5).sqrt() * first.weight.view(1, 2, 1, 1))
        for one in batches
    ]
    with precise_statistics(model, iter(batches)):
        assert not model.training
        for layer, seen in ((first, batches), (second, inputs)):
            means = torch.stack([one.mean((0, 2, 3)) for one in seen]).mean(0)
            variances = torch.stack([one.transpose(0, 1).flatten(1).var(1) for one in seen]).mean(0)
            assert layer.running_mean == pytest.approx(means.detach(), abs=1e-5)
            assert layer.running_var == pytest.approx(variances.detach(), rel=1e-5)
            assert layer.momentum == 0.1
            assert not layer.training


def mean(images: torch.Tensor) -> torch.Tensor:
    return images.mean((0, 2, 3), keepdim=True)


def biased(images: torch.Tensor) -> torch.Tensor:
    return images.var((0, 2, 3), correction=0, keepdim=True)


def test_afterwards_all_is_as_before_whatever_happened() -> None:
    model = tiny_net()
    before = {name: value.clone() for name, value in model.state_dict().items()}

    def fail() -> None:
        with precise_statistics(model, [torch.rand(4, 3, 8, 8)]):
            assert any(not torch.equal(before[name], value) for name, value in model.state_dict().items())
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


def test_a_network_without_statistics_is_left_alone() -> None:
    model = nn.Sequential(nn.GroupNorm(1, 3), nn.BatchNorm2d(3, track_running_stats=False))
    with precise_statistics(model, iter([torch.rand(4, 3, 8, 8)])):
        assert not model.training


def test_validation_uses_them_and_training_does_not() -> None:
    """Of the epoch's first images: as many whole batches as are asked for, all where there are fewer."""
    plain = list(train(tiny_net(), bright_channel_data(), RECIPE, 0, CPU))
    for images, batches in ((40, 2), (5, 1), (1000, 6)):
        model = tiny_net()
        run = Training(model, bright_channel_data(), replace(RECIPE, precise_bn_images=images), 0, CPU)
        exact = list(train_full(run))
        assert [one.train_loss for one in exact] == [one.train_loss for one in plain]
        assert [one.val_loss for one in exact] != [one.val_loss for one in plain]
        size = min(images, 16)
        order = [run._order_N[size * i : size * (i + 1)] for i in range(batches)]
        with precise_statistics(model, [normalise(run.data.train_images_NCHW[part]) for part in order]):
            loss = nn.functional.cross_entropy(model(normalise(run.data.val_images_NCHW)), run.data.val_labels_N)
        assert exact[-1].val_loss == pytest.approx(loss.item(), rel=1e-5)


def test_adamw_learns_and_is_another_training() -> None:
    recipe = replace(RECIPE, optimizer="adamw", learning_rate=Decimal("0.01"), epochs=8)
    found = list(train(tiny_net(), bright_channel_data(), recipe, 0, CPU))
    assert found[-1].val_accuracy > 0.6
    assert curve(found) != curve(
        list(train(tiny_net(), bright_channel_data(), replace(recipe, optimizer="sgd"), 0, CPU))
    )


def test_new_keys_are_checked_and_leave_old_ids_alone() -> None:
    from planted import trials

    (trial,) = trials(1)
    new: TrialSpec = replace(trial, recipe=replace(trial.recipe, precise_bn_images=512))
    assert (
        replace(trial, recipe=replace(trial.recipe, precise_bn_images=0, optimizer="sgd")).id == trial.id != new.id
    )
    for count in (-1, 65_537):
        with pytest.raises(SpaceError, match=f"precise_bn_images is {count}"):
            replace(RECIPE, precise_bn_images=count)
