"""Define the plain-torch parts that exported source files share between block kinds.

`export.torch_source` copies the definitions that a network uses. They may therefore use only names of torch,
`Fraction`, `EPS`, `Activation`, `INNER_DIVISOR` and other definitions in `nets.blocks`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction

import torch
from torch import Tensor, nn

EPS = 0.001
Activation = nn.SiLU
INNER_DIVISOR = 8


class GELUTanh(nn.GELU):
    """Applies GELU in its form with tanh."""

    def __init__(self) -> None:
        super().__init__(approximate="tanh")


def conv(
    inputs: int, outputs: int, kernel: int = 1, stride: int = 1, groups: int = 1, active: bool = True
) -> nn.Sequential:
    """Build a convolution, batch norm and, where `active`, the activation."""
    layers = nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs, eps=EPS),
    )
    return layers.append(Activation()) if active else layers


class SplitConv(nn.Module):
    """Splits the channels into parts, each with a convolution of its own, and joins what these give."""

    def __init__(self, parts: Iterable[nn.Conv2d]) -> None:
        super().__init__()
        convolutions = list(parts)
        self.parts = nn.ModuleList(convolutions)
        self.widths = [part.in_channels for part in convolutions]

    def forward(self, x: Tensor) -> Tensor:
        pieces = torch.split(x, self.widths, 1)
        return torch.cat([part(piece) for part, piece in zip(self.parts, pieces, strict=True)], 1)


def split(channels: int, parts: int) -> list[int]:
    """Return the channels of equal parts; the first takes what is left over."""
    return [channels - (parts - 1) * (channels // parts), *[channels // parts] * (parts - 1)]


def pointwise(inputs: int, outputs: int, groups: int, active: bool = True) -> nn.Sequential:
    """Build a 1×1 convolution in groups, batch norm and, where `active`, the activation."""
    if groups == 1:
        return conv(inputs, outputs, active=active)
    sizes = zip(split(inputs, groups), split(outputs, groups), strict=True)
    layers = nn.Sequential(
        SplitConv(nn.Conv2d(width, wider, 1, bias=False) for width, wider in sizes),
        nn.BatchNorm2d(outputs, eps=EPS),
    )
    return layers.append(Activation()) if active else layers


def pad_input(layer: nn.Conv2d | nn.MaxPool2d, inputs: tuple[Tensor]) -> Tensor:
    """Pad the input of a strided layer to ⌈side / stride⌉ outputs; an odd pixel comes after the map."""
    (x,) = inputs
    kernel, stride = (size if isinstance(size, int) else size[0] for size in (layer.kernel_size, layer.stride))
    pads: list[int] = []
    for side in (x.shape[3], x.shape[2]):
        total = kernel - 1 - (side - 1) % stride
        if kernel < stride:
            total = (total + abs(total)) // 2  # at least 0, also for a side that is a symbol or is traced
        pads += [total // 2, total - total // 2]
    return nn.functional.pad(x, pads, value=0.0 if isinstance(layer, nn.Conv2d) else float("-inf"))


def pad_same(network: nn.Module) -> None:
    """Let every strided layer that pads do so as TensorFlow's SAME, which is symmetric where the stride is 1."""
    for layer in network.modules():
        if not isinstance(layer, nn.Conv2d | nn.MaxPool2d):
            continue
        if layer.stride not in (1, (1, 1)) and layer.padding not in (0, (0, 0)):
            layer.padding = (0, 0)
            layer.register_forward_pre_hook(pad_input)


def set_layer_norm_eps(network: nn.Module, eps: float) -> None:
    """Let every layer norm add `eps` to the variance."""
    for layer in network.modules():
        if isinstance(layer, nn.LayerNorm):
            layer.eps = eps


class SqueezeExcite(nn.Module):
    """Gates the channels by their means over the image."""

    def __init__(self, channels: int, squeezed: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(channels, squeezed, 1)
        self.act = Activation()
        self.excite = nn.Conv2d(squeezed, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        means = x.mean((2, 3), keepdim=True)
        return x * self.excite(self.act(self.squeeze(means))).sigmoid()


class HardSqueezeExcite(nn.Module):
    """Gates the channels by their means over the image, as MobileNetV3."""

    def __init__(self, channels: int, squeezed: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(channels, squeezed, 1)
        self.excite = nn.Conv2d(squeezed, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        means = x.mean((2, 3), keepdim=True)
        return x * nn.functional.hardsigmoid(self.excite(self.squeeze(means).relu()))


class ActiveHardSqueezeExcite(SqueezeExcite):
    """Gates the channels by their means over the image, with the activation inside and a hard sigmoid."""

    def forward(self, x: Tensor) -> Tensor:
        means = x.mean((2, 3), keepdim=True)
        return x * nn.functional.hardsigmoid(self.excite(self.act(self.squeeze(means))))


class BlurPool(nn.Module):
    """Smooths every map by [1 2 1] in both directions, with a stride."""

    def __init__(self, channels: int, stride: int, padding: str = "constant") -> None:
        super().__init__()
        self.channels, self.stride, self.padding = channels, stride, padding
        row = torch.tensor([0.25, 0.5, 0.25])
        kernel = (row[:, None] * row).repeat(channels, 1, 1, 1)
        self.register_buffer("kernel", kernel, persistent=False)
        self.kernel: Tensor

    def forward(self, x: Tensor) -> Tensor:
        smallest = min(x.shape[2], x.shape[3])
        padding = "replicate" if self.padding == "reflect" and smallest == 1 else self.padding
        x = nn.functional.pad(x, [1] * 4, padding)
        return nn.functional.conv2d(x, self.kernel, None, self.stride, groups=self.channels)


def smoothed(layers: nn.Sequential, channels: int, antialias: str) -> nn.Sequential:
    """Move the stride of a convolution, the first of the layers, to a smoothing behind them."""
    convolution = layers[0]
    assert isinstance(convolution, nn.Conv2d)
    stride = convolution.stride[0]
    convolution.stride = (1, 1)
    if antialias == "avg_pool":
        return layers.append(nn.AvgPool2d(stride, ceil_mode=True))
    return layers.append(BlurPool(channels, stride, "reflect" if antialias == "blur" else "constant"))


def without_residual(blocks: nn.Module) -> nn.Module:
    """Let no block add its input to its output."""
    for block in blocks.children():
        vars(block).update(has_shortcut=False)
    return blocks


def with_smoothing(blocks: nn.Sequential, antialias: str) -> nn.Sequential:
    """Let a smoothing stride in place of the convolutions in the first block, except for the shortcut's."""
    for name, layers in list(blocks[0].named_modules()):
        first = next(iter(layers), None) if isinstance(layers, nn.Sequential) else None
        if isinstance(first, nn.Conv2d) and first.stride != (1, 1) and not name.startswith("shortcut"):
            assert isinstance(layers, nn.Sequential)
            smoothed(layers, first.out_channels, antialias)
    return blocks


class SENetGate(nn.Module):
    """Gates the channels by their means over the image, squeezed to a share in whole multiples."""

    def __init__(self, channels: int, se: Fraction) -> None:
        super().__init__()
        squeezed = max(1, int(channels * se / INNER_DIVISOR + Fraction(1, 2))) * INNER_DIVISOR
        self.squeeze = nn.Conv2d(channels, squeezed, 1)
        self.excite = nn.Conv2d(squeezed, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        means = x.mean((2, 3), keepdim=True)
        return x * self.excite(self.squeeze(means).relu()).sigmoid()


class ECAGate(nn.Module):
    """Gates the channels by their means over the image, and those of their neighbours."""

    def __init__(self, kernel: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(1, 1, kernel, padding=kernel // 2, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        means = x.mean((2, 3)).unsqueeze(1)
        return x * self.conv(means).sigmoid().transpose(1, 2).unsqueeze(3)


def eca_gate(channels: int) -> ECAGate:
    """Build the gate of so many channels."""
    return ECAGate(3 + 2 * (channels >= 2**7) + 2 * (channels >= 2**11) + 2 * (channels >= 2**15))


def divisible(channels: int | Fraction, kept: Fraction = Fraction(9, 10)) -> int:
    """Return a whole number as it is, else the nearest multiple; the next one where that keeps too little."""
    if isinstance(channels, int):
        return channels
    nearest = max(1, int(channels / INNER_DIVISOR + Fraction(1, 2))) * INNER_DIVISOR
    return nearest + INNER_DIVISOR if nearest < channels * kept else nearest


def with_activation(blocks: nn.Module, activation: type[nn.Module]) -> nn.Module:
    """Replace the network's activation in the blocks by another one."""
    for parent in list(blocks.modules()):
        for name, child in parent.named_children():
            if isinstance(child, Activation):
                setattr(parent, name, activation())
    return blocks


class ChannelNorm(nn.LayerNorm):
    """Normalises over the channels of each place."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class ResponseNorm(nn.Module):
    """Scales each map by its norm over the mean of all maps' norms; the identity at first."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        responses = torch.linalg.vector_norm(x, dim=(2, 3), keepdim=True)
        shares = responses / (responses.mean(1, keepdim=True) + 1e-6)
        return torch.addcmul(self.bias[:, None, None], x, 1 + self.weight[:, None, None] * shares)


class LayerScale(nn.Module):
    """Scales each channel by a learned factor, small at first."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full((channels,), 1e-6))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.weight[:, None, None]


def shortcut(inputs: int, outputs: int, stride: int) -> nn.Module:
    """Build the identity, or a 1×1 convolution where the shape changes."""
    if stride == 1 and inputs == outputs:
        return nn.Identity()
    return conv(inputs, outputs, stride=stride, active=False)


def pooled_shortcut(inputs: int, outputs: int, stride: int) -> nn.Module:
    """Build the identity; where the shape changes, a mean of 2×2 places if it strides, and a 1×1 convolution."""
    if stride == 1 and inputs == outputs:
        return nn.Identity()
    projection = conv(inputs, outputs, active=False)
    return nn.Sequential(nn.AvgPool2d(2, stride, ceil_mode=True), *projection) if stride > 1 else projection


def no_shortcut(inputs: int, outputs: int, stride: int) -> nn.Module | None:
    """Build the identity, or nothing where the shape changes."""
    return nn.Identity() if stride == 1 and inputs == outputs else None


class GhostModule(nn.Module):
    """Makes half the channels by a 1×1 convolution and one from each by its own filter; drops an odd last one."""

    def __init__(self, inputs: int, outputs: int, active: bool = True) -> None:
        super().__init__()
        self.outputs, half = outputs, outputs - outputs // 2
        self.primary = conv(inputs, half, active=active)
        self.cheap = conv(half, half, 3, groups=half, active=active)

    def forward(self, x: Tensor) -> Tensor:
        x = self.primary(x)
        return torch.cat([x, self.cheap(x)], 1)[:, : self.outputs]


def filtered_shortcut(inputs: int, outputs: int, kernel: int, stride: int) -> nn.Module:
    """Build the identity; where the shape changes, filter each channel k×k, then apply a 1×1 convolution."""
    if stride == 1 and inputs == outputs:
        return nn.Identity()
    return nn.Sequential(
        conv(inputs, inputs, kernel, stride, groups=inputs, active=False),
        conv(inputs, outputs, active=False),
    )


def stage(
    block: Callable[..., nn.Module], inputs: int, outputs: int, layers: int, stride: int, **sizes: int | Fraction
) -> nn.Sequential:
    """Build `layers` blocks; the first one has the stride and changes the channels."""
    first = block(inputs, outputs, stride=stride, **sizes)
    rest = (block(outputs, outputs, stride=1, **sizes) for _ in range(layers - 1))
    return nn.Sequential(first, *rest)


class Features(nn.Module):
    """Maps images to the last feature map of each stride, for a decoder, with the layers of the network."""

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
