"""The fast layers are the plain ones in other clothes: same values, same gradients, same names."""

from __future__ import annotations

import copy
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn.grad import conv2d_weight

from scalesearch.nets import depthwise
from scalesearch.nets.depthwise import DepthwiseConv2d, PointwiseConv2d

# (batch, channels, height, width, kernel, stride): a different size for every dimension.
SHAPES = [
    (6, 7, 1, 1, 5, 1),
    (6, 7, 1, 1, 3, 2),
    (5, 8, 2, 2, 3, 1),
    (5, 9, 2, 2, 5, 1),
    (5, 9, 2, 2, 5, 2),
    (4, 7, 1, 3, 5, 1),
    (4, 7, 3, 1, 3, 2),
    (6, 10, 3, 3, 5, 1),
    (6, 10, 3, 3, 5, 2),
    (6, 10, 3, 2, 7, 2),
    (3, 6, 4, 4, 5, 2),
    (3, 6, 4, 5, 5, 1),
    (3, 6, 5, 4, 5, 2),
    (4, 5, 7, 6, 5, 2),
    (4, 5, 8, 8, 5, 2),
    (4, 5, 8, 8, 7, 1),
    (2, 6, 9, 10, 5, 2),
    (3, 8, 7, 5, 3, 2),
    (3, 8, 11, 13, 3, 1),
]


def images_of(*shape: int, channels_last: bool = True, dtype: torch.dtype = torch.float32) -> Tensor:
    images = torch.randn(*shape, generator=torch.Generator().manual_seed(3), dtype=dtype)
    layout = torch.channels_last if channels_last else torch.contiguous_format
    return images.contiguous(memory_format=layout)


def gradients(layer: nn.Conv2d, images: Tensor) -> list[Tensor]:
    """Output and gradients of the images and of every parameter, for a fixed random output gradient."""
    images = images.clone().requires_grad_()
    output = layer(images)
    seed = torch.Generator().manual_seed(4)
    output.backward(torch.randn(output.shape, generator=seed).to(output.dtype))
    assert images.grad is not None
    return [output.detach(), images.grad, *(p.grad for p in layer.parameters() if p.grad is not None)]


def plain_twin(layer: nn.Conv2d) -> nn.Conv2d:
    kernel, stride, bias = layer.kernel_size[0], layer.stride[0], layer.bias is not None
    twin = nn.Conv2d(
        layer.in_channels, layer.out_channels, kernel, stride, kernel // 2, groups=layer.groups, bias=bias
    )
    twin.load_state_dict(layer.state_dict())
    return twin


@pytest.mark.parametrize("channels_last", [True, False])
@pytest.mark.parametrize("shape", SHAPES)
def test_depthwise_trains_like_conv2d(shape: tuple[int, ...], channels_last: bool) -> None:
    batch, channels, height, width, kernel, stride = shape
    layer = DepthwiseConv2d(channels, kernel, stride, bias=channels % 2 == 0)
    images = images_of(batch, channels, height, width, channels_last=channels_last)
    reference = gradients(plain_twin(layer).double(), images.double())
    for ours, exact in zip(gradients(layer, images), reference, strict=True):
        torch.testing.assert_close(ours.double(), exact, rtol=1e-5, atol=2e-5)


@pytest.mark.parametrize("way", ["_by_pairs", "_by_sliding"])
@pytest.mark.parametrize("shape", SHAPES)
def test_every_way_is_exact_at_every_size(shape: tuple[int, ...], way: str) -> None:
    batch, channels, height, width, kernel, stride = shape
    images = images_of(batch, channels, height, width, dtype=torch.float64)
    gradient = torch.randn(batch, channels, -(-height // stride), -(-width // stride), dtype=torch.float64)
    weight_gradient: Callable[[Tensor, Tensor, int, int], Tensor] = getattr(depthwise, way)
    expected = conv2d_weight(  # type: ignore[no-untyped-call]
        images, (channels, 1, kernel, kernel), gradient, stride, kernel // 2, 1, channels
    )
    torch.testing.assert_close(weight_gradient(images, gradient, kernel, stride), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("shape", [(2, 3, 2, 2, 3, 1), (2, 3, 4, 3, 5, 2), (1, 2, 5, 4, 5, 1)])
def test_gradcheck(shape: tuple[int, ...]) -> None:
    batch, channels, height, width, kernel, stride = shape
    images = images_of(batch, channels, height, width, dtype=torch.float64).requires_grad_()
    weight = torch.randn(channels, 1, kernel, kernel, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(
        lambda images, weight: depthwise._Depthwise.apply(images, weight, stride),  # type: ignore[no-untyped-call]
        (images, weight),
    )


def test_all_ways_are_taken() -> None:
    ways = {shape: depthwise._algorithm(*shape[2:]) for shape in SHAPES}
    assert set(ways.values()) == {"middle", "pairs", "sliding", "torch"}
    assert depthwise._algorithm(4, 4, 5, 1) == "sliding"
    assert depthwise._algorithm(2, 2, 3, 1) == depthwise._algorithm(4, 4, 5, 2) == "pairs"
    assert depthwise._algorithm(16, 16, 5, 1) == depthwise._algorithm(4, 4, 3, 1) == "torch"


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(("height", "width"), [(1, 1), (2, 1), (3, 4), (4, 4), (5, 6)])
@pytest.mark.parametrize("in_channels", [7, 18])
def test_pointwise_trains_like_conv2d(in_channels: int, height: int, width: int, bias: bool) -> None:
    layer = PointwiseConv2d(in_channels, 11, bias=bias)
    images = images_of(3, in_channels, height, width)
    reference = gradients(plain_twin(layer).double(), images.double())
    for ours, exact in zip(gradients(layer, images), reference, strict=True):
        torch.testing.assert_close(ours.double(), exact, rtol=1e-5, atol=2e-5)


def test_pointwise_stays_in_channels_last() -> None:
    output = PointwiseConv2d(20, 11)(images_of(3, 20, 4, 2))
    assert output.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("layer", [DepthwiseConv2d(6, 5, 2, bias=True), PointwiseConv2d(6, 4, bias=True)])
def test_state_dict_is_that_of_conv2d(layer: nn.Conv2d) -> None:
    twin = plain_twin(layer)
    assert {name: value.shape for name, value in layer.state_dict().items()} == {
        name: value.shape for name, value in twin.state_dict().items()
    }
    copy.deepcopy(layer).load_state_dict(twin.state_dict())


@pytest.mark.parametrize("layer", [DepthwiseConv2d(6, 5), PointwiseConv2d(6, 4)])
def test_evaluation_is_conv2d_bit_for_bit(layer: nn.Conv2d) -> None:
    images = images_of(3, 6, 2, 2)
    with torch.no_grad():
        assert torch.equal(layer(images), plain_twin(layer)(images))
    assert torch.equal(layer.eval()(images), plain_twin(layer)(images))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("layer", [DepthwiseConv2d(6, 5), PointwiseConv2d(6, 4)])
def test_a_tracer_sees_a_convolution(layer: nn.Conv2d, training: bool) -> None:
    traced = torch.jit.trace(layer.train(training), images_of(3, 6, 2, 2), check_trace=False)  # type: ignore[no-untyped-call]
    kinds = [node.kind() for node in traced.inlined_graph.nodes()]
    assert "aten::_convolution" in kinds
    assert "aten::linear" not in kinds


def test_frozen_weights_need_no_gradient() -> None:
    layer = DepthwiseConv2d(5, 5)
    layer.weight.requires_grad_(False)
    images = images_of(3, 5, 2, 2).requires_grad_()
    layer(images).sum().backward()
    assert images.grad is not None
    assert layer.weight.grad is None


@pytest.mark.parametrize(
    ("channels", "out", "px", "stride"), [(4, 8, 24, 2), (6, 10, 26, 2), (17, 5, 7, 3), (3, 4, 5, 2)]
)
def test_a_strided_pointwise_layer_is_the_plain_one_and_survives_training(
    channels: int, out: int, px: int, stride: int
) -> None:
    """torch's own backward pass of the first two kills the process in channels_last."""
    layer = PointwiseConv2d(channels, out, stride, bias=True).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    images = torch.randn(16, channels, px, px).to(memory_format=torch.channels_last).requires_grad_()
    layer.train()
    for _ in range(3):
        output = layer(images)
        output.backward(torch.ones_like(output))
    plain = images.detach()[:, :, ::stride, ::stride].permute(0, 2, 3, 1) @ layer.weight.detach()[:, :, 0, 0].T
    expected = (plain + layer.bias.detach()).permute(0, 3, 1, 2)
    assert torch.allclose(output, expected, atol=1e-5)
    assert layer.weight.grad is not None
    summed = 3 * images.detach()[:, :, ::stride, ::stride].sum((0, 2, 3))
    assert torch.allclose(layer.weight.grad[:, :, 0, 0], summed.expand(out, -1), rtol=1e-3, atol=1e-2)
    assert torch.allclose(layer.eval()(images), expected, atol=1e-5)
