"""Build the universal inverted bottleneck of MobileNetV4 (Qin et al. 2024)."""

from __future__ import annotations

from fractions import Fraction

from torch import Tensor, nn

from scalesearch.design.blocks import Block
from scalesearch.nets.blocks.parts import batch_norm_of, conv_norm_act, has_hard_gate, make_gate
from scalesearch.nets.blocks.plain_parts import HardSqueezeExcite, SqueezeExcite, conv, divisible
from scalesearch.nets.blocks.residual import Residual


class UIBBlock(Residual):
    """Applies the block's layers one after the other, and adds a shortcut where the shape stays."""

    def __init__(self, block: Block, eps: float) -> None:
        super().__init__()
        self.branch = nn.Sequential()
        layers = {layer.role: layer for layer in block.layers}
        for role, layer in layers.items():
            if role == "squeeze":
                self.branch.add_module("gate", make_gate(layers, has_hard_gate(block)))
            elif role != "excite":
                self.branch.add_module(role, conv_norm_act(layer, eps))
        self.has_shortcut = block.keeps_shape and block.residual

    def _branch_norm(self) -> nn.BatchNorm2d:
        return batch_norm_of(self.branch[-1])

    def forward(self, features_NCHW: Tensor) -> Tensor:
        """Map (N, in, H, W) to (N, out, ⌈H/stride⌉, ⌈W/stride⌉)."""
        branch: Tensor = self.branch(features_NCHW)
        return features_NCHW + self._drop_path(branch) if self.has_shortcut else branch


class UniversalInvertedBottleneck(nn.Module):
    """Filters each channel, widens 1×1, filters each channel, narrows 1×1; no filter where its kernel is 1."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int,
        stride: int,
        expansion: int | Fraction,
        start_kernel: int = 1,
    ) -> None:
        super().__init__()
        inner = divisible(inputs * expansion)
        strides = [1, 1, 1]  # of the first filter, of the widening, of the second filter
        strides[2 if kernel > 1 else 0 if start_kernel > 1 else 1] = stride
        self.branch = nn.Sequential()
        if start_kernel > 1:
            self.branch.append(conv(inputs, inputs, start_kernel, strides[0], groups=inputs, active=False))
        self.branch.append(conv(inputs, inner, stride=strides[1]))
        if kernel > 1:
            self.branch.append(conv(inner, inner, kernel, strides[2], groups=inner))
        self.branch.append(conv(inner, outputs, active=False))
        self.has_shortcut = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        return x + self.branch(x) if self.has_shortcut else self.branch(x)


class GatedUniversalInvertedBottleneck(UniversalInvertedBottleneck):
    """Filters each channel, widens 1×1, filters each channel, gates, narrows 1×1."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int,
        stride: int,
        expansion: int | Fraction,
        se: Fraction,
        start_kernel: int = 1,
    ) -> None:
        super().__init__(inputs, outputs, kernel, stride, expansion, start_kernel)
        inner = divisible(inputs * expansion)
        self.branch.insert(len(self.branch) - 1, SqueezeExcite(inner, max(1, int(inputs * se))))


class HardGatedUniversalInvertedBottleneck(UniversalInvertedBottleneck):
    """Filters each channel, widens 1×1, filters each channel, gates as MobileNetV3, narrows 1×1."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int,
        stride: int,
        expansion: int | Fraction,
        se: Fraction,
        start_kernel: int = 1,
    ) -> None:
        super().__init__(inputs, outputs, kernel, stride, expansion, start_kernel)
        inner = divisible(inputs * expansion)
        self.branch.insert(len(self.branch) - 1, HardSqueezeExcite(inner, divisible(inner * se)))
