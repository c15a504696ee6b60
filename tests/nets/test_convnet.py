"""The built network is the one that the walk describes: sizes, parameters, activations, stored tensors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from random import Random
from typing import Any

import pytest
import torch
from live_tensors import saved_elements
from networks import SMALL, random_architecture
from torch import Tensor, nn

from scalesearch.design.architecture import Architecture, Head, Stage, Stem
from scalesearch.design.baselines import load_baseline
from scalesearch.design.block_kinds import KINDS, STAGE_KINDS
from scalesearch.design.cost import cost
from scalesearch.design.gates import GateName
from scalesearch.design.shortcuts import ShortcutName
from scalesearch.errors import SpaceError
from scalesearch.nets import depthwise
from scalesearch.nets.blocks import BLOCKS
from scalesearch.nets.blocks.mbconv import MBConvBlock
from scalesearch.nets.convnet import ConvNet

NET = replace(SMALL.architecture, resolution=33)


def examples(count: int) -> Iterator[tuple[Architecture, ConvNet]]:
    for seed in range(count):
        architecture = random_architecture(Random(seed))
        yield architecture, ConvNet(architecture).eval()


def images_of(architecture: Architecture, batch: int) -> Tensor:
    return torch.randn(batch, *architecture.image_shape, generator=torch.Generator().manual_seed(1))


def output_sizes(net: nn.Module, images_NCHW: Tensor) -> list[tuple[int, ...]]:
    """The shapes that convolutions and linear layers put out, in order."""
    shapes: list[tuple[int, ...]] = []

    def keep(layer: nn.Module, __: object, output: Tensor) -> None:
        size = tuple(output.shape)
        # A convolution along the channels has them as its places.
        shapes.append((size[0], size[2], 1, 1) if isinstance(layer, nn.Conv1d) else size)

    counted = [one for one in net.modules() if isinstance(one, nn.Conv1d | nn.Conv2d | nn.Linear)]
    hooks = [one.register_forward_hook(keep) for one in counted]
    with torch.no_grad():
        net(images_NCHW)
    for hook in hooks:
        hook.remove()
    return shapes


def test_parameters_and_activations_are_the_closed_forms() -> None:
    for architecture, net in examples(40):
        expected = cost(architecture)
        assert sum(weights.numel() for weights in net.parameters()) == expected.params
        shapes = output_sizes(net, images_of(architecture, 1))
        assert sum(torch.Size(shape).numel() for shape in shapes) == expected.activations


def test_every_layer_has_the_shape_that_the_walk_says() -> None:
    for architecture, net in examples(20):
        shapes = output_sizes(net, images_of(architecture, 2))
        counted = [layer for block in architecture.walk() for layer in block.layers if not layer.is_constant]
        layers = [part for layer in counted for part in (layer.part_layers if layer.parts > 1 else [layer])]
        assert len(layers) == len(shapes)
        for layer, shape in zip(layers, shapes, strict=True):
            expected = (2, layer.out_width, layer.conv_px, layer.conv_px)
            assert shape == expected[: len(shape)]


def test_b0_has_the_published_parameters() -> None:
    net = ConvNet(load_baseline("b0").architecture)
    assert sum(weights.numel() for weights in net.parameters()) == 5_288_548
    assert [name for name, _ in net.named_children()][:3] == ["stem", "stages_0_0", "stages_1_0"]


def test_images_become_logits() -> None:
    for architecture, net in examples(10):
        with torch.no_grad():
            assert net(images_of(architecture, 3)).shape == (3, architecture.head.classes)


@pytest.mark.parametrize("activation", ["silu", "relu", "relu6"])
def test_the_network_is_a_plain_function_of_its_weights(activation: str) -> None:
    """One MBConv with everything, written out by hand in torch functions."""
    stage = Stage("mbconv", 3, 1, 3, 5, 1, Decimal("0.5"))
    architecture = Architecture(7, Stem(3, 2, 5), (stage,), Head(None, 2), activation, Decimal("0.01"))
    net, images_NCHW = ConvNet(architecture).eval(), images_of(architecture, 3)
    weights = {name: value.detach() for name, value in net.state_dict().items()}
    act = {"silu": nn.functional.silu, "relu": torch.relu, "relu6": nn.functional.relu6}[activation]

    def conv(features_NCHW: Tensor, name: str, stride: int = 1, groups: int = 1) -> Tensor:
        kernel = weights[f"{name}.0.weight"]
        out = nn.functional.conv2d(features_NCHW, kernel, None, stride, kernel.shape[-1] // 2, 1, groups)
        return nn.functional.batch_norm(
            out, weights[f"{name}.1.running_mean"], weights[f"{name}.1.running_var"], eps=0.01
        )

    features = act(conv(images_NCHW, "stem.conv", 2))
    inner = act(conv(act(conv(features, "stages_0_0.expand")), "stages_0_0.depthwise", 1, 15))
    pooled, gate = inner.mean((2, 3)), "stages_0_0.gate."
    squeezed = act(pooled @ weights[gate + "squeeze.weight"][:, :, 0, 0].T + weights[gate + "squeeze.bias"])
    gates = (squeezed @ weights[gate + "excite.weight"][:, :, 0, 0].T + weights[gate + "excite.bias"]).sigmoid()
    features = features + conv(inner * gates[:, :, None, None], "stages_0_0.project")
    logits = features.mean((2, 3)) @ weights["classifier.linear.weight"].T + weights["classifier.linear.bias"]
    with torch.no_grad():
        assert torch.allclose(net(images_NCHW), logits, atol=1e-5)


def test_only_blocks_that_keep_their_shape_have_a_shortcut() -> None:
    net = ConvNet(NET)
    blocks = {name: block for name, block in net.named_children() if isinstance(block, MBConvBlock)}
    assert {name: block.has_shortcut for name, block in blocks.items()} == {
        "stages_0_0": True,
        "stages_1_0": False,
        "stages_1_1": True,
        "stages_1_2": True,
        "stages_2_0": False,
        "stages_2_1": True,
        "stages_2_2": True,
    }


@pytest.mark.parametrize("kind", ["inverted_residual", "mbconv", "fused_mbconv", "edge_residual", "uib"])
def test_a_stage_without_residuals_does_not_add_its_input(kind: str) -> None:
    stage = Stage(kind, 3, 1, 2, 9, 2, residual=False)
    architecture = Architecture(14, Stem(3, 2, 9), (stage,), Head(None, 4))
    net = ConvNet(architecture).eval()
    features = torch.randn(2, 9, 7, 7, generator=torch.Generator().manual_seed(4))
    with_input = ConvNet(replace(architecture, stages=(replace(stage, residual=True),))).eval()
    with_input.load_state_dict(net.state_dict())
    for name in ("stages_0_0", "stages_0_1"):
        with torch.no_grad():
            difference = with_input.get_submodule(name)(features) - net.get_submodule(name)(features)
        assert torch.allclose(difference, features, atol=1e-5)
    assert cost(architecture) == cost(replace(architecture, stages=(replace(stage, residual=True),)))


def test_every_layer_norm_has_the_networks_epsilon() -> None:
    stages = (Stage("convnext", 3, 1, 2, 9, 1), Stage("convnext_v2", 3, 2, 2, 12, 1))
    net = Architecture(24, Stem(2, 2, 9, kind="patch"), stages, Head(None, 4, norm="layer_norm"), "gelu")
    network = ConvNet(replace(net, layer_norm_eps=Decimal("0.25")))
    images = torch.randn(2, 3, 24, 24, generator=torch.Generator().manual_seed(5))
    seen: list[tuple[nn.LayerNorm, torch.Tensor, torch.Tensor]] = []
    for norm in network.modules():
        if isinstance(norm, nn.LayerNorm):
            norm.register_forward_hook(lambda norm, inputs, out: seen.append((norm, inputs[0], out)))
    with torch.no_grad():
        network(images)
    assert len(seen) == 5  # stem, two blocks, a downsampling, and the head
    for _, features, out in seen:
        variance, mean = torch.var_mean(features, 1, correction=0, keepdim=True)
        torch.testing.assert_close(out, (features - mean) / (variance + 0.25).sqrt())
    assert cost(net) == cost(replace(net, layer_norm_eps=Decimal("0.25")))


def test_a_stride_without_a_change_of_width_has_no_shortcut() -> None:
    stage = Stage("mbconv", 3, 2, 2, 9, 2)
    architecture = Architecture(14, Stem(3, 2, 9), (stage,), Head(None, 4))
    net = ConvNet(architecture).eval()
    assert [block.has_shortcut for block in net.children() if isinstance(block, MBConvBlock)] == [False, True]
    assert output_sizes(net, images_of(architecture, 3))[-1] == (3, 4)


def test_zeroed_branches_leave_the_shortcut_alone() -> None:
    net = ConvNet(NET).eval()
    block = net.get_submodule("stages_1_1")
    features_NCHW = torch.randn(2, 24, 9, 9, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        assert not torch.allclose(block(features_NCHW), features_NCHW)
        first = net.get_submodule("stages_1_0")
        before = first(torch.ones(1, 16, 9, 9))
        net.zero_residual_branches()
        assert torch.equal(block(features_NCHW), features_NCHW)
        assert torch.equal(first(torch.ones(1, 16, 9, 9)), before)
        assert before.abs().max() > 0


def test_every_kind_of_the_design_is_wired() -> None:
    assert set(BLOCKS) == set(KINDS)
    assert set(STAGE_KINDS) == {
        *("conv", "mbconv", "fused_mbconv", "inverted_residual"),
        *("depthwise_separable", "basic", "bottleneck", "convnext", "convnext_v2", "uib"),
        *("repvgg", "repvgg_deploy", "ghost", "wide_bottleneck", "linear_bottleneck", "inverted_bottleneck"),
        *("edge_residual", "mixconv"),
    }


def reference_block(kind: str, weights: dict[str, Tensor], features: Tensor, groups: int = 1) -> Tensor:
    """One block of stride 2 and kernel 3, written out by hand in torch functions (ReLU, no batch-norm shift)."""

    def conv(x_NCHW: Tensor, name: str, stride: int = 1, groups: int = 1) -> Tensor:
        kernel = weights[f"{name}.0.weight"]
        assert kernel.shape[1] * groups == x_NCHW.shape[1]
        out = nn.functional.conv2d(x_NCHW, kernel, None, stride, kernel.shape[-1] // 2, 1, groups)
        mean, var = weights[f"{name}.1.running_mean"], weights[f"{name}.1.running_var"]
        return nn.functional.batch_norm(out, mean, var, eps=0.001)

    relu = torch.relu
    if kind == "depthwise_separable":
        return relu(conv(relu(conv(features, "depthwise", 2, 6)), "pointwise"))
    if kind == "inverted_residual":
        return conv(relu(conv(relu(conv(features, "expand")), "depthwise", 2, 12)), "project")
    if kind in ("fused_mbconv", "edge_residual"):
        return conv(relu(conv(features, "expand", 2)), "project")
    side = conv(features, "shortcut", 2)
    if kind == "basic":
        return relu(conv(relu(conv(features, "branch.first", 2)), "branch.second") + side)
    inner = relu(conv(relu(conv(features, "branch.reduce")), "branch.spatial", 2, groups))
    if "branch.gate.squeeze.weight" in weights:

        def dense(x_NC: Tensor, name: str) -> Tensor:
            return x_NC @ weights[f"branch.gate.{name}.weight"][:, :, 0, 0].T + weights[f"branch.gate.{name}.bias"]

        inner = inner * dense(relu(dense(inner.mean((2, 3)), "squeeze")), "excite").sigmoid()[:, :, None, None]
    out = conv(inner, "branch.restore") + side
    return relu(out) if kind in ("bottleneck", "wide_bottleneck") else out


@pytest.mark.parametrize(
    ("kind", "inner", "groups"),
    [("wide_bottleneck", 30, 6), ("linear_bottleneck", 30, 6), ("inverted_bottleneck", 24, 12)],
)
def test_a_bottleneck_that_is_wider_inside_is_what_timm_builds(kind: str, inner: int, groups: int) -> None:
    """Groups have the largest common divisor of 15 and the width that is tripled: 5 of 10, or 1 of 8."""
    stage = Stage(kind, 3, 2, 3, 10, 2, Decimal("0.5"), group_width=15)
    if kind == "inverted_bottleneck":
        groups = inner
    net = ConvNet(Architecture(9, Stem(3, 1, 8), (stage,), Head(None, 4), "relu")).eval()
    block = net.get_submodule("stages_0_0")
    weights = {name: value.detach() for name, value in block.state_dict().items()}
    features = torch.randn(3, 8, 9, 9, generator=torch.Generator().manual_seed(3))
    assert weights["branch.reduce.0.weight"].shape == (inner, 8, 1, 1)
    assert weights["branch.gate.squeeze.weight"].shape == (4, inner, 1, 1)
    with torch.no_grad():
        assert torch.allclose(block(features), reference_block(kind, weights, features, groups), atol=1e-5)
    assert stage.groups == 6


@pytest.mark.parametrize(
    ("kind", "expansion"),
    [
        ("depthwise_separable", 1),
        ("inverted_residual", 2),
        ("fused_mbconv", 2),
        ("edge_residual", 1),
        ("edge_residual", 2),
        ("basic", 1),
        ("bottleneck", 2),
    ],
)
def test_a_block_is_what_its_paper_says(kind: str, expansion: int) -> None:
    stage = Stage(kind, 3, 2, expansion, 10, 1)
    net = ConvNet(Architecture(9, Stem(3, 1, 6), (stage,), Head(None, 4), "relu")).eval()
    block = net.get_submodule("stages_0_0")
    weights = {name: value.detach() for name, value in block.state_dict().items()}
    features = torch.randn(3, 6, 9, 9, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        got = block(features)
        assert got.shape == (3, 10, 5, 5)
        assert torch.allclose(got, reference_block(kind, weights, features), atol=1e-5)


@pytest.mark.parametrize(("group_width", "groups"), [(1, 6), (2, 3), (3, 2), (6, 1), (7, 1)])
@pytest.mark.parametrize(("expansion", "se"), [(1, "0"), (2, "0"), (1, "0.5")])
def test_a_grouped_bottleneck_is_what_its_paper_says(
    expansion: int, se: str, group_width: int, groups: int
) -> None:
    """Xie et al. 2017, Figure 3c; with an expansion of 1 Radosavovic et al. 2020: X and, with a gate, Y block."""
    stage = Stage("bottleneck", 3, 2, expansion, 6 * expansion, 1, Decimal(se), group_width=group_width)
    net = ConvNet(Architecture(9, Stem(3, 1, 6), (stage,), Head(None, 4), "relu")).eval()
    block = net.get_submodule("stages_0_0")
    weights = {name: value.detach() for name, value in block.state_dict().items()}
    features = torch.randn(3, 6, 9, 9, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        got = block(features)
        assert torch.allclose(got, reference_block("bottleneck", weights, features, groups), atol=1e-5)
        assert ("branch.gate.squeeze.weight" in weights) == (se != "0")
        assert se == "0" or weights["branch.gate.squeeze.weight"].shape == (3, 6, 1, 1)


@pytest.mark.parametrize("shortcut", ["avg_pool", "none"])
@pytest.mark.parametrize(
    ("gate", "se"), [("senet", "0.3"), ("eca", "0"), ("senet_inner", "0.3"), ("eca_inner", "0")]
)
def test_gates_and_shortcuts_of_resnets_are_what_their_papers_say(
    gate: GateName, se: str, shortcut: ShortcutName
) -> None:
    """Hu et al. 2018, section 3.3; Wang et al. 2020, section 3.2; He et al. 2019, Figure 2c; written out."""
    stage = Stage("bottleneck", 3, 2, 2, 12, 1, Decimal(se), gate=gate, shortcut=shortcut)
    net = ConvNet(Architecture(9, Stem(3, 1, 5), (stage,), Head(None, 4), "relu", inner_divisor=4)).eval()
    block = net.get_submodule("stages_0_0")
    weights = {name: value.detach() for name, value in block.state_dict().items()}
    features = torch.randn(3, 5, 9, 9, generator=torch.Generator().manual_seed(3))

    def conv(x_NCHW: Tensor, name: str, stride: int = 1, place: int = 0) -> Tensor:
        kernel = weights[f"{name}.{place}.weight"]
        out = nn.functional.conv2d(x_NCHW, kernel, None, stride, kernel.shape[-1] // 2)
        norm = f"{name}.{place + 1}"
        return nn.functional.batch_norm(
            out, weights[f"{norm}.running_mean"], weights[f"{norm}.running_var"], eps=0.001
        )

    def gated(x_NCHW: Tensor, name: str) -> Tensor:
        means_NC = x_NCHW.mean((2, 3))
        if f"{name}.conv.weight" in weights:
            padded, count = nn.functional.pad(means_NC, (1, 1)), means_NC.shape[1]
            taps = enumerate(weights[f"{name}.conv.weight"].flatten())
            gates_NC = torch.stack([tap * padded[:, i : i + count] for i, tap in taps]).sum(0)
        else:
            squeeze, excite = (weights[f"{name}.{part}.weight"].flatten(1) for part in ("squeeze", "excite"))
            assert squeeze.shape == (4, means_NC.shape[1])  # 3.6 and 1.8 in multiples of 4
            inner_NC = (means_NC @ squeeze.T + weights[f"{name}.squeeze.bias"]).relu()
            gates_NC = inner_NC @ excite.T + weights[f"{name}.excite.bias"]
        return x_NCHW * gates_NC.sigmoid()[:, :, None, None]

    inner = conv(conv(features, "branch.reduce").relu(), "branch.spatial", 2).relu()
    inner = gated(inner, "branch.gate") if gate.endswith("inner") else inner
    out = conv(inner, "branch.restore")
    out = out if gate.endswith("inner") else gated(out, "last_gate")
    if shortcut == "avg_pool":
        padded = nn.functional.pad(features, (0, 1, 0, 1), value=torch.nan)
        windows = padded.unfold(2, 2, 2).unfold(3, 2, 2).flatten(4)
        out = out + conv(windows.nanmean(-1), "shortcut", place=1)
    with torch.no_grad():
        assert torch.allclose(block(features), out.relu(), atol=1e-5)
    assert any("shortcut" in name for name in weights) == (shortcut == "avg_pool")


def test_a_deep_stem_has_the_widths_of_its_shares() -> None:
    stem = Stem(3, 4, 21, True, kind="deep", pool_kind="conv", shares=(Decimal("0.375"), Decimal("0.01")))
    net = ConvNet(net_of(stem))
    sizes = [
        (one.in_channels, one.out_channels, one.stride[0]) for one in net.modules() if isinstance(one, nn.Conv2d)
    ]
    assert sizes == [(3, 7, 2), (7, 1, 1), (1, 21, 2), (21, 21, 2), (21, 8, 1)]
    assert cost(net_of(stem)).activations == 7 * 17**2 + 17**2 + 21 * (81 + 25) + 200 + 4


def net_of(stem: Stem) -> Architecture:
    return Architecture(33, stem, (Stage("conv", 3, 1, 1, 8, 1),), Head(None, 4))


@pytest.mark.parametrize("kind", ["convnext", "convnext_v2"])
def test_a_convnext_block_is_what_its_paper_says(kind: str) -> None:
    """Liu et al. 2022, Figure 4, behind a downsampling (section 2.6), written out in torch functions.

    Of V2 Woo et al. 2023, Algorithm 1 and Figure 5, which is PyTorch.
    """
    stage = Stage(kind, 7, 2, 3, 10, 2)
    net = ConvNet(Architecture(9, Stem(3, 1, 6), (stage,), Head(None, 4), "gelu")).eval()
    features = torch.randn(3, 6, 9, 9, generator=torch.Generator().manual_seed(3))
    for name in ("stages_0_0", "stages_0_1"):
        block = net.get_submodule(name)
        with torch.no_grad():
            for tensor in block.parameters():
                tensor.uniform_(-1, 1)
            weights = {key: value.detach() for key, value in block.state_dict().items()}
            got, features = block(features), reference_convnext(weights, features)
        assert got.shape == (3, 10, 4, 4)
        assert torch.allclose(got, features, atol=1e-4)


def reference_convnext(weights: dict[str, Tensor], x_NCHW: Tensor) -> Tensor:
    def norm(x_NHWC: Tensor, name: str) -> Tensor:
        weight, bias = weights[f"{name}.weight"], weights[f"{name}.bias"]
        return nn.functional.layer_norm(x_NHWC, weight.shape, weight, bias, 1e-6)

    def linear(x_NHWC: Tensor, name: str) -> Tensor:
        return x_NHWC @ weights[f"{name}.weight"][:, :, 0, 0].T + weights[f"{name}.bias"]

    if "downsample.0.weight" in weights:
        x_NCHW = norm(x_NCHW.permute(0, 2, 3, 1), "downsample.0").permute(0, 3, 1, 2)
        x_NCHW = nn.functional.conv2d(x_NCHW, weights["downsample.1.weight"], weights["downsample.1.bias"], 2)
    kernel, bias = weights["branch.depthwise.0.weight"], weights["branch.depthwise.0.bias"]
    y_NHWC = nn.functional.conv2d(x_NCHW, kernel, bias, 1, 3, 1, len(kernel)).permute(0, 2, 3, 1)
    y_NHWC = norm(y_NHWC, "branch.depthwise.1")
    y_NHWC = nn.functional.gelu(linear(y_NHWC, "branch.expand.0"))
    if weights["branch.project.0.weight"].ndim == 1:  # V2
        norms_NC = y_NHWC.square().sum((1, 2)).sqrt()
        shares_NC = norms_NC / (norms_NC.mean(1, keepdim=True) + 1e-6)
        gamma, beta = weights["branch.project.0.weight"], weights["branch.project.0.bias"]
        y_NHWC = gamma * (y_NHWC * shares_NC[:, None, None]) + beta + y_NHWC
        return x_NCHW + linear(y_NHWC, "branch.project.1").permute(0, 3, 1, 2)
    y_NHWC = linear(y_NHWC, "branch.project.0")
    return x_NCHW + (y_NHWC * weights["branch.project.1.weight"]).permute(0, 3, 1, 2)


def test_convnext_starts_as_its_authors_start_it() -> None:
    """facebookresearch/ConvNeXt: deviation .02, biases at zero, layer scale at 1e-6."""
    torch.manual_seed(0)
    net = ConvNet(replace(load_baseline("convnext_tiny").architecture, resolution=32))
    net.zero_residual_branches()
    for name, tensor in net.named_parameters():
        if tensor.ndim > 1:
            assert float(tensor.detach().std()) == pytest.approx(0.02, rel=0.1), name
        elif "project.1" in name:
            assert torch.equal(tensor, torch.full_like(tensor, 1e-6))
        else:
            assert set(tensor.tolist()) == {1.0 if "norm.weight" in name or name in SCALES else 0.0}, name


def test_convnext_v2_starts_with_its_responses_alone() -> None:
    """timm and the authors start scale and shift of the global response normalisation at zero."""
    net = ConvNet(replace(load_baseline("convnextv2_atto").architecture, resolution=32))
    block = net.get_submodule("stages_1_1.branch.project")
    features = torch.randn(2, 320, 3, 3)
    with torch.no_grad():
        assert torch.equal(block(features), block.get_submodule("1")(features))
    assert not any("layer_scale" in name or name.endswith("project.2.weight") for name in net.state_dict())


def test_mobilenet_v3s_block_and_head_are_what_the_paper_says() -> None:
    """Howard et al. 2019, sections 5.1 to 5.3: one block and the head, written out in torch functions."""
    stage = Stage("mbconv", 5, 1, Decimal("2.3"), 20, 1, Decimal("0.25"), activation="relu", gate="mobilenet_v3")
    head = Head(None, 3, hidden=6)
    architecture = Architecture(7, Stem(3, 2, 20), (stage,), head, "hard_swish", inner_divisor=4)
    net, images_NCHW = ConvNet(architecture).eval(), images_of(architecture, 3)
    weights = {name: value.detach() for name, value in net.state_dict().items()}
    assert weights["stages_0_0.depthwise.0.weight"].shape == (48, 1, 5, 5)  # 46, rounded to fours: halves go up
    assert weights["stages_0_0.gate.squeeze.weight"].shape == (12, 48, 1, 1)

    def conv(x_NCHW: Tensor, name: str, stride: int = 1, groups: int = 1) -> Tensor:
        kernel = weights[f"{name}.0.weight"]
        out = nn.functional.conv2d(x_NCHW, kernel, None, stride, kernel.shape[-1] // 2, 1, groups)
        mean, var = weights[f"{name}.1.running_mean"], weights[f"{name}.1.running_var"]
        return nn.functional.batch_norm(out, mean, var, eps=0.001)

    def linear(x_NC: Tensor, name: str) -> Tensor:
        return nn.functional.linear(x_NC, weights[f"{name}.weight"].flatten(1), weights[f"{name}.bias"])

    def hard_swish(x: Tensor) -> Tensor:
        return x * (x + 3).clamp(0, 6) / 6

    features = hard_swish(conv(images_NCHW, "stem.conv", 2))
    inner = conv(torch.relu(conv(features, "stages_0_0.expand")), "stages_0_0.depthwise", 1, 48).relu()
    squeezed = linear(inner.mean((2, 3)), "stages_0_0.gate.squeeze").relu()
    gates = (linear(squeezed, "stages_0_0.gate.excite") + 3).clamp(0, 6) / 6
    features = features + conv(inner * gates[:, :, None, None], "stages_0_0.project")
    logits = linear(hard_swish(linear(features.mean((2, 3)), "classifier.hidden.0")), "classifier.linear")
    with torch.no_grad():
        assert torch.allclose(net(images_NCHW), logits, atol=1e-5)


@pytest.mark.parametrize(("gate", "squeezed"), [("mobilenet_v3_rw", 12), ("fbnet_v3", 8)])
def test_gates_with_the_stages_activation(gate: GateName, squeezed: int) -> None:
    """A quarter of 40 inner channels is 10, of 20 inputs 5; in fours 10 is rounded up, and 4 would lose a fifth."""
    stage = Stage("mbconv", 3, 1, 2, 20, 1, Decimal("0.25"), activation="silu", gate=gate)
    net = ConvNet(Architecture(7, Stem(3, 1, 20), (stage,), Head(None, 3), "relu", inner_divisor=4)).eval()
    block = net.get_submodule("stages_0_0.gate")
    features = torch.randn(2, 40, 5, 5, generator=torch.Generator().manual_seed(4))
    weights = {name: value.detach() for name, value in block.state_dict().items()}
    assert weights["squeeze.weight"].shape == (squeezed, 40, 1, 1)
    reduced = nn.functional.linear(
        features.mean((2, 3)), weights["squeeze.weight"].flatten(1), weights["squeeze.bias"]
    )
    reduced = reduced / (1 + torch.exp(-reduced))
    gates = nn.functional.linear(reduced, weights["excite.weight"].flatten(1), weights["excite.bias"])
    with torch.no_grad():
        assert torch.allclose(
            block(features), features * ((gates + 3).clamp(0, 6) / 6)[:, :, None, None], atol=1e-6
        )


def test_a_convolution_in_parts_filters_each_part_by_its_kernel() -> None:
    """Tan & Le 2019 (arXiv 1907.09595), section 3.1: 14 channels in parts of 6, 4 and 4 with kernels 3, 5 and 7."""
    stage = Stage("mixconv", 3, 2, 2, 9, 1, kernel_count=3, expand_groups=2, project_groups=3)
    net = ConvNet(Architecture(7, Stem(3, 1, 7), (stage,), Head(None, 3), "relu")).eval()
    block = net.get_submodule("stages_0_0")
    weights = {name: value.detach() for name, value in block.state_dict().items()}
    features = torch.randn(2, 7, 7, 7, generator=torch.Generator().manual_seed(4))

    def parts(x_NCHW: Tensor, name: str, widths: list[int], stride: int = 1, depthwise: bool = False) -> Tensor:
        outs = []
        for index, piece in enumerate(torch.split(x_NCHW, widths, 1)):
            kernel = weights[f"{name}.0.parts.{index}.weight"]
            groups = len(kernel) if depthwise else 1
            outs.append(nn.functional.conv2d(piece, kernel, None, stride, kernel.shape[-1] // 2, 1, groups))
        mean, var = weights[f"{name}.1.running_mean"], weights[f"{name}.1.running_var"]
        return nn.functional.batch_norm(torch.cat(outs, 1), mean, var, eps=0.001)

    inner = parts(features, "expand", [4, 3]).relu()
    inner = parts(inner, "depthwise", [6, 4, 4], 2, depthwise=True).relu()
    assert [weights[f"depthwise.0.parts.{index}.weight"].shape[-1] for index in range(3)] == [3, 5, 7]
    with torch.no_grad():
        assert torch.allclose(block(features), parts(inner, "project", [6, 4, 4]), atol=1e-6)


def test_groups_of_an_edge_residual_are_whole_inputs() -> None:
    """`group_width` counts inputs: 12 inputs in groups of 8 have groups of 4, and 16 have two of 8."""
    stage = Stage("edge_residual", 3, 1, 3, 16, 2, group_width=8)
    net = Architecture(7, Stem(3, 1, 12), (stage,), Head(None, 3))
    first, second = (module.get_submodule("expand.0") for module in ConvNet(net) if isinstance(module, MBConvBlock))
    assert isinstance(first, nn.Conv2d)
    assert isinstance(second, nn.Conv2d)
    assert (first.groups, first.weight.shape) == (3, (36, 4, 3, 3))
    assert (second.groups, second.weight.shape) == (2, (48, 8, 3, 3))
    assert not net.can_grow
    with pytest.raises(SpaceError, match=r"group_width is given, but expansion is 1\.5"):
        replace(stage, expansion=Decimal("1.5"))


@pytest.mark.parametrize("se", ["0", "0.5"])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize(("start_kernel", "kernel"), [(3, 5), (1, 3), (5, 1), (1, 1)])
def test_a_universal_inverted_bottleneck_is_what_its_paper_says(
    start_kernel: int, kernel: int, stride: int, se: str
) -> None:
    """Qin et al. 2024: extra depthwise, inverted bottleneck, ConvNeXt-like, feed-forward; timm's gate too."""
    stage = Stage("uib", kernel, stride, 3, 6, 1, Decimal(se), start_kernel=start_kernel)
    net = ConvNet(Architecture(9, Stem(3, 1, 6), (stage,), Head(None, 4), "relu")).eval()
    block = net.get_submodule("stages_0_0")
    weights = {name: value.detach() for name, value in block.state_dict().items()}
    x_NCHW = torch.randn(2, 6, 9, 9, generator=torch.Generator().manual_seed(3))

    def conv(x_NCHW: Tensor, name: str, stride: int = 1, groups: int = 1) -> Tensor:
        kernel = weights[f"branch.{name}.0.weight"]
        out = nn.functional.conv2d(x_NCHW, kernel, None, stride, kernel.shape[-1] // 2, 1, groups)
        mean, var = weights[f"branch.{name}.1.running_mean"], weights[f"branch.{name}.1.running_var"]
        return nn.functional.batch_norm(out, mean, var, eps=0.001)

    strides = (1, 1, stride) if kernel > 1 else (stride, 1, 1) if start_kernel > 1 else (1, stride, 1)
    y_NCHW = conv(x_NCHW, "start", strides[0], 6) if start_kernel > 1 else x_NCHW
    y_NCHW = conv(y_NCHW, "expand", strides[1]).relu()
    y_NCHW = conv(y_NCHW, "depthwise", strides[2], 18).relu() if kernel > 1 else y_NCHW
    if stage.se:
        assert weights["branch.gate.squeeze.weight"].shape == (3, 18, 1, 1)
        means_NC = y_NCHW.mean((2, 3))
        for name, act in (("squeeze", torch.relu), ("excite", torch.sigmoid)):
            kernel_11, bias = (weights[f"branch.gate.{name}.{part}"] for part in ("weight", "bias"))
            means_NC = act(means_NC @ kernel_11[..., 0, 0].T + bias)
        y_NCHW = y_NCHW * means_NC[:, :, None, None]
    y_NCHW = conv(y_NCHW, "project") + (x_NCHW if stride == 1 else 0)
    convolutions = sum(one.ndim == 4 for one in weights.values())
    assert convolutions == 2 + (kernel > 1) + (start_kernel > 1) + 2 * bool(stage.se)
    with torch.no_grad():
        assert torch.allclose(block(x_NCHW), y_NCHW, atol=1e-5)


@pytest.mark.parametrize(("stride", "width"), [(1, 6), (1, 5), (2, 6), (2, 7)])
@pytest.mark.parametrize("kernel", [3, 5])
def test_a_repvgg_block_is_what_its_paper_says(kernel: int, stride: int, width: int) -> None:
    """Ding et al. 2021, Figure 2 (B) and section 3.2: a batch norm for each branch, the identity's among them."""
    stage = Stage("repvgg", kernel, stride, 1, width, 1)
    net = ConvNet(Architecture(9, Stem(3, 1, 6), (stage,), Head(None, 4), "relu")).eval()
    block = net.get_submodule("stages_0_0")
    x_NCHW = torch.randn(2, 6, 9, 9, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        for tensor in (*block.parameters(), *block.buffers()):
            if tensor.ndim > 0:
                tensor.copy_(torch.rand(tensor.shape) + (-0.5 if tensor.ndim > 1 else 0.5))
    weights = {name: value.detach() for name, value in block.state_dict().items()}

    def norm(x_NCHW: Tensor, name: str) -> Tensor:
        mean, var = weights[f"{name}.running_mean"], weights[f"{name}.running_var"]
        return nn.functional.batch_norm(
            x_NCHW, mean, var, weights[f"{name}.weight"], weights[f"{name}.bias"], eps=0.001
        )

    spatial = nn.functional.conv2d(x_NCHW, weights["conv.0.weight"], None, stride, kernel // 2)
    wanted = norm(spatial, "conv.1")
    has_identity = (stride, width) == (1, 6)
    if has_identity:
        wanted = wanted + norm(x_NCHW, "identity")
    pixels_NHWC = x_NCHW[..., ::stride, ::stride].permute(0, 2, 3, 1)
    pointwise = (pixels_NHWC @ weights["pointwise.0.weight"][:, :, 0, 0].T).permute(0, 3, 1, 2)
    wanted = (wanted + norm(pointwise, "pointwise.1")).relu()
    assert ("identity.weight" in weights) == has_identity
    assert wanted.max() > 0
    with torch.no_grad():
        assert torch.allclose(block(x_NCHW), wanted, atol=1e-4)


@pytest.mark.parametrize(("stride", "width"), [(1, 6), (1, 8), (1, 5), (2, 6), (2, 7)])
@pytest.mark.parametrize(("expansion", "se"), [(3, "0"), (Decimal("2.5"), "0"), (3, "0.25"), (1, "0.25")])
def test_a_ghost_bottleneck_is_what_its_paper_says(
    expansion: int | Decimal, se: str, stride: int, width: int
) -> None:
    """Han et al. 2020, Figures 2 (b) and 3, with half of the maps made by depthwise 3×3; odd ones lose the last."""
    gate: Any = None if se == "0" else "mobilenet_v3"
    stage = Stage("ghost", 5, stride, expansion, width, 1, Decimal(se), gate=gate)
    net = ConvNet(Architecture(9, Stem(3, 1, 6), (stage,), Head(None, 4), "relu", inner_divisor=1)).eval()
    block = net.get_submodule("stages_0_0")
    weights = {name: value.detach() for name, value in block.state_dict().items()}
    x_NCHW = torch.randn(2, 6, 9, 9, generator=torch.Generator().manual_seed(3))
    inner = int(6 * expansion)
    assert weights["branch.expand.primary.0.weight"].shape == ((inner + 1) // 2, 6, 1, 1)

    def conv(x_NCHW: Tensor, name: str, stride: int = 1, depthwise: bool = False) -> Tensor:
        kernel = weights[f"{name}.0.weight"]
        groups = len(kernel) if depthwise else 1
        out = nn.functional.conv2d(x_NCHW, kernel, None, stride, kernel.shape[-1] // 2, 1, groups)
        mean, var = weights[f"{name}.1.running_mean"], weights[f"{name}.1.running_var"]
        return nn.functional.batch_norm(out, mean, var, eps=0.001)

    def linear(x_NC: Tensor, name: str) -> Tensor:
        return nn.functional.linear(x_NC, weights[f"{name}.weight"].flatten(1), weights[f"{name}.bias"])

    first = conv(x_NCHW, "branch.expand.primary").relu()
    second = conv(first, "branch.expand.cheap", depthwise=True).relu()
    y_NCHW = torch.cat([first, second], 1)[:, :inner]
    if stride > 1:
        y_NCHW = conv(y_NCHW, "branch.depthwise", stride, depthwise=True)
    if se != "0":
        squeezed = linear(y_NCHW.mean((2, 3)), "branch.gate.squeeze").relu()
        gates = (linear(squeezed, "branch.gate.excite") + 3).clamp(0, 6) / 6
        y_NCHW = y_NCHW * gates[:, :, None, None]
    first = conv(y_NCHW, "project.primary")
    y_NCHW = torch.cat([first, conv(first, "project.cheap", depthwise=True)], 1)[:, :width]
    side_NCHW = x_NCHW
    if (stride, width) != (1, 6):
        filtered = conv(x_NCHW, "shortcut.shortcut_depthwise", stride, depthwise=True)
        side_NCHW = conv(filtered, "shortcut.shortcut")
    assert sum(name.endswith("running_mean") for name in weights) == 4 + (stride > 1) + 2 * (
        side_NCHW is not x_NCHW
    )
    with torch.no_grad():
        assert torch.allclose(block(x_NCHW), y_NCHW + side_NCHW, atol=1e-5)


def test_a_normalised_hidden_layer_is_what_timm_has() -> None:
    """timm `mobilenetv3.py`, `head_norm`: pool, 1×1 without a bias, batch norm, activation, linear."""
    head = Head(None, 3, hidden=6, hidden_norm="batch_norm")
    architecture = Architecture(7, Stem(3, 2, 20), (Stage("conv", 1, 1, 1, 5, 1),), head, "relu")
    net = ConvNet(architecture)
    net(images_of(architecture, 4))  # statistics
    net.eval()
    pooled = torch.randn(3, 5, generator=torch.Generator().manual_seed(2))
    weights = {name: value.detach() for name, value in net.state_dict().items()}
    hidden = pooled @ weights["classifier.hidden.1.weight"][:, :, 0, 0].T
    mean, var = weights["classifier.hidden.2.running_mean"], weights["classifier.hidden.2.running_var"]
    assert mean.abs().max() > 0
    hidden = nn.functional.batch_norm(hidden, mean, var, eps=0.001).relu()
    logits = hidden @ weights["classifier.linear.weight"].T + weights["classifier.linear.bias"]
    with torch.no_grad():
        assert torch.allclose(net.classifier.logits_of(pooled), logits, atol=1e-6)  # type: ignore[operator,union-attr]


SCALES = {
    *("stem.conv.1.weight", *(f"stages_{stage}_0.downsample.0.weight" for stage in (1, 2, 3))),
    *(
        f"stages_{stage}_{index}.branch.depthwise.1.weight"
        for stage, depth in enumerate((3, 3, 9, 3))
        for index in range(depth)
    ),
}


def test_a_fused_block_without_expansion_is_one_convolution_and_may_have_a_shortcut() -> None:
    stage = Stage("fused_mbconv", 3, 1, 1, 6, 2)
    net = ConvNet(Architecture(9, Stem(3, 1, 6), (stage,), Head(None, 4), "relu")).eval()
    assert [name for name, one in net.named_modules() if isinstance(one, nn.Conv2d)] == [
        *("stem.conv.0", "stages_0_0.project.0", "stages_0_1.project.0"),
    ]
    assert [block.has_shortcut for block in net.residual_blocks()] == [True, True]


def test_the_pool_behind_the_stem_is_three_by_three() -> None:
    stem = Stem(7, 2, 5, pool=True)
    net = ConvNet(Architecture(45, stem, (Stage("basic", 3, 1, 1, 7, 1),), Head(None, 4), "relu")).eval()
    features = torch.randn(2, 5, 23, 23)
    assert torch.equal(net.get_submodule("pool")(features), nn.functional.max_pool2d(features, 3, 2, 1))
    with torch.no_grad():
        assert net(torch.zeros(2, 3, 45, 45)).shape == (2, 4)


def test_stochastic_depth_drops_whole_branches_and_keeps_the_mean() -> None:
    stages = (Stage("mbconv", 3, 1, 2, 6, 3), Stage("basic", 3, 1, 1, 6, 1))
    net = ConvNet(Architecture(9, Stem(3, 1, 6), stages, Head(None, 4)))
    net.set_drop_path(0.4)
    assert [block.survival for block in net.residual_blocks()] == pytest.approx([1, 0.9, 0.8, 0.7])
    block = net.get_submodule("stages_0_2").eval()
    features = torch.randn(1, 6, 9, 9).expand(4000, -1, -1, -1)
    with torch.no_grad():
        branch = (block(features) - features)[0]
        torch.manual_seed(0)
        assert torch.allclose(block(features) - features, branch.expand_as(features), atol=1e-6)  # none in eval
        # Batch norm in training would change the branch itself, so only the block is told that it trains.
        block.training = True
        dropped = block(features) - features
    alive = dropped.abs().sum((1, 2, 3)) > 0
    assert alive.float().mean() == pytest.approx(0.8, abs=0.02)
    assert torch.allclose(dropped[alive], (branch / 0.8).expand_as(dropped[alive]), atol=1e-5)


def resnet_like(activation: str, gate: GateName, se: str, pool: str) -> Architecture:
    """ResNet-50-D with a gate and a pool behind its stem."""
    net = load_baseline("resnet50").architecture
    stem = replace(net.stem, kernel=3, kind="deep", pool_kind=pool, shares=(Decimal("0.5"), Decimal("0.5")))
    stages = tuple(replace(stage, gate=gate, se=Decimal(se), shortcut="avg_pool") for stage in net.stages)
    return replace(net, resolution=65, activation=activation, stem=stem, stages=stages)


MIXED = Architecture(
    41,
    Stem(3, 2, 12),
    (
        Stage("mixconv", 3, 2, 6, 20, 3, Decimal("0.5"), kernel_count=3, expand_groups=2),
        Stage("mixconv", 5, 1, 3, 24, 2, kernel_count=2, project_groups=2),
    ),
    Head(64, 4),
    "relu",
)
"""Convolutions in parts."""
STORING = [
    (NET, 5),
    (replace(NET, head=Head(None, 4), activation="relu6"), 4),
    (replace(NET, activation="relu"), 3),
    (replace(load_baseline("b0").architecture, resolution=65), 3),
    (
        Architecture(
            41, Stem(5, 2, 9), (Stage("conv", 3, 2, 1, 14, 2), Stage("mbconv", 3, 1, 2, 11, 2)), Head(17, 4)
        ),
        5,
    ),
    (replace(load_baseline("resnet18").architecture, resolution=65), 3),
    (replace(load_baseline("resnet50").architecture, resolution=49), 4),
    (replace(load_baseline("resnext50").architecture, resolution=49), 4),
    (replace(load_baseline("regnetx_400mf").architecture, resolution=65), 3),
    (replace(load_baseline("regnety_400mf").architecture, resolution=65), 3),
    (replace(load_baseline("regnety_400mf").architecture, resolution=65, activation="silu"), 3),
    (replace(load_baseline("mobilenet_v1").architecture, resolution=65), 3),
    (replace(load_baseline("mobilenet_v2").architecture, resolution=49), 4),
    (replace(load_baseline("efficientnet_v2_b0").architecture, resolution=65), 3),
    (MIXED, 3),
    (replace(load_baseline("convnext_tiny").architecture, resolution=65), 3),
    (replace(load_baseline("convnextv2_atto").architecture, resolution=65), 3),
    (replace(load_baseline("convnextv2_atto").architecture, resolution=65, activation="relu"), 3),
    (replace(load_baseline("mobilenet_v3_small").architecture, resolution=65), 3),
    (replace(load_baseline("mobilenet_v4_conv_small").architecture, resolution=65), 3),
    (replace(load_baseline("mobilenet_v4_conv_medium").architecture, resolution=65), 3),
    (replace(load_baseline("mobilenet_v4_conv_small").architecture, resolution=65, activation="silu"), 3),
    (replace(load_baseline("mobilenet_v3_large").architecture, resolution=65), 3),
    (replace(load_baseline("ghostnet").architecture, resolution=65), 3),
    (replace(load_baseline("ghostnet").architecture, resolution=65, activation="silu"), 3),
    (replace(load_baseline("repvgg_a0").architecture, resolution=65), 3),
    (replace(load_baseline("repvgg_a0").architecture, resolution=65, activation="silu"), 3),
    # Narrower at its end than A0: the closed form leaves out the last activation's output, which no layer keeps.
    (load_baseline("repvgg_a0").architecture.deployed.resized((48, 48, 96, 192, 192), (2, 4, 14, 1), 65), 3),
    (resnet_like("relu", "senet", "0.0625", "max_pool"), 3),
    (resnet_like("silu", "eca", "0", "avg_pool"), 3),
    (resnet_like("relu", "senet_inner", "0.25", "conv"), 3),
    (
        Architecture(
            41, Stem(2, 2, 9, kind="patch"), (Stage("convnext", 3, 3, 1, 14, 2),), Head(17, 4, norm="layer_norm")
        ),
        5,
    ),
]


@pytest.mark.parametrize(("architecture", "batch"), STORING)
def test_what_training_stores(monkeypatch: pytest.MonkeyPatch, architecture: Architecture, batch: int) -> None:
    """Within 5 % of what autograd keeps, where every convolution is torch's own."""
    monkeypatch.setattr(depthwise, "_trains_on_cpu", lambda *_: False)
    net = ConvNet(architecture).train()
    saved = saved_elements(net, images_of(architecture, batch))
    assert batch * cost(architecture).stored == pytest.approx(saved, rel=0.05)
