"""The receipt of a network's cost: every layer, sums by stage and by kind, and one figure in four conventions.

Counters disagree by what they count and by what they call a FLOP, not by mistake: `Sums` says what each
must show, from the walk alone, and `check` holds them to it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from scalesearch.design.architecture import Architecture
from scalesearch.design.blocks import Block
from scalesearch.design.layers import Layer
from scalesearch.design.norms import NORMS
from scalesearch.errors import CountError

LAYER_KINDS = ("conv", "pointwise conv", "depthwise conv", "linear")

_FLOPS_OF_A_MAC = 2
"""torch's `FlopCounterMode` counts a multiplication and an addition."""


@dataclass(frozen=True, slots=True)
class LayerCount:
    """What one layer costs for one image."""

    block: str
    """The block's name in the walk: `stem`, `stages.3.1`, `head`, `classifier`."""
    role: str
    """What the layer is for in its block: `expand`, `depthwise`, `squeeze`, …"""
    kind: str
    """One of `LAYER_KINDS`."""
    in_width: int
    out_width: int
    out_px: int
    macs: int
    params: int
    normalised: tuple[tuple[str, int], ...]
    """Its normalisations, each with the elements that it sees."""
    pooled: int
    """Elements that the global average pool before it reads."""

    @property
    def stage(self) -> str:
        """`stages.3` for `stages.3.1`; stem, head and classifier are stages of their own."""
        return self.block.rpartition(".")[0] if self.block.count(".") == 2 else self.block


def layer_counts(architecture: Architecture) -> tuple[LayerCount, ...]:
    """Every layer that has multiply-adds, in the order in which data meets them."""
    found: list[LayerCount] = []
    px = architecture.resolution
    for block in architecture.walk():
        for place, layer in enumerate(block.layers):
            pools = layer.role == "squeeze" or (block.kind == "classifier" and place == 0)
            found.append(_count(block, layer, layer.in_width * px**2 if pools else 0))
            if layer.role not in ("squeeze", "excite"):  # the gate leaves the map's size alone
                px = layer.out_px
        px = block.out_px
    return tuple(found)


def _count(block: Block, layer: Layer, pooled: int) -> LayerCount:
    return LayerCount(
        block.name,
        layer.role,
        _kind(block, layer),
        layer.in_width,
        layer.out_width,
        layer.out_px,
        layer.macs,
        layer.params,
        tuple((name, channels * places) for name, channels, places in layer.normalised),
        pooled,
    )


def _kind(block: Block, layer: Layer) -> str:
    if block.kind == "classifier" and layer.norm is None:
        return "linear"
    if layer.is_depthwise:
        return "depthwise conv"
    return "pointwise conv" if layer.kernel == 1 else "conv"


@dataclass(frozen=True, slots=True)
class Group:
    """Layers that are shown as one row."""

    name: str
    layers: int
    macs: int
    params: int


def grouped(counts: Sequence[LayerCount], by: Callable[[LayerCount], str]) -> tuple[Group, ...]:
    """The layers summed by a key, in the order in which the keys are met."""
    rows: dict[str, list[LayerCount]] = {}
    for one in counts:
        rows.setdefault(by(one), []).append(one)
    return tuple(
        Group(name, len(found), sum(one.macs for one in found), sum(one.params for one in found))
        for name, found in rows.items()
    )


@dataclass(frozen=True, slots=True)
class Sums:
    """What every counter must show for one image, each an explicit sum over the same layers."""

    convolutions: int
    """Multiply-adds of the convolutions."""
    linear: int
    """Multiply-adds of the classifier, with the layer before it where it has one without batch norm."""
    norms: Mapping[str, int]
    """What fvcore adds for each normalisation of `norms.NORMS`: a number of operations an element."""
    pooling: int
    """What fvcore adds where a network pools by `adaptive_avg_pool2d`: one operation an element read. Our
    networks pool by a mean, which fvcore does not count; torchvision's and timm's do not."""

    @property
    def macs(self) -> int:
        """The paper's multiply-adds."""
        return self.convolutions + self.linear

    @property
    def flops(self) -> int:
        """FLOPs where a multiply-add is two: what torch's `FlopCounterMode` shows."""
        return _FLOPS_OF_A_MAC * self.macs

    @property
    def fvcore_total(self) -> int:
        """What fvcore shows for our network."""
        return self.macs + sum(self.norms.values())

    @property
    def fvcore_total_pooled(self) -> int:
        """What fvcore shows for the same network where its pools are `adaptive_avg_pool2d`."""
        return self.fvcore_total + self.pooling


def sums(counts: Sequence[LayerCount]) -> Sums:
    """The four conventions from the walk alone."""
    linear = sum(count.macs for count in counts if count.kind == "linear")
    return Sums(
        sum(count.macs for count in counts) - linear,
        linear,
        {name: norm.fvcore_operations * _elements(counts, name) for name, norm in NORMS.items()},
        sum(count.pooled for count in counts),
    )


def _elements(counts: Sequence[LayerCount], norm: str) -> int:
    return sum(elements for count in counts for name, elements in count.normalised if name == norm)


def check(expected: Sums, fvcore: Mapping[str, int], fvcore_total: int, torch_flops: int) -> None:
    """Hold the two counters to the closed form, operator by operator, to the last digit.

    Args:
        expected: the sums of the walk.
        fvcore: fvcore's count by operator.
        fvcore_total: fvcore's own total.
        torch_flops: the total of torch's `FlopCounterMode`.

    Raises:
        CountError: a figure differs, or fvcore counted an operator that the sums do not explain.
    """
    known = {"conv": expected.convolutions, "linear": expected.linear, **expected.norms}
    rows = [(f"fvcore's {name}", fvcore.get(name, 0), known.get(name, 0)) for name in sorted({*fvcore, *known})]
    rows.append(("fvcore's total", fvcore_total, expected.fvcore_total))
    rows.append(("torch's counter", torch_flops, expected.flops))
    for name, counted, wanted in rows:
        if counted != wanted:
            raise CountError(f"{name} is {counted}, but the closed form makes it {wanted}: please report it")
