"""Build the re-parameterisable block of RepVGG (Ding et al. 2021), as it is trained and as it is deployed."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from scalesearch.design.blocks import Block
from scalesearch.nets.blocks.parts import batch_norm_of, conv_norm_act, make_activation
from scalesearch.nets.blocks.plain_parts import EPS, Activation, conv
from scalesearch.nets.blocks.residual import Residual


class RepVGGBlock(Residual):
    """Computes act(k×k + 1×1 + identity), each with its own batch norm; no identity where the shape changes."""

    def __init__(self, block: Block, eps: float) -> None:
        super().__init__()
        spatial, pointwise = block.layers
        self.has_shortcut = block.keeps_shape
        # First, as in timm, because weights may be matched by the order of the tensors.
        self.identity = nn.BatchNorm2d(block.in_width, eps=eps) if self.has_shortcut else None
        self.conv = conv_norm_act(replace(spatial, activation=None), eps)
        self.pointwise = conv_norm_act(pointwise, eps)
        self.act = make_activation(spatial)

    def _branch_norm(self) -> None:
        """Return None: the branch is a sum of two batch norms, which the authors initialise as torch does."""

    def forward(self, features_NCHW: Tensor) -> Tensor:
        """Map (N, in, H, W) to (N, out, ⌈H/stride⌉, ⌈W/stride⌉)."""
        sum_NCHW = self.conv(features_NCHW) + self.pointwise(features_NCHW)
        if self.identity is not None:
            sum_NCHW = self.identity(features_NCHW) + self._drop_path(sum_NCHW)
        out: Tensor = self.act(sum_NCHW)
        return out


def fold(trained: nn.Module, deployed: nn.Module) -> None:
    """Give the deployed form, one k×k convolution with a bias, the weights of a trained block.

    Ding et al. 2021, section 3.3: a batch norm in eval is a factor γ/√(σ² + ε) and a shift for each channel. A 1×1
    kernel is a k×k one that is zero except in its middle, and the identity is the 1×1 kernel with ones on the
    diagonal. The sums are in float64, so that float32 weights are rounded once.

    Args:
        trained: a `RepVGGBlock`.
        deployed: a `ConvSequence` of one convolution.
    """
    assert isinstance(trained, RepVGGBlock)
    convolution = next(module for module in deployed.modules() if isinstance(module, nn.Conv2d))
    assert convolution.bias is not None
    kernel, bias = _fold_batch_norm(trained.conv[0], batch_norm_of(trained.conv))
    other_branches = [_fold_batch_norm(trained.pointwise[0], batch_norm_of(trained.pointwise))]
    if trained.identity is not None:
        other_branches.append(_fold_batch_norm(None, trained.identity))
    for kernel_1x1, shift in other_branches:
        kernel, bias = kernel + F.pad(kernel_1x1, [kernel.shape[-1] // 2] * 4), bias + shift
    with torch.no_grad():
        convolution.weight.copy_(kernel)
        convolution.bias.copy_(bias)


def _fold_batch_norm(convolution: nn.Module | None, norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """Return kernel and bias (float64) of a convolution, or of the identity where it is None, with its norm."""
    assert norm.running_mean is not None
    assert norm.running_var is not None
    if convolution is None:
        kernel = torch.eye(norm.num_features, dtype=torch.float64, device=norm.weight.device)[:, :, None, None]
    else:
        assert isinstance(convolution, nn.Conv2d)
        kernel = convolution.weight.detach().double()
    factors = norm.weight.detach().double() / (norm.running_var.double() + norm.eps).sqrt()
    bias = norm.bias.detach().double() - norm.running_mean.double() * factors
    return kernel * factors[:, None, None, None], bias


class RepVGG(nn.Module):
    """Adds k×k, 1×1 and, where the shape stays, the input, each with batch norm; then the activation."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int) -> None:
        super().__init__()
        self.has_identity = stride == 1 and inputs == outputs
        if self.has_identity:
            self.identity = nn.BatchNorm2d(inputs, eps=EPS)
        self.conv = conv(inputs, outputs, kernel, stride, active=False)
        self.pointwise = conv(inputs, outputs, stride=stride, active=False)
        self.act = Activation()

    def forward(self, x: Tensor) -> Tensor:
        total = self.conv(x) + self.pointwise(x)
        return self.act(total + self.identity(x) if self.has_identity else total)


def deployed_repvgg(inputs: int, outputs: int, kernel: int, stride: int) -> nn.Sequential:
    """Build RepVGG's block as it is deployed: one convolution with a bias, and the activation."""
    return nn.Sequential(nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2), Activation())
