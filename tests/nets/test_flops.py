"""The second witness: fvcore counts what is built, and agrees with the closed form to the last multiply-add."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from random import Random

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import SMALL, random_architecture
from torch.utils.flop_counter import FlopCounterMode

from scalesearch.design.architecture import Architecture, Head
from scalesearch.design.baselines import baseline_names, load_baseline
from scalesearch.design.block_kinds import KINDS, STAGE_KINDS
from scalesearch.design.cost import cost
from scalesearch.design.images import square_side
from scalesearch.errors import CountError
from scalesearch.nets import flops
from scalesearch.nets.convnet import ConvNet
from scalesearch.nets.flops import fvcore_breakdown, torch_flops


def random_networks(count: int) -> Iterator[Architecture]:
    for seed in range(count):
        yield random_architecture(Random(seed))


def test_b0_golden() -> None:
    """Where our B0 differs from torchvision's 401,659,392: it pools by a mean, which fvcore does not count.

    torchvision's adaptive_avg_pool2d (2,369,248, in squeeze-and-excitation and in the head) is the whole
    difference; convolutions, linear layer and batch norm are the same to the last operation.
    """
    receipt = fvcore_breakdown(load_baseline("b0").architecture)
    assert receipt.by_operator == {"batch_norm": 13_475_392, "conv": 384_534_752, "linear": 1_280_000}
    assert receipt.macs == 385_814_752
    assert receipt.total == 399_290_144 == 401_659_392 - 2_369_248
    assert {"aten::mean", "aten::sigmoid"} <= set(receipt.uncounted)


CONVNEXTS = {
    "convnext_atto": (3_695_520, 547_332_480),
    "convnext_tiny": (28_589_128, 4_455_531_264),
    "convnextv2_atto": (3_708_400, 547_332_480),
    "convnext_base": (88_591_464, 15_354_729_472),
}


@pytest.mark.parametrize("name", CONVNEXTS)
def test_convnext_golden(name: str) -> None:
    """Parameters and multiply-adds at 224 px of timm's networks, and torchvision's where it has them."""
    params, macs = CONVNEXTS[name]
    network = load_baseline(name).architecture
    assert (cost(network).params, cost(network).macs) == (params, macs)
    receipt = fvcore_breakdown(network)
    assert receipt.macs == macs
    assert set(receipt.by_operator) == {"conv", "linear", "layer_norm"}
    assert torch_flops(network) == 2 * macs


@pytest.mark.parametrize(
    ("name", "params", "macs"),
    [("mobilenet_v3_large", 5_483_032, 216_589_760), ("mobilenet_v3_small", 2_542_856, 56_510_400)],
)
def test_mobilenet_v3_golden(name: str, params: int, macs: int) -> None:
    """torchvision prints 5,483,032 and 2,542,856 parameters, .217 and .057 GFLOPs at 224 px."""
    network = load_baseline(name).architecture
    assert (cost(network).params, cost(network).macs) == (params, macs)
    receipt = fvcore_breakdown(network)
    assert receipt.macs == macs
    assert {"aten::hardsigmoid", "aten::hardswish"} <= set(receipt.uncounted)
    assert torch_flops(network) == 2 * macs


MOBILENET_V4 = {
    "mobilenet_v4_conv_medium": (9_715_512, 1_080_244_224),
    "mobilenet_v4_conv_small": (3_774_024, 186_005_568),
}


@pytest.mark.parametrize("name", MOBILENET_V4)
def test_mobilenet_v4_golden(name: str) -> None:
    """timm's parameters and multiply-adds at the resolution of the file."""
    params, macs = MOBILENET_V4[name]
    network = load_baseline(name).architecture
    assert (cost(network).params, cost(network).macs) == (params, macs)
    receipt = fvcore_breakdown(network)
    assert receipt.macs == macs
    assert receipt.by_operator["linear"] == 1280 * 1000
    assert torch_flops(network) == 2 * macs


def test_repvgg_golden() -> None:
    """timm's parameters and multiply-adds at 224 px, as it is trained and as `reparameterize_model` leaves it.

    Table 4 of Ding et al. 2021 prints 8.30 M parameters and 1.4 B multiplications of the deployed one.
    """
    network = load_baseline("repvgg_a0").architecture
    for form, params, macs in ((network, 9_108_968, 1_512_581_120), (network.deployed, 8_309_384, 1_361_451_008)):
        assert (cost(form).params, cost(form).macs) == (params, macs)
        receipt = fvcore_breakdown(form)
        assert receipt.macs == macs
        assert receipt.by_operator.keys() == {"conv", "linear"} | ({"batch_norm"} if form == network else set())
        assert torch_flops(form) == 2 * macs


@pytest.mark.parametrize("kind", ["repvgg", "repvgg_deploy"])
def test_closed_form_fvcore_and_torch_agree_on_repvgg(kind: str) -> None:
    """With and without an identity branch, at odd sides, and with the stem of that kind."""
    forms = set()
    for seed in range(20):
        network = random_architecture(Random(4000 + seed), kind=kind)
        if network.stem.kind == "conv" and seed % 2:
            network = replace(network, stem=replace(network.stem, kind=kind))
        forms |= {(block.kind, block.keeps_shape) for block in network.walk()}
        receipt = fvcore_breakdown(network)
        assert receipt.macs == cost(network).macs
        assert torch_counters_flops(network) == 2 * cost(network).macs
        assert sum(one.numel() for one in ConvNet(network).parameters()) == cost(network).params
    assert {(kind, True), (kind, False)} <= forms


def test_ghostnet_golden() -> None:
    """timm's parameters and multiply-adds at 224 px; Table 7 of Han et al. 2020 prints 5.2 M and 141 M."""
    network = load_baseline("ghostnet").architecture
    assert (cost(network).params, cost(network).macs) == (5_182_508, 141_150_512)
    receipt = fvcore_breakdown(network)
    assert receipt.macs == 141_150_512
    assert receipt.by_operator.keys() == {"conv", "linear", "batch_norm"}
    assert torch_flops(network) == 2 * 141_150_512


def test_closed_form_fvcore_and_torch_agree_on_ghost_bottlenecks() -> None:
    """At a stride and without, with a gate and without, with odd widths inside and outside."""
    forms, odd = set(), 0
    for seed in range(20):
        network = random_architecture(Random(6000 + seed), kind="ghost")
        for block in network.walk():
            if block.kind == "ghost":
                forms.add((block.stride > 1, block.keeps_shape, bool(block.se)))
                odd += block.inner_width % 2 + block.out_width % 2
        assert fvcore_breakdown(network).macs == cost(network).macs
        assert torch_counters_flops(network) == 2 * cost(network).macs
        assert sum(one.numel() for one in ConvNet(network).parameters()) == cost(network).params
    assert len(forms) == 6
    assert odd > 20


def test_closed_form_fvcore_and_torch_agree_on_every_form_of_a_bottleneck() -> None:
    """With and without each depthwise convolution, at a stride and without, with a gate and without."""
    forms, gates = set(), set()
    for seed in range(40):
        network = random_architecture(Random(3000 + seed), kind="uib")
        forms |= {(one.start_kernel > 1, one.kernel > 1, one.stride > 1) for one in network.stages}
        gates |= {(one.kernel > 1, bool(one.se), one.gate) for one in network.stages}
        assert fvcore_breakdown(network).macs == cost(network).macs
        assert torch_counters_flops(network) == 2 * cost(network).macs
        assert sum(one.numel() for one in ConvNet(network).parameters()) == cost(network).params
    assert len(forms) == 8
    assert len(gates) == 6


GOLDEN = {
    "resnext50": (25_028_904, 4_230_479_872),
    "regnetx_400mf": (5_495_976, 413_812_608),
    "regnety_400mf": (4_344_144, 401_842_848),
    "regnety_1.6gf": (11_202_430, 1_612_076_160),
    "regnety_8gf": (39_381_472, 8_473_070_592),
}


@pytest.mark.parametrize("name", GOLDEN)
def test_grouped_networks_golden(name: str) -> None:
    """Parameters and multiply-adds at 224 px of torchvision's networks; its tables print the same, rounded."""
    params, macs = GOLDEN[name]
    network = load_baseline(name).architecture
    assert (cost(network).params, cost(network).macs) == (params, macs)
    assert fvcore_breakdown(network).macs == macs
    assert torch_flops(network) == 2 * macs


@pytest.mark.parametrize("name", baseline_names())
def test_every_shipped_baseline_is_counted_alike(name: str) -> None:
    network = replace(load_baseline(name).architecture, resolution=65)
    assert fvcore_breakdown(network).macs == cost(network).macs


@pytest.mark.slow
@pytest.mark.parametrize("name", baseline_names())
def test_every_shipped_baseline_is_counted_alike_at_its_own_size(name: str) -> None:
    network = load_baseline(name).architecture
    assert fvcore_breakdown(network).macs == cost(network).macs


def torch_counters_flops(architecture: Architecture) -> int:
    """What torch's own counter makes of the network: two operations a multiply-add."""
    image = torch.zeros(1, *architecture.image_shape)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        ConvNet(architecture).eval()(image)
    return int(counter.get_total_flops())


@pytest.mark.parametrize("kind", STAGE_KINDS)
def test_closed_form_fvcore_and_torch_agree_on_every_kind(kind: str) -> None:
    for seed in range(20):
        network = random_architecture(Random(seed), kind=kind)
        assert {stage.kind for stage in network.stages} == {kind}
        assert fvcore_breakdown(network).macs == cost(network).macs
        assert torch_counters_flops(network) == 2 * cost(network).macs


def test_closed_form_fvcore_and_torch_agree_on_what_mobilenet_v3_has() -> None:
    """Fractional expansions, its gate, activations by stage, a hidden layer: each in some of the networks.

    So is MobileNetV4's hidden layer with batch norm.
    """
    fractions = activations = hidden = normalised = unbiased = 0
    gates: Counter[str | None] = Counter()
    for seed in range(90):
        network = random_architecture(Random(2000 + seed), kind="mbconv")
        fractions += any(not isinstance(stage.expansion, int) for stage in network.stages)
        gates.update(stage.gate for stage in network.stages)
        activations += any(stage.activation is not None for stage in network.stages)
        hidden += network.head.hidden is not None
        normalised += network.head.hidden_norm is not None
        unbiased += not network.head.hidden_bias
        assert fvcore_breakdown(network).macs == cost(network).macs
        assert torch_counters_flops(network) == 2 * cost(network).macs
    assert min(fractions, activations, hidden, normalised, unbiased) > 3
    assert min(gates[name] for name in KINDS["mbconv"].gates) > 3


def test_closed_form_fvcore_and_torch_agree_on_convolutions_in_parts() -> None:
    """In one part and several, also where the first part takes channels that are left over."""
    forms, uneven = set(), 0
    for seed in range(20):
        network = random_architecture(Random(7000 + seed), kind="mixconv")
        forms |= {(one.kernel_count, one.expand_groups > 1, one.project_groups > 1) for one in network.stages}
        layers = [layer for block in network.walk() for layer in block.layers if layer.parts > 1]
        uneven += sum(layer.out_width % layer.parts > 0 for layer in layers)
        assert fvcore_breakdown(network).macs == cost(network).macs
        assert torch_counters_flops(network) == 2 * cost(network).macs
        assert sum(one.numel() for one in ConvNet(network).parameters()) == cost(network).params
    assert len(forms) > 8
    assert uneven > 10


@pytest.mark.parametrize("kind", ["bottleneck", "edge_residual"])
def test_closed_form_fvcore_and_torch_agree_on_groups(kind: str) -> None:
    groups = set()
    for seed in range(20):
        network = random_architecture(Random(2000 + seed), kind=kind)
        groups |= {(stage.groups, bool(stage.se)) for stage in network.stages}
        assert fvcore_breakdown(network).macs == cost(network).macs
        assert torch_counters_flops(network) == 2 * cost(network).macs
    assert len(groups) > 15


def test_closed_form_fvcore_and_torch_agree_on_patches_at_odd_sizes() -> None:
    """Where a side is no multiple of the patches, the rest is left out."""
    cut = 0
    for seed in range(20):
        drawn = random_architecture(Random(1000 + seed), kind="convnext")
        network = replace(drawn, resolution=drawn.smallest_resolution + 2 * seed + 1)
        cut += any(square_side(block.in_px) % block.stride for block in network.walk())
        assert fvcore_breakdown(network).macs == cost(network).macs
        assert torch_counters_flops(network) == 2 * cost(network).macs
    assert cut > 10


@pytest.mark.slow
@pytest.mark.parametrize("kind", STAGE_KINDS)
def test_closed_form_fvcore_and_torch_agree_on_three_hundred_networks(kind: str) -> None:
    """Hypothesis draws them, so that one that fails is shown at its smallest."""

    @settings(max_examples=300, deadline=None, derandomize=True)
    @given(st.integers(0, 2**32))
    def agree(seed: int) -> None:
        network = random_architecture(Random(seed), kind=kind)
        assert fvcore_breakdown(network).macs == cost(network).macs
        assert torch_counters_flops(network) == 2 * cost(network).macs

    agree()


def test_fvcore_agrees_on_random_networks() -> None:
    kinds, heads = set(), set()
    for network in random_networks(40):
        assert fvcore_breakdown(network).macs == cost(network).macs
        kinds |= {(stage.kind, stage.kernel, stage.stride, bool(stage.se)) for stage in network.stages}
        heads.add(network.head.width is None)
    assert len(kinds) > 20
    assert heads == {True, False}


@pytest.mark.slow
def test_fvcore_agrees_on_two_hundred_random_networks() -> None:
    for network in random_networks(200):
        assert fvcore_breakdown(network).macs == cost(network).macs


def test_a_head_without_a_convolution_is_counted_too() -> None:
    network = replace(SMALL.architecture, head=Head(None, 7), resolution=37)
    assert fvcore_breakdown(network).by_operator["linear"] == 48 * 7


def test_a_count_that_disagrees_stops_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    network = replace(SMALL.architecture, resolution=17)

    def wrong(architecture: Architecture) -> object:
        right = cost(architecture)
        return replace(right, macs=right.macs + 1)

    monkeypatch.setattr(flops, "cost", wrong)
    with pytest.raises(CountError, match=r"at 17 px: the closed form counts .* one of the two is wrong") as caught:
        fvcore_breakdown(network)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 1
