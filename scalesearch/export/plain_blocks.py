"""The blocks as an exported source file shows them: plain torch, for reading.

`torch_source` copies the definitions that a network uses, so nothing here may need another name than torch's,
`Fraction`, `EPS`, `Activation` and the other definitions of this file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction

from torch import Tensor, nn

EPS = 0.001
Activation = nn.SiLU


def conv(
    inputs: int, outputs: int, kernel: int = 1, stride: int = 1, groups: int = 1, active: bool = True
) -> nn.Sequential:
    """A convolution, batch norm and, where `active`, the activation."""
    layers = nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs, eps=EPS),
    )
    return layers.append(Activation()) if active else layers


def separable(inputs: int, outputs: int, kernel: int, stride: int) -> nn.Sequential:
    """MobileNetV1's block: each channel filtered by itself, then a 1×1 convolution."""
    return nn.Sequential(conv(inputs, inputs, kernel, stride, groups=inputs), conv(inputs, outputs))


class SqueezeExcite(nn.Module):
    """Gates on the channels, from their means over the image."""

    def __init__(self, channels: int, squeezed: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(channels, squeezed, 1)
        self.act = Activation()
        self.excite = nn.Conv2d(squeezed, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        means = x.mean((2, 3), keepdim=True)
        return x * self.excite(self.act(self.squeeze(means))).sigmoid()


class MBConv(nn.Module):
    """Widen 1×1, filter each channel k×k, gate, narrow 1×1; a shortcut where the shape stays."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int, se: Fraction) -> None:
        super().__init__()
        inner = inputs * expansion
        self.expand = conv(inputs, inner) if expansion > 1 else nn.Identity()
        self.depthwise = conv(inner, inner, kernel, stride, groups=inner)
        self.gate = SqueezeExcite(inner, max(1, int(inputs * se)))
        self.project = conv(inner, outputs, active=False)
        self.has_shortcut = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        branch = self.project(self.gate(self.depthwise(self.expand(x))))
        return x + branch if self.has_shortcut else branch


class InvertedResidual(nn.Module):
    """Widen 1×1, filter each channel k×k, narrow 1×1; a shortcut where the shape stays."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        inner = inputs * expansion
        self.expand = conv(inputs, inner) if expansion > 1 else nn.Identity()
        self.depthwise = conv(inner, inner, kernel, stride, groups=inner)
        self.project = conv(inner, outputs, active=False)
        self.has_shortcut = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        branch = self.project(self.depthwise(self.expand(x)))
        return x + branch if self.has_shortcut else branch


class FusedMBConv(nn.Module):
    """Widen k×k, narrow 1×1 (one k×k convolution where nothing is widened); a shortcut where the shape stays."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        inner = inputs * expansion
        if expansion > 1:
            self.branch = nn.Sequential(conv(inputs, inner, kernel, stride), conv(inner, outputs, active=False))
        else:
            self.branch = conv(inputs, outputs, kernel, stride)
        self.has_shortcut = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        return x + self.branch(x) if self.has_shortcut else self.branch(x)


class GatedFusedMBConv(nn.Module):
    """Widen k×k, gate, narrow 1×1 (a gate and one k×k convolution where nothing is widened)."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int, se: Fraction) -> None:
        super().__init__()
        inner = inputs * expansion
        wide = expansion > 1
        self.expand = conv(inputs, inner, kernel, stride) if wide else nn.Identity()
        self.gate = SqueezeExcite(inner, max(1, int(inputs * se)))
        self.project = conv(inner, outputs, active=False) if wide else conv(inputs, outputs, kernel, stride)
        self.has_shortcut = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        branch = self.project(self.gate(self.expand(x)))
        return x + branch if self.has_shortcut else branch


def shortcut(inputs: int, outputs: int, stride: int) -> nn.Module:
    """The input itself, or a 1×1 convolution where the shape changes."""
    if stride == 1 and inputs == outputs:
        return nn.Identity()
    return conv(inputs, outputs, stride=stride, active=False)


class Basic(nn.Module):
    """ResNet's block of two convolutions."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            conv(inputs, outputs, kernel, stride),
            conv(outputs, outputs, kernel, active=False),
        )
        self.shortcut = shortcut(inputs, outputs, stride)
        self.act = Activation()

    def forward(self, x: Tensor) -> Tensor:
        return self.act(self.branch(x) + self.shortcut(x))


class Bottleneck(nn.Module):
    """ResNet's block of three convolutions: narrow 1×1, k×k, widen 1×1."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        inner = outputs // expansion
        self.branch = nn.Sequential(
            conv(inputs, inner),
            conv(inner, inner, kernel, stride),
            conv(inner, outputs, active=False),
        )
        self.shortcut = shortcut(inputs, outputs, stride)
        self.act = Activation()

    def forward(self, x: Tensor) -> Tensor:
        return self.act(self.branch(x) + self.shortcut(x))


def stage(
    block: Callable[..., nn.Module], inputs: int, outputs: int, layers: int, stride: int, **sizes: int | Fraction
) -> nn.Sequential:
    """`layers` blocks; the first one has the stride and changes the channels."""
    first = block(inputs, outputs, stride=stride, **sizes)
    rest = (block(outputs, outputs, stride=1, **sizes) for _ in range(layers - 1))
    return nn.Sequential(first, *rest)


class Features(nn.Module):
    """Images to the last feature map of each stride, for a decoder; the layers are those of the network."""

    def __init__(self, layers: Iterable[nn.Module], maps: dict[int, tuple[int, int]]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)
        self.kept = tuple(maps)
        self.strides, self.channels = zip(*maps.values(), strict=True)

    def forward(self, x: Tensor) -> list[Tensor]:
        maps = []
        for layer in self.layers:
            x = layer(x)
            maps.append(x)
        return [maps[index] for index in self.kept]
