"""Feature maps for a decoder: the last of each stride, the network's own, at the sizes that the walk says."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path
from random import Random

import numpy as np
import pytest
import torch
from networks import random_architecture

from scalesearch.design.architecture import Architecture
from scalesearch.design.baselines import load_baseline
from scalesearch.design.cost import backbone_cost
from scalesearch.design.features import feature_levels
from scalesearch.design.images import square_side
from scalesearch.export.formats import _load_module
from scalesearch.export.torch_source import torch_source
from scalesearch.nets.convnet import ConvNet
from scalesearch.nets.multiply_adds import count_forward
from scalesearch.proxy.scenes import masked_scenes, render_scenes
from scalesearch.search.scenes import SceneRecipe

PAGE = Path(__file__).parents[2] / "docs" / "backbones.md"
EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "unet.py"


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("b0", 3_595_388),
        ("tiny", None),
        ("convnext_atto", None),
        ("mobilenet_v3_small", None),
        ("ghostnet", None),
    ],
)
def test_the_cost_of_a_backbone_is_that_of_its_module(name: str, params: int | None) -> None:
    """Without the head's convolution, whose 320 × 1280 weights and batch norm are B0's 412,160 parameters."""
    net = replace(load_baseline(name).architecture, resolution=96)
    backbone = ConvNet(net).features_only().eval()
    counter, _ = count_forward(backbone, torch.zeros(1, 3, 96, 96))
    found = backbone_cost(net)
    weights = sum(weights.numel() for weights in backbone.parameters())
    assert (found.macs, found.activations, found.params) == (counter.macs, counter.activations, weights)
    assert params in (None, found.params)


@pytest.mark.parametrize(
    ("name", "strides", "channels"),
    [
        # timm 1.0: create_model(…, features_only=True).feature_info.reduction() and .channels()
        ("b0", (2, 4, 8, 16, 32), (16, 24, 40, 112, 320)),
        ("efficientnet_v2_s", (2, 4, 8, 16, 32), (24, 48, 64, 160, 256)),
        ("mobilenet_v2", (2, 4, 8, 16, 32), (16, 24, 32, 96, 320)),
        ("resnet50", (2, 4, 8, 16, 32), (64, 256, 512, 1024, 2048)),
    ],
)
def test_levels_are_those_that_timm_gives(name: str, strides: tuple[int, ...], channels: tuple[int, ...]) -> None:
    levels = feature_levels(load_baseline(name).architecture)
    assert tuple(level.stride for level in levels) == strides
    assert tuple(level.channels for level in levels) == channels


def side(architecture: Architecture, stride: int, px: int) -> int:
    """Of the map of a stride for images of `px`, as the walk has it."""
    (name,) = (level.block for level in feature_levels(architecture) if level.stride == stride)
    (found,) = (block.out_px for block in replace(architecture, resolution=px).walk() if block.name == name)
    return square_side(found)


def test_maps_have_the_promised_sizes_and_are_the_networks_own() -> None:
    for seed in range(12):
        architecture = replace(random_architecture(Random(seed)), resolution=37)
        torch.manual_seed(seed)
        network = ConvNet(architecture).eval()
        backbone = network.features_only()
        images = torch.randn(2, architecture.in_channels, 37, 41)
        with torch.no_grad():
            maps, logits = backbone(images), network(images)
            last = maps[-1]
            for name, block in network.named_children():
                if name in ("head", "classifier"):
                    last = block(last)
        assert torch.equal(last, logits)
        assert len(maps) == len(set(backbone.strides))
        for features, stride, channels in zip(maps, backbone.strides, backbone.channels, strict=True):
            assert features.shape == (2, channels, side(architecture, stride, 37), side(architecture, stride, 41))


def test_a_backbone_shares_the_networks_tensors_under_their_names() -> None:
    network = ConvNet(load_baseline("tiny").architecture)
    ours, theirs = network.state_dict(), network.features_only().state_dict()
    assert {name.partition(".")[0] for name in ours.keys() - theirs.keys()} == {"head", "classifier"}
    assert all(tensor.data_ptr() == ours[name].data_ptr() for name, tensor in theirs.items())


@pytest.mark.parametrize("name", ["tiny", "resnet18"])
def test_the_exported_source_is_a_backbone_too(name: str) -> None:
    """Its maps are held to ours by every export; here its sizes, without our code."""
    baseline = load_baseline(name)
    backbone = _load_module(torch_source(baseline), "any").Network().eval().features_only()
    levels = feature_levels(baseline.architecture)
    assert backbone.strides == tuple(level.stride for level in levels)
    with torch.no_grad():
        maps = backbone(torch.zeros(2, 3, 33, 33))
    assert [one.shape[:3] for one in maps] == [(2, level.channels, -(-33 // level.stride)) for level in levels]


def test_masks_are_where_the_labelled_fractal_is() -> None:
    recipe = SceneRecipe(classes=3, train=5, val=4, distractors=1)
    images, masks = masked_scenes(recipe, 32, val=True)
    assert np.array_equal(images, render_scenes(recipe, 32)[1])
    assert masks.shape == (4, 32, 32)
    assert 0.05 < masks.mean() < 0.6
    alone = masked_scenes(replace(recipe, distractors=0, noise=0), 32, val=True)
    for image, mask in zip(*alone, strict=True):  # one fractal over a dark background
        assert image[mask].min() > image[~mask].min()
        assert image[mask].mean() > image[~mask].mean() + 30


def test_the_page_shows_the_strides_and_channels_of_b0() -> None:
    text = PAGE.read_text(encoding="utf-8")
    levels = feature_levels(load_baseline("b0").architecture)
    assert f"# {tuple(level.stride for level in levels)}" in text
    assert f"# {tuple(level.channels for level in levels)}" in text


@pytest.mark.slow
def test_a_unet_on_a_backbone_finds_fractals(capsys: pytest.CaptureFixture[str]) -> None:
    spec = importlib.util.spec_from_file_location("unet_example", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found = module.main()
    bright = float(capsys.readouterr().out.rsplit(" ", 1)[1])
    assert found > bright + 0.1
