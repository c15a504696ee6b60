"""The block strings of timm's EfficientNet and MobileNetV3, such as `ir_r2_k3_s2_e6_c24_se0.25`.

The meaning of the parts follows timm's `models/_efficientnet_builder.py`, `_decode_block_str`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal

from scalesearch.design.activations import ACTIVATIONS
from scalesearch.design.architecture import Stage
from scalesearch.design.decimals import whole_or_fraction
from scalesearch.errors import SpaceError

_FLAGS = {activation.timm: name for name, activation in ACTIVATIONS.items() if activation.timm}
"""Our activations by their flags in timm's strings."""
_TOKEN = re.compile(r"(r|k|s|e|c|se|a|p|fc|gs)(\d+(?:\.\d+)*)")
"""A part of a string with a number, such as `k3`."""
_DIGITS = 9
_NUMBER = re.compile(rf"\d{{1,{_DIGITS}}}(\.\d{{1,{_DIGITS}}})?")
_SKIP, _NO_SKIP = "skip", "noskip"
_GROUPED = "er"
"""The block whose k×k convolution may be grouped."""
_POINTWISE_KERNELS = ("a", "p")
"""The kernels of the two 1×1 convolutions of most blocks, which must be 1."""


@dataclass(frozen=True, slots=True)
class BlockString:
    """A block string is what one of timm's strings states."""

    stage: Stage
    no_skip: bool = False
    """Whether it removes the residual connection where the shape stays."""
    forced_in: int | None = None
    """The width (channels) that an `er` expands in place of its input's (`fc`); None: the input's."""


@dataclass(frozen=True, slots=True)
class _Parts:
    """The parts of a string: its sizes by their letters, its activation and its flags."""

    text: str
    block: str
    sizes: dict[str, str]
    activation: str | None
    skips: bool

    def error(self, reason: str) -> SpaceError:
        return SpaceError(f"{self.text!r}: {reason}")

    def decimal(self, name: str, default: str | None = None) -> Decimal:
        number = self.sizes.get(name, default)
        if number is None:
            raise self.error(f"{name} is missing")
        if number.count(".") > 1:
            raise self.error(f"{name}{number} is understood in ir only")
        if not _NUMBER.fullmatch(number):
            raise self.error(f"{number} has too many digits")
        return Decimal(number)

    def several(self, name: str, default: str = "1") -> tuple[int, ...]:
        """Return the kernels of the parts of a convolution: 3, 5 and 7 of `k3.5.7`."""
        numbers = self.sizes.get(name, default).split(".") if name in self.sizes or default else []
        if any(len(number) > _DIGITS for number in numbers):
            raise self.error(f"{name} has too many digits")
        return tuple(map(int, numbers))

    def whole(self, name: str, default: str | None = None) -> int:
        value = self.decimal(name, default)
        if value != int(value):
            raise self.error(f"{value} must be a whole number")
        return int(value)

    def expansion(self) -> int | Decimal:
        return whole_or_fraction(self.decimal("e"))

    def se(self) -> Decimal:
        return self.decimal("se", "0")

    def check_pointwise(self) -> None:
        """Refuse kernels of the 1×1 convolutions that are not 1."""
        for name in _POINTWISE_KERNELS:
            if self.sizes.get(name, "1") != "1":
                raise self.error(f"{name} is not 1, but the other convolutions are 1×1 here")

    def check_ungrouped(self) -> None:
        """Refuse groups of channels where the block's kind here has none."""
        if "gs" in self.sizes:
            raise self.error(f"gs{self.sizes['gs']} is understood in er only")

    def check_plain(self) -> None:
        """Refuse an expansion above 1 of a block that has none."""
        if self.decimal("e", "1") != 1:
            raise self.error(f"{self.block} has no expansion; leave e out")

    def check_ungated(self) -> None:
        """Refuse a gate where the block's kind here has none."""
        if self.se():
            raise self.error(f"a {self.block} with se is no kind here")

    def stage(self, kind: str, expansion: int | Decimal = 1, se: Decimal | None = None) -> Stage:
        """Return the stage of a kind whose convolution's kernel is `k`."""
        sizes = [self.whole(name) for name in ("k", "s", "c", "r")]
        kernel, stride, width, depth = sizes
        return Stage(kind, kernel, stride, expansion, width, depth, se or Decimal(0), activation=self.activation)


def _inverted_residual(parts: _Parts) -> Stage:
    """Return the stage of `ir`; without expansion its first convolution is there nevertheless."""
    if any("." in parts.sizes.get(name, "") for name in ("k", *_POINTWISE_KERNELS)):
        return _mixed(parts)
    parts.check_pointwise()
    expansion, se = parts.expansion(), parts.se()
    if expansion != 1:
        return parts.stage("mbconv" if se else "inverted_residual", expansion, se)
    return parts.stage("uib", se=se)


def _mixed(parts: _Parts) -> Stage:
    """Return the stage of an `ir` with convolutions in parts, as `k3.5.7` and `a1.1` state them (MixNet)."""
    for name in _POINTWISE_KERNELS:
        if set(parts.several(name)) != {1}:
            raise parts.error(f"{name} is not 1, but the other convolutions are 1×1 here")
    kernels = parts.several("k", "")
    if not kernels or kernels != tuple(range(kernels[0], kernels[0] + 2 * len(kernels), 2)):
        raise parts.error("the kernels of k are no run that grows by 2, as those of a mixconv are")
    if parts.expansion() == 1:
        raise parts.error("an ir in parts has its first convolution even without expansion, which no kind here has")
    stride, width, depth = (parts.whole(name) for name in ("s", "c", "r"))
    return Stage(
        "mixconv",
        kernels[0],
        stride,
        parts.expansion(),
        width,
        depth,
        parts.se(),
        activation=parts.activation,
        kernel_count=len(kernels),
        expand_groups=len(parts.several("a")),
        project_groups=len(parts.several("p")),
    )


def _edge_residual(parts: _Parts) -> Stage:
    """Return the stage of `er`, whose `gs` counts the channels of a group behind the expansion."""
    parts.check_pointwise()
    expansion, group = parts.expansion(), parts.whole("gs", "0")
    if not group:
        return parts.stage("edge_residual" if expansion == 1 else "fused_mbconv", expansion, parts.se())
    if not isinstance(expansion, int) or not expansion or group % expansion:
        raise parts.error(f"gs{group} must be a multiple of a whole expansion, or its groups have no whole inputs")
    stage = parts.stage("edge_residual", expansion, parts.se())
    return replace(stage, group_width=group // expansion)


def _depthwise(parts: _Parts) -> Stage:
    parts.check_pointwise()
    parts.check_plain()
    se = parts.se()
    return parts.stage("mbconv" if se else "inverted_residual", se=se)


def _depthwise_active(parts: _Parts) -> Stage:
    parts.check_pointwise()
    parts.check_plain()
    if parts.skips:
        raise parts.error(f"{_SKIP}: a dsa has no residual connection in timm; leave it out")
    return parts.stage("depthwise_separable", se=parts.se())


def _convolution(parts: _Parts) -> Stage:
    """Return the stage of `cn`, which has a residual connection only with `skip`."""
    parts.check_pointwise()
    parts.check_plain()
    parts.check_ungated()
    return parts.stage("fused_mbconv" if parts.skips else "conv")


def _universal(parts: _Parts) -> Stage:
    """Return the stage of `uir`: `a` and `k` are kernels of depthwise convolutions, left out where they are 0."""
    if parts.decimal("p", "0"):
        raise parts.error("p is given, but a uib has no depthwise convolution after its projection")
    start, kernel = parts.whole("a", "0") or 1, parts.whole("k") or 1
    if start == kernel == 1 and parts.whole("s") != 1:
        raise parts.error("a uir without depthwise convolutions has no stride in timm")
    width, depth, stride = (parts.whole(name) for name in ("c", "r", "s"))
    return Stage(
        "uib",
        kernel,
        stride,
        parts.expansion(),
        width,
        depth,
        parts.se(),
        activation=parts.activation,
        start_kernel=start,
    )


_BLOCKS: dict[str, Callable[[_Parts], Stage]] = {
    "ir": _inverted_residual,
    "er": _edge_residual,
    "ds": _depthwise,
    "dsa": _depthwise_active,
    "cn": _convolution,
    "uir": _universal,
}
"""By the first part of a string: the reader of such a block."""


def read_string(text: str) -> BlockString:
    """Return what one of timm's strings states; the error names the first part that is not understood.

    Raises:
        SpaceError: a part of it is not understood, or is not a stage of ours.
    """
    block, *tokens = text.split("_")
    skips, no_skip = _SKIP in tokens, _NO_SKIP in tokens
    if skips and no_skip:
        raise SpaceError(f"{text!r}: has both {_SKIP} and {_NO_SKIP}; keep one")
    if block not in _BLOCKS:
        *others, last = _BLOCKS
        raise SpaceError(f"{text!r}: {block!r} is not understood; blocks are {', '.join(others)} and {last}")
    flags = [token for token in tokens if token in _FLAGS]
    if len(flags) > 1:
        raise SpaceError(f"{text!r}: has two activations; keep one")
    sizes: dict[str, str] = {}
    for token in (token for token in tokens if token not in (_SKIP, _NO_SKIP, *flags)):
        match = _TOKEN.fullmatch(token)
        if match is None or match[1] in sizes:
            raise SpaceError(f"{text!r}: {token!r} is not understood; parts are r k s e c se, once each")
        sizes[match[1]] = match[2]
    parts = _Parts(text, block, sizes, _FLAGS[flags[0]] if flags else None, skips)
    if block != _GROUPED:
        parts.check_ungrouped()
    return BlockString(_BLOCKS[block](parts), no_skip, _forced_in(parts))


def _forced_in(parts: _Parts) -> int | None:
    if "fc" not in parts.sizes:
        return None
    if parts.block != "er":
        raise parts.error(f"fc{parts.sizes['fc']} is understood in er only")
    if parts.se():
        raise parts.error("fc with se is no kind here")
    if "gs" in parts.sizes:
        raise parts.error("fc with gs is no kind here")
    return parts.whole("fc") or None
