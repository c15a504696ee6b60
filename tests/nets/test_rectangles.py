"""Networks of images whose height and width differ: counts against fvcore, torch's counter and real tensors."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
import torch
from fvcore.nn import FlopCountAnalysis
from live_tensors import measured, saved_elements
from networks import random_architecture

from scalesearch.design.architecture import Architecture
from scalesearch.design.baselines import baseline_names, load_baseline
from scalesearch.design.block_kinds import STAGE_KINDS
from scalesearch.design.cost import backbone_cost, cost
from scalesearch.design.cost_breakdown import check, counter_totals, layer_costs
from scalesearch.design.images import Rectangle, area, sides_of
from scalesearch.design.memory import peak_activations
from scalesearch.nets import depthwise
from scalesearch.nets.convnet import ConvNet
from scalesearch.nets.flops import fvcore_breakdown, torch_flops


def rectangular(network: Architecture, random: Random) -> Architecture:
    """The network at a random rectangle, of its own padding or TensorFlow's."""
    least = network.smallest_resolution
    height, width = random.sample(range(least, 2 * least + 30), 2)
    return replace(
        network, resolution=Rectangle(height, width), padding=random.choice(("symmetric", "symmetric", "same"))
    )


def counted_alike(network: Architecture) -> None:
    """Both counters agree with the closed form, operator by operator."""
    counted = fvcore_breakdown(network)
    check(counter_totals(layer_costs(network)), counted.by_operator, counted.total, torch_flops(network))
    assert counted.macs == cost(network).macs


@pytest.mark.parametrize("kind", STAGE_KINDS)
def test_closed_form_fvcore_and_torch_agree(kind: str) -> None:
    for seed in range(4):
        network = rectangular(random_architecture(Random(seed), kind=kind), Random(f"{kind} {seed}"))
        counted_alike(network)
        height, width = sides_of(network.resolution)
        assert cost(replace(network, resolution=Rectangle(width, height))) == cost(network)


@pytest.mark.slow
def test_closed_form_fvcore_and_torch_agree_on_three_hundred_networks() -> None:
    for seed in range(300):
        counted_alike(rectangular(random_architecture(Random(seed)), Random(seed)))


@pytest.mark.slow
@pytest.mark.parametrize("name", baseline_names())
def test_every_shipped_baseline_is_counted_alike(name: str) -> None:
    counted_alike(replace(load_baseline(name).architecture, resolution=Rectangle(67, 97)))


def test_maps_have_the_sizes_of_the_walk() -> None:
    for seed in range(30):
        network = rectangular(random_architecture(Random(seed)), Random(seed))
        features_NCHW = torch.zeros(2, *network.image_shape)
        for block, module in zip(network.walk(), ConvNet(network).eval(), strict=True):
            with torch.no_grad():
                features_NCHW = module(features_NCHW)
            if block.kind != "classifier":
                assert features_NCHW.shape[2:] == sides_of(block.out_px)
        assert features_NCHW.shape == (2, network.classes)


FEW = ("b0", "mobilenet_v3_small", "resnet18", "regnety_400mf", "convnext_atto", "ghostnet", "repvgg_a0")


@pytest.mark.parametrize(
    "name", [pytest.param(one, marks=[] if one in FEW else [pytest.mark.slow]) for one in baseline_names()]
)
def test_every_shipped_baseline_keeps_what_is_said(name: str) -> None:
    network = replace(load_baseline(name).architecture, resolution=Rectangle(65, 99))
    assert measured(network, 1) == peak_activations(network)


@pytest.mark.parametrize(
    ("name", "macs"), [("b0", 1_782_686_720), ("resnet50", 20_018_626_560), ("convnext_tiny", 21_819_248_640)]
)
def test_the_backbone_of_a_detector(name: str, macs: int) -> None:
    """At 640 x 384 px, as fvcore counts the network without head and classifier."""
    network = replace(load_baseline(name).architecture, resolution=Rectangle(640, 384))
    backbone = ConvNet(network).features_only().eval()
    with torch.no_grad():
        analysis = FlopCountAnalysis(backbone, torch.zeros(1, *network.image_shape))
        analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False)
        by_operator = analysis.by_operator()
    assert backbone_cost(network).macs == by_operator["conv"] + by_operator.get("linear", 0) == macs


def test_training_stores_what_autograd_keeps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Within 5 %, where every convolution is torch's own."""
    monkeypatch.setattr(depthwise, "_trains_on_cpu", lambda *_: False)
    for name in ("b0", "resnet18", "convnext_atto"):
        network = replace(load_baseline(name).architecture, resolution=Rectangle(65, 99))
        saved = saved_elements(ConvNet(network).train(), torch.zeros(3, *network.image_shape))
        assert 3 * cost(network).stored == pytest.approx(saved, rel=0.05)


def test_a_square_costs_between_the_rectangles_around_it() -> None:
    """A golden count, and that neither side is taken for the other."""
    network = load_baseline("b0").architecture
    wide = replace(network, resolution=Rectangle(192, 320))
    assert cost(wide).macs == 471_998_080
    assert area(Rectangle(192, 320)) == 192 * 320
    assert (
        cost(replace(network, resolution=192)).macs < cost(wide).macs < cost(replace(network, resolution=320)).macs
    )
