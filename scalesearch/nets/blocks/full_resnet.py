"""Define the plain-torch classes of ResNet's blocks with any gate and any shortcut."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from torch import Tensor, nn

from scalesearch.nets.blocks.plain_parts import Activation, SqueezeExcite, conv, shortcut


class FullBasic(nn.Module):
    """Applies two convolutions and a gate, and adds a shortcut where there is one."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int,
        stride: int,
        gate: Callable[[int], nn.Module] = nn.Identity,
        shortcut: Callable[[int, int, int], nn.Module | None] = shortcut,
    ) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            conv(inputs, outputs, kernel, stride),
            conv(outputs, outputs, kernel, active=False),
            gate(outputs),
        )
        self.shortcut = shortcut(inputs, outputs, stride)
        self.act = Activation()

    def forward(self, x: Tensor) -> Tensor:
        branch = self.branch(x)
        return self.act(branch if self.shortcut is None else branch + self.shortcut(x))


class FullBottleneck(nn.Module):
    """Narrows 1×1, filters k×k, widens 1×1, with a gate before or behind that; adds a shortcut if there is one."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int,
        stride: int,
        expansion: int,
        groups: int = 1,
        inner_gate: Callable[[int], nn.Module] = nn.Identity,
        gate: Callable[[int], nn.Module] = nn.Identity,
        shortcut: Callable[[int, int, int], nn.Module | None] = shortcut,
        se: Fraction | None = None,
    ) -> None:
        super().__init__()
        inner = outputs // expansion
        squeeze = None if se is None else SqueezeExcite(inner, max(1, int(inputs * se)))
        self.branch = nn.Sequential(
            conv(inputs, inner),
            conv(inner, inner, kernel, stride, groups),
            inner_gate(inner) if squeeze is None else squeeze,
            conv(inner, outputs, active=False),
            gate(outputs),
        )
        self.shortcut = shortcut(inputs, outputs, stride)
        self.act = Activation()

    def forward(self, x: Tensor) -> Tensor:
        branch = self.branch(x)
        return self.act(branch if self.shortcut is None else branch + self.shortcut(x))
