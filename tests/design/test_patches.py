"""Patches: strides that take whole squares without padding, and images that are too small for them."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal
from random import Random

import numpy as np
import pytest
from networks import random_architecture, staged

from scalesearch.design.architecture import Architecture, Head, Stage, Stem
from scalesearch.design.baseline_file import baseline_text, parse_baseline
from scalesearch.design.coefficients import Coefficients
from scalesearch.design.cost import cost
from scalesearch.design.images import square_side
from scalesearch.design.matching import match_resolutions, nearest_sides
from scalesearch.design.phi_members import phi_members
from scalesearch.design.rounding import Rounding
from scalesearch.design.scaling import Baseline
from scalesearch.errors import InputError, SpaceError

STEM = Stem(4, 4, 8, kind="patch")
NET = Architecture(50, STEM, (Stage("basic", 3, 2, 1, 12, 2),), Head(None, 5, norm="layer_norm"))


def test_a_patch_is_whole_or_left_out() -> None:
    for px in range(4, 40):
        (stem, *_) = replace(NET, resolution=px).walk()
        assert stem.out_px == len(range(0, px - 4 + 1, 4)) == (px - 4) // 4 + 1


def test_an_image_without_a_patch_is_refused() -> None:
    assert NET.smallest_resolution == 4
    with pytest.raises(SpaceError, match="resolution is 3, but it must be at least 4"):
        replace(NET, resolution=3)


def test_the_smallest_side_is_the_smallest_that_has_places() -> None:
    random = Random(1)
    for _ in range(40):
        network = random_architecture(random)
        least = network.smallest_resolution
        assert all(square_side(block.out_px) >= 1 for block in replace(network, resolution=least).walk())
        if least > 1:
            with pytest.raises(SpaceError):
                replace(network, resolution=least - 1)


def test_what_a_stem_and_a_head_may_be() -> None:
    for make, reason in (
        (lambda: Stem(3, 4, 8, kind="patch"), "stem: kernel is 3, but a patch's is its stride, 4"),
        (lambda: Stem(4, 4, 8), "stem: kernel is 4, but it must be odd"),
        (lambda: Stem(3, 2, 8, kind="basic"), "stem: kind is 'basic', but it must be one of conv, repvgg"),
        (lambda: Head(None, 5, norm="batch_norm"), "head: norm is 'batch_norm', but it must be layer_norm or left"),
    ):
        with pytest.raises(SpaceError, match=re.escape(reason)):
            make()


def test_files_say_it_in_one_line() -> None:
    text = baseline_text(Baseline("any", "x", NET, Rounding("paper")))
    assert "stem: {kind: patch, kernel: 4, stride: 4, width: 8}\n" in text
    assert "head: {norm: layer_norm, classes: 5}\n" in text
    assert parse_baseline(text, "f").architecture == NET
    assert "batch_norm_eps" in text
    assert "layer_norm_eps" not in text
    other = replace(NET, layer_norm_eps=Decimal("0.00001"))
    assert "\nlayer_norm_eps: 0.00001\n" in baseline_text(Baseline("any", "x", other, Rounding("paper")))
    with pytest.raises(SpaceError, match="layer_norm_eps is 1, but it is in 0 … 1"):
        replace(NET, layer_norm_eps=Decimal(1))
    for old, new, line in (
        ("kernel: 4", "kernel: 3", "f:9: stem.kernel: kernel is 3, but a patch's is its stride, 4"),
        ("resolution: 50", "resolution: 3", "f:3: resolution: resolution is 3, but it must be at least 4"),
    ):
        with pytest.raises(InputError, match=re.escape(line)):
            parse_baseline(text.replace(old, new), "f")


def test_the_matched_side_is_the_best_of_all_sides() -> None:
    """By trying every side; of sides with one output that nearest to the baseline's is taken."""
    shape, own = (NET.widths, NET.depths), cost(NET).macs
    macs = {px: cost(replace(NET, resolution=px)).macs for px in range(4, 200)}
    for ratio in (Decimal("1.3"), Decimal(2), Decimal("3.7")):
        (found,) = match_resolutions(NET, [shape], ratio)
        best = min(abs(macs[px] - float(ratio) * own) for px in range(50, 200))
        assert found.resolution == min(px for px in range(50, 200) if abs(macs[px] - float(ratio) * own) == best)
    widths, depths = (np.array([sizes]) for sizes in shape)
    for small in (0.01, 0.3, 0.6):
        (side,) = nearest_sides(NET, widths, depths, np.array([small]), np.array([True]))
        best = min(abs(macs[px] - small * own) for px in range(4, 51))
        assert side == max(px for px in range(4, 51) if abs(macs[px] - small * own) == best)


def test_a_family_grows_and_shrinks() -> None:
    coefficients = Coefficients(Decimal("1.2"), Decimal("1.1"), Decimal("1.15"))
    baseline = Baseline("any", "x", NET, Rounding("balanced", 4))
    members = [staged(one.network(NET)) for one in phi_members(baseline, coefficients, "balanced")]
    assert min(one.side for one in members) >= 4
    assert max(one.side for one in members) > 100
