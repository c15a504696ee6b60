"""Break a network's cost down by layer, stage and kind of layer, and predict the totals of other FLOP counters.

Counters differ in what they count and in what they call a FLOP. `CounterTotals` holds what each counter must
report, from the walk alone, and `check` compares the two.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from scalesearch.design.architecture import Architecture
from scalesearch.design.blocks import Block
from scalesearch.design.images import ImageSize, area
from scalesearch.design.layers import Layer
from scalesearch.design.norms import NORMS
from scalesearch.errors import CountError

LAYER_KINDS = ("conv", "pointwise conv", "depthwise conv", "linear")
"""The kinds of layers that are counted."""

_FLOPS_OF_A_MAC = 2
"""torch's `FlopCounterMode` counts a multiplication and an addition."""


@dataclass(frozen=True, slots=True)
class LayerCost:
    """A layer cost is what one layer costs for one image."""

    block: str
    """The name of the layer's block in the walk: `stem`, `stages.3.1`, `head` or `classifier`."""
    role: str
    """The role of the layer in its block: `expand`, `depthwise`, `squeeze`, …"""
    kind: str
    """The kind of the layer, one of `LAYER_KINDS`."""
    in_width: int
    out_width: int
    out_px: ImageSize
    macs: int
    params: int
    normalised: tuple[tuple[str, int], ...]
    """The layer's normalisations, each as its name and the number of elements that it reads."""
    pooled: int
    """The elements that a global average pool before the layer reads; 0 where there is none."""

    @property
    def stage(self) -> str:
        """The name of the stage: `stages.3` for `stages.3.1`; stem, head and classifier count as stages."""
        return self.block.rpartition(".")[0] if self.block.count(".") == 2 else self.block


def layer_costs(architecture: Architecture) -> tuple[LayerCost, ...]:
    """Return the cost of every layer that has multiply-adds, in the order in which data meets them."""
    costs: list[LayerCost] = []
    px = architecture.resolution
    for block in architecture.walk():
        for index, layer in enumerate(block.layers):
            pools = layer.pools or (block.kind == "classifier" and index == 0)
            costs.append(_layer_cost(block, layer, layer.in_width * area(px) if pools else 0))
            if not layer.is_gate:  # the gate leaves the map's size alone
                px = layer.out_px
        px = block.out_px
    return tuple(costs)


def _layer_cost(block: Block, layer: Layer, pooled: int) -> LayerCost:
    return LayerCost(
        block.name,
        layer.role,
        _layer_kind(block, layer),
        layer.in_width,
        layer.out_width,
        layer.out_px,
        layer.macs,
        layer.params,
        tuple((name, channels * positions) for name, channels, positions in layer.normalised),
        pooled,
    )


def _layer_kind(block: Block, layer: Layer) -> str:
    if block.kind == "classifier" and layer.norm is None:
        return "linear"
    if layer.is_depthwise:
        return "depthwise conv"
    return "pointwise conv" if layer.kernel == 1 and layer.channel_kernel is None else "conv"


@dataclass(frozen=True, slots=True)
class Group:
    """A group is a set of layers that is shown as one row, with its sums."""

    name: str
    layers: int
    macs: int
    params: int


def grouped(costs: Sequence[LayerCost], key: Callable[[LayerCost], str]) -> tuple[Group, ...]:
    """Return the layers summed by `key`, in the order in which the keys first occur."""
    rows: dict[str, list[LayerCost]] = {}
    for layer in costs:
        rows.setdefault(key(layer), []).append(layer)
    return tuple(
        Group(name, len(layers), sum(layer.macs for layer in layers), sum(layer.params for layer in layers))
        for name, layers in rows.items()
    )


@dataclass(frozen=True, slots=True)
class CounterTotals:
    """Counter totals are what each FLOP counter must report for one image, as sums over the same layers."""

    convolutions: int
    """The multiply-adds of the convolutions."""
    linear: int
    """The multiply-adds of the classifier, and of a hidden layer without batch norm before it."""
    norms: Mapping[str, int]
    """What fvcore adds for each normalisation of `norms.NORMS`: a number of operations per element."""
    pooling: int
    """What fvcore adds where a network pools by `adaptive_avg_pool2d`: one operation per element read.

    Networks of this package pool by a mean, which fvcore does not count. Those of torchvision and timm do not.
    """

    @property
    def macs(self) -> int:
        """The multiply-adds, as the paper counts them."""
        return self.convolutions + self.linear

    @property
    def flops(self) -> int:
        """The FLOPs where a multiply-add counts as two: what torch's `FlopCounterMode` reports."""
        return _FLOPS_OF_A_MAC * self.macs

    @property
    def fvcore_total(self) -> int:
        """What fvcore reports for a network of this package."""
        return self.macs + sum(self.norms.values())

    @property
    def fvcore_total_pooled(self) -> int:
        """What fvcore reports for the same network where it pools by `adaptive_avg_pool2d`."""
        return self.fvcore_total + self.pooling


def counter_totals(costs: Sequence[LayerCost]) -> CounterTotals:
    """Return the totals of all counters, from the costs of the layers."""
    linear = sum(layer.macs for layer in costs if layer.kind == "linear")
    return CounterTotals(
        sum(layer.macs for layer in costs) - linear,
        linear,
        {name: norm.fvcore_operations * _elements(costs, name) for name, norm in NORMS.items()},
        sum(layer.pooled for layer in costs),
    )


def _elements(costs: Sequence[LayerCost], norm: str) -> int:
    return sum(elements for layer in costs for name, elements in layer.normalised if name == norm)


def check(expected: CounterTotals, fvcore: Mapping[str, int], fvcore_total: int, torch_flops: int) -> None:
    """Check that both counters agree exactly with the closed form, operator by operator.

    Args:
        expected: the totals from the closed form.
        fvcore: fvcore's count by operator.
        fvcore_total: fvcore's total.
        torch_flops: the total of torch's `FlopCounterMode`.

    Raises:
        CountError: a count differs, or fvcore counted an operator that the totals do not explain.
    """
    known = {"conv": expected.convolutions, "linear": expected.linear, **expected.norms}
    rows = [(f"fvcore's {name}", fvcore.get(name, 0), known.get(name, 0)) for name in sorted({*fvcore, *known})]
    rows.append(("fvcore's total", fvcore_total, expected.fvcore_total))
    rows.append(("torch's counter", torch_flops, expected.flops))
    for name, counted, predicted in rows:
        if counted != predicted:
            raise CountError(f"{name} is {counted}, but the closed form makes it {predicted}: please report it")
