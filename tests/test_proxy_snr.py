"""The screening benchmark's own levers."""

from __future__ import annotations

import torch
from proxy_snr import whitening_filters
from torch import nn
from torch.nn import functional as F


def test_a_whitening_stem_gives_uncorrelated_responses_of_variance_one() -> None:
    draw = torch.Generator().manual_seed(5)
    noise = torch.randn(40, 3, 21, 21, generator=draw)
    images = F.avg_pool2d(noise, 3, 1, 1) + 0.2 * torch.randn(40, 3, 21, 21, generator=draw)
    stem = nn.Conv2d(3, 13, 3, stride=2, bias=False)
    filters = whitening_filters(images, stem)
    assert filters.shape == (13, 3, 3, 3)
    assert torch.equal(filters[7:], -filters[:6])
    centred = images - images.mean((0, 2, 3), keepdim=True)
    responses_ND = F.conv2d(centred, filters[:7], stride=2).permute(0, 2, 3, 1).reshape(-1, 7)
    covariance = torch.cov(responses_ND.T)
    assert torch.allclose(covariance, torch.eye(7), atol=0.03)


def test_a_wide_stem_keeps_the_weights_that_no_direction_is_left_for() -> None:
    images = torch.rand(20, 1, 9, 9, generator=torch.Generator().manual_seed(1))
    stem = nn.Conv2d(1, 25, 3, stride=2, bias=False)
    filters = whitening_filters(images, stem)
    assert torch.equal(filters[18:], stem.weight[18:])
    assert not torch.equal(filters[:18], stem.weight[:18])
