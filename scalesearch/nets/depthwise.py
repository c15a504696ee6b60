"""Train the two convolutions of a depthwise-separable block fast on small maps on a CPU.

Both behave as `nn.Conv2d`: same parameters, same state dict, same values up to float rounding. Unless they are
trained in float32 on a CPU, they run the plain operator (so tracers count a convolution). In training they avoid
two operations that are slow in oneDNN for the few pixels of a proxy network: the weight gradient of depthwise
kernels, and the fixed cost of a pointwise call.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

# Measured on one AVX2 thread, torch 2.13, channels_last, batches of 64 and 128.
_MAX_PAIRS = 81
"""Up to this many (output, input) pixel pairs, multiplying all of them is fastest, such as 3 x 3 to 3 x 3."""
_MAX_SLIDING_PIXELS = 64
"""Up to this many input pixels, kernels of 5 and more use samples as channels (see `_by_sliding`)."""
_MAX_LINEAR_PIXELS = 16
"""Up to this many pixels a pointwise convolution is a matrix product, if the input has enough channels."""
_MIN_LINEAR_CHANNELS = 16
"""With fewer input channels the product gets too thin and is used up to `_MAX_NARROW_PIXELS` only."""
_MAX_NARROW_PIXELS = 4


class DepthwiseConv2d(nn.Conv2d):
    """Applies one odd kernel to each of `channels` channels, padded by half of it; `stride` is 1 or 2.

    With another `padding`, such as that of an input that is padded already, the plain operator runs.
    """

    def __init__(self, channels: int, kernel: int, stride: int = 1, *, bias: bool = False) -> None:
        super().__init__(channels, channels, kernel, stride, kernel // 2, groups=channels, bias=bias)

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 (the name in nn.Conv2d)
        """Convolve N C H W to N C ceil(H / stride) ceil(W / stride)."""
        kernel, stride = self.kernel_size[0], self.stride[0]
        if self.padding[0] != kernel // 2 or not _trains_on_cpu(self, input):
            return super().forward(input)
        algorithm = _algorithm(input.shape[2], input.shape[3], kernel, stride)
        if algorithm == "torch":
            return super().forward(input)
        if algorithm == "middle":
            middle = kernel // 2
            output: Tensor = input * self.weight[:, :, middle, middle, None]
        else:
            output = _Depthwise.apply(input, self.weight, stride)  # type: ignore[no-untyped-call]
        return output if self.bias is None else output + self.bias[:, None, None]


class PointwiseConv2d(nn.Conv2d):
    """Applies a 1 x 1 convolution; on small maps as the equivalent matrix product.

    A stride is applied by selecting pixels first: oneDNN's backward pass of strided 1 x 1 convolutions in
    channels_last writes beyond its buffers for few channels (4 to 8 at 24 px, torch 2.13), and the process crashes.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int = 1, *, bias: bool = False) -> None:
        super().__init__(in_channels, out_channels, 1, stride, bias=bias)

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 (the name in nn.Conv2d)
        """Convolve N in H W to N out H W; in channels_last no value is copied to another layout."""
        if not _trains_on_cpu(self, input):
            return super().forward(input)
        stride = self.stride[0]
        if stride > 1:
            input = input[:, :, ::stride, ::stride].contiguous(memory_format=torch.channels_last)  # noqa: A001
        wide = self.in_channels >= _MIN_LINEAR_CHANNELS
        if input.shape[2] * input.shape[3] > (_MAX_LINEAR_PIXELS if wide else _MAX_NARROW_PIXELS):
            return F.conv2d(input, self.weight, self.bias)
        return F.linear(input.permute(0, 2, 3, 1), self.weight.flatten(1), self.bias).permute(0, 3, 1, 2)


def _trains_on_cpu(module: nn.Module, images: Tensor) -> bool:
    return (
        module.training
        and torch.is_grad_enabled()
        and images.device.type == "cpu"
        and images.dtype == torch.float32
        and not torch.is_autocast_enabled("cpu")
        and not torch.jit.is_tracing()  # type: ignore[attr-defined,no-untyped-call]
        and not torch.compiler.is_compiling()
    )


@lru_cache(maxsize=1024)
def _algorithm(height: int, width: int, kernel: int, stride: int) -> Literal["torch", "middle", "pairs", "sliding"]:
    """Return the fastest algorithm to train a depthwise kernel on maps of `height` x `width`.

    oneDNN takes 3-20 ms for the weight gradient of kernels of 5 on maps of 2 x 2 to 4 x 4, and of kernels of 3 on 2
    x 2; the other algorithms take 0.05-0.7 ms. All compute the same sum of products in another order.
    """
    if (height, width) == (1, 1):  # one pixel is multiplied with the middle of the kernel only
        return "middle"
    pixels = height * width
    pairs = pixels * -(-height // stride) * -(-width // stride)
    if pairs <= _MAX_PAIRS and (kernel > 3 or pixels <= 4):
        return "pairs"
    return "sliding" if kernel > 3 and pixels <= _MAX_SLIDING_PIXELS else "torch"


class _Depthwise(torch.autograd.Function):
    """Runs torch's depthwise convolution and input gradient with another algorithm for the weight gradient."""

    @staticmethod
    def forward(ctx: Any, images_NCHW: Tensor, weight_C1KK: Tensor, stride: int) -> Tensor:
        ctx.save_for_backward(images_NCHW, weight_C1KK)
        ctx.stride = stride
        channels, _, kernel, _ = weight_C1KK.shape
        return F.conv2d(images_NCHW, weight_C1KK, None, stride, kernel // 2, 1, channels)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient_NCHW: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        images_NCHW, weight_C1KK = ctx.saved_tensors
        (channels, _, kernel, _), stride = weight_C1KK.shape, ctx.stride
        images_gradient, weight_gradient = None, None
        if ctx.needs_input_grad[0]:
            images_gradient, _, _ = torch.ops.aten.convolution_backward(
                gradient_NCHW, images_NCHW, weight_C1KK, None, [stride] * 2, [kernel // 2] * 2, [1, 1], False,
                [0, 0], channels, [True, False, False],
            )  # fmt: skip
        if ctx.needs_input_grad[1]:
            by_pairs = _algorithm(*images_NCHW.shape[2:], kernel, stride) == "pairs"
            weight_gradient = (_by_pairs if by_pairs else _by_sliding)(images_NCHW, gradient_NCHW, kernel, stride)
        return images_gradient, weight_gradient, None


def _by_pairs(images_NCHW: Tensor, gradient_NCHW: Tensor, kernel: int, stride: int) -> Tensor:
    """Multiply every output pixel with every input pixel, then sum the pairs that a tap joins."""
    count, channels, height, width = images_NCHW.shape
    images_N1QC = images_NCHW.permute(0, 2, 3, 1).reshape(count, 1, -1, channels)
    gradient_NP1C = gradient_NCHW.permute(0, 2, 3, 1).reshape(count, -1, 1, channels)
    sums_PQ_C = (images_N1QC * gradient_NP1C).sum(0).view(-1, channels)
    taps = _taps(height, width, kernel, stride).to(sums_PQ_C.dtype)
    return (sums_PQ_C.t() @ taps).view(channels, 1, kernel, kernel)


@lru_cache(maxsize=256)
def _taps(height: int, width: int, kernel: int, stride: int) -> Tensor:
    """Return 0 or 1 (float32): whether the tap in the column joins the (output, input) pixel pair in the row."""
    rows_haH = _is_joined(height, kernel, stride)
    columns_wbW = _is_joined(width, kernel, stride)
    joined = torch.einsum("haH,wbW->hwHWab", rows_haH, columns_wbW)
    return joined.reshape(-1, kernel * kernel)


def _is_joined(side: int, kernel: int, stride: int) -> Tensor:
    """Return 0 or 1 for each (output position, tap, input position) of one axis."""
    outputs = torch.arange(0, side, stride)[:, None, None]
    taps = torch.arange(kernel)[:, None] - kernel // 2
    return (outputs + taps == torch.arange(side)).float()


def _by_sliding(images_NCHW: Tensor, gradient_NCHW: Tensor, kernel: int, stride: int) -> Tensor:
    """Slide each sample's gradient over its images, with samples as channels, then sum over the samples.

    dw[a, b] = sum over i, j of g[i, j] x[s i + a - p, s j + b - p] is itself a depthwise convolution, with g as its
    kernel, dilated by the stride.
    """
    count, channels = images_NCHW.shape[:2]
    images_1MHW, gradient_1Mhw = _samples_as_channels(images_NCHW), _samples_as_channels(gradient_NCHW)
    slid_1MKK = F.conv2d(
        images_1MHW, gradient_1Mhw.transpose(0, 1), None, 1, kernel // 2, stride, count * channels
    )[:, :, :kernel, :kernel]
    return slid_1MKK.reshape(count, channels, kernel, kernel).sum(0).unsqueeze(1)


def _samples_as_channels(images_NCHW: Tensor) -> Tensor:
    """Reshape N C H W to 1 (N C) H W, in channels_last."""
    _, _, height, width = images_NCHW.shape
    return images_NCHW.permute(2, 3, 0, 1).reshape(1, height, width, -1).permute(0, 3, 1, 2)
