"""Build MBConv, Fused-MBConv and MobileNetV2's inverted residual from their layers."""

from __future__ import annotations

from fractions import Fraction
from math import gcd

from torch import Tensor, nn

from scalesearch.design.blocks import Block
from scalesearch.nets.blocks.parts import Gate, batch_norm_of, conv_norm_act, has_hard_gate
from scalesearch.nets.blocks.plain_parts import (
    EPS,
    Activation,
    ActiveHardSqueezeExcite,
    HardSqueezeExcite,
    SplitConv,
    SqueezeExcite,
    conv,
    divisible,
    pointwise,
    split,
)
from scalesearch.nets.blocks.residual import Residual


class MBConvBlock(Residual):
    """Applies the layers that the block has of expand, depthwise, gate and project; adds a shortcut if possible."""

    def __init__(self, block: Block, eps: float) -> None:
        super().__init__()
        layers = {layer.role: layer for layer in block.layers}
        self.expand = conv_norm_act(layers["expand"], eps) if "expand" in layers else nn.Identity()
        self.depthwise = conv_norm_act(layers["depthwise"], eps) if "depthwise" in layers else nn.Identity()
        self.gate: nn.Module = nn.Identity()
        if "squeeze" in layers:
            self.gate = Gate(layers["squeeze"], layers["excite"], hard=has_hard_gate(block))
        self.project = conv_norm_act(layers["project"], eps)
        self.has_shortcut = block.keeps_shape and block.residual

    def _branch_norm(self) -> nn.BatchNorm2d:
        return batch_norm_of(self.project)

    def forward(self, features_NCHW: Tensor) -> Tensor:
        """Map (N, in, H, W) to (N, out, ⌈H/stride⌉, ⌈W/stride⌉)."""
        branch: Tensor = self.project(self.gate(self.depthwise(self.expand(features_NCHW))))
        return features_NCHW + self._drop_path(branch) if self.has_shortcut else branch


class MBConv(nn.Module):
    """Widens 1×1, filters each channel k×k, gates, narrows 1×1; adds a shortcut where the shape stays."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int | Fraction, se: Fraction
    ) -> None:
        super().__init__()
        inner = divisible(inputs * expansion)
        self.expand = conv(inputs, inner) if expansion > 1 else nn.Identity()
        self.depthwise = conv(inner, inner, kernel, stride, groups=inner)
        self.gate = SqueezeExcite(inner, max(1, int(inputs * se)))
        self.project = conv(inner, outputs, active=False)
        self.has_shortcut = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        branch = self.project(self.gate(self.depthwise(self.expand(x))))
        return x + branch if self.has_shortcut else branch


class HardGatedMBConv(nn.Module):
    """Widens 1×1, filters each channel k×k, gates as MobileNetV3, narrows 1×1; adds a shortcut where possible."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int | Fraction, se: Fraction
    ) -> None:
        super().__init__()
        inner = divisible(inputs * expansion)
        self.expand = conv(inputs, inner) if expansion > 1 else nn.Identity()
        self.depthwise = conv(inner, inner, kernel, stride, groups=inner)
        self.gate = HardSqueezeExcite(inner, divisible(inner * se))
        self.project = conv(inner, outputs, active=False)
        self.has_shortcut = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        branch = self.project(self.gate(self.depthwise(self.expand(x))))
        return x + branch if self.has_shortcut else branch


class ActiveHardGatedMBConv(MBConv):
    """Widens 1×1, filters each channel k×k, gates by a share of the wide channels, narrows 1×1."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int | Fraction, se: Fraction
    ) -> None:
        super().__init__(inputs, outputs, kernel, stride, expansion, se)
        inner = divisible(inputs * expansion)
        self.gate = ActiveHardSqueezeExcite(inner, divisible(inner * se))


class FBNetMBConv(MBConv):
    """Widens 1×1, filters each channel k×k, gates by a share of the block's inputs, narrows 1×1."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int | Fraction, se: Fraction
    ) -> None:
        super().__init__(inputs, outputs, kernel, stride, expansion, se)
        self.gate = ActiveHardSqueezeExcite(divisible(inputs * expansion), divisible(inputs * se, Fraction(19, 20)))


class InvertedResidual(nn.Module):
    """Widens 1×1, filters each channel k×k, narrows 1×1; adds a shortcut where the shape stays."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int | Fraction) -> None:
        super().__init__()
        inner = divisible(inputs * expansion)
        self.expand = conv(inputs, inner) if expansion > 1 else nn.Identity()
        self.depthwise = conv(inner, inner, kernel, stride, groups=inner)
        self.project = conv(inner, outputs, active=False)
        self.has_shortcut = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        branch = self.project(self.depthwise(self.expand(x)))
        return x + branch if self.has_shortcut else branch


class FusedMBConv(nn.Module):
    """Widens k×k, narrows 1×1 (one k×k convolution without widening); adds a shortcut where the shape stays."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int | Fraction) -> None:
        super().__init__()
        inner = divisible(inputs * expansion)
        if expansion > 1:
            self.branch = nn.Sequential(conv(inputs, inner, kernel, stride), conv(inner, outputs, active=False))
        else:
            self.branch = conv(inputs, outputs, kernel, stride)
        self.has_shortcut = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        return x + self.branch(x) if self.has_shortcut else self.branch(x)


class GatedFusedMBConv(nn.Module):
    """Widens k×k, gates, narrows 1×1 (a gate and one k×k convolution without widening)."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int | Fraction, se: Fraction
    ) -> None:
        super().__init__()
        inner = divisible(inputs * expansion)
        wide = expansion > 1
        self.expand = conv(inputs, inner, kernel, stride) if wide else nn.Identity()
        self.gate = SqueezeExcite(inner, max(1, int(inputs * se)))
        self.project = conv(inner, outputs, active=False) if wide else conv(inputs, outputs, kernel, stride)
        self.has_shortcut = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        branch = self.project(self.gate(self.expand(x)))
        return x + branch if self.has_shortcut else branch


class EdgeResidual(nn.Module):
    """Widens k×k, gates if it has a squeeze width, narrows 1×1; adds a shortcut where the shape stays.

    With a group width, the first convolution has the largest groups of inputs that divide both widths.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int,
        stride: int,
        expansion: int | Fraction,
        se: Fraction | None = None,
        group_width: int | None = None,
    ) -> None:
        super().__init__()
        inner = divisible(inputs * expansion)
        groups = 1 if group_width is None else inputs // gcd(inputs, group_width)
        self.branch = nn.Sequential(
            conv(inputs, inner, kernel, stride, groups),
            SqueezeExcite(inner, max(1, int(inputs * se))) if se else nn.Identity(),
            conv(inner, outputs, active=False),
        )
        self.has_shortcut = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        return x + self.branch(x) if self.has_shortcut else self.branch(x)


class MixConv(nn.Module):
    """Widens 1×1, filters parts of the channels by several kernels, gates, narrows 1×1; adds a shortcut."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int,
        stride: int,
        expansion: int | Fraction,
        se: Fraction | None = None,
        kernel_count: int = 1,
        expand_groups: int = 1,
        project_groups: int = 1,
    ) -> None:
        super().__init__()
        inner = divisible(inputs * expansion)
        kernels = range(kernel, kernel + 2 * kernel_count, 2)
        filters = [
            nn.Conv2d(width, width, side, stride, side // 2, groups=width, bias=False)
            for side, width in zip(kernels, split(inner, kernel_count), strict=True)
        ]
        self.expand = pointwise(inputs, inner, expand_groups) if expansion > 1 else nn.Identity()
        self.depthwise = nn.Sequential(SplitConv(filters), nn.BatchNorm2d(inner, eps=EPS), Activation())
        self.gate = SqueezeExcite(inner, max(1, int(inputs * se))) if se else nn.Identity()
        self.project = pointwise(inner, outputs, project_groups, active=False)
        self.has_shortcut = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        branch = self.project(self.gate(self.depthwise(self.expand(x))))
        return x + branch if self.has_shortcut else branch
