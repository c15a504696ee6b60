"""Define the plain-torch classes of bottlenecks that are wider inside than outside."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import gcd

from torch import Tensor, nn

from scalesearch.nets.blocks.plain_parts import Activation, SqueezeExcite, conv, shortcut


class WideBottleneck(nn.Module):
    """Widens 1×1, filters k×k in groups of channels, narrows 1×1; adds a shortcut if there is one."""

    widens_inputs = is_linear = False

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int,
        stride: int,
        expansion: int,
        group_width: int | None = None,
        se: Fraction | None = None,
        inner_gate: Callable[[int], nn.Module] = nn.Identity,
        gate: Callable[[int], nn.Module] = nn.Identity,
        shortcut: Callable[[int, int, int], nn.Module | None] = shortcut,
    ) -> None:
        super().__init__()
        width = inputs if self.widens_inputs else outputs
        inner = width * expansion
        groups = inner // gcd(width, group_width) if group_width else 1
        self.branch = nn.Sequential(
            conv(inputs, inner),
            conv(inner, inner, kernel, stride, groups),
            SqueezeExcite(inner, max(1, int(inputs * se))) if se else inner_gate(inner),
            conv(inner, outputs, active=False),
            gate(outputs),
        )
        self.shortcut = shortcut(inputs, outputs, stride)
        self.act = nn.Identity() if self.is_linear else Activation()

    def forward(self, x: Tensor) -> Tensor:
        branch = self.branch(x)
        return self.act(branch if self.shortcut is None else branch + self.shortcut(x))


class LinearBottleneck(WideBottleneck):
    """The same without an activation at the end."""

    is_linear = True


class InvertedBottleneck(LinearBottleneck):
    """The same with an inner width that is a multiple of the inputs."""

    widens_inputs = True
