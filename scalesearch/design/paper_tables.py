"""The paper's tables, counted: what it prints beside what its definitions come to, and why they differ."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

from scalesearch.design.baselines import load_baseline
from scalesearch.design.coefficients import Multipliers
from scalesearch.design.cost import cost
from scalesearch.design.exact import nearest, plain, product
from scalesearch.design.explain import stage_sizes
from scalesearch.design.networks import load_network
from scalesearch.design.paper import COMPOUND, PEERS, TABLE_1, TABLE_2, TABLES_3_AND_7, Row1, Row37
from scalesearch.design.receipt import grouped, layer_counts

_MILLION, _BILLION = 10**6, 10**9


@dataclass(frozen=True, slots=True)
class Figure:
    """A printed figure and its count."""

    printed: str | None
    """As the paper prints it, in `unit`; None: it prints none."""
    counted: int | None
    """None: the network is no baseline here."""
    unit: int

    @property
    def delta(self) -> float | None:
        """Counted over printed, less 1; 0 where the count rounds to the print; None where one is missing."""
        if self.printed is None or self.counted is None:
            return None
        printed, counted = Decimal(self.printed), Decimal(self.counted) / self.unit
        unit = Decimal(1).scaleb(int(printed.as_tuple().exponent))
        return 0.0 if nearest(counted / unit) * unit == printed else float(counted / printed - 1)

    @property
    def best(self) -> Decimal | None:
        """The count where there is one, else the print."""
        if self.counted is not None:
            return Decimal(self.counted)
        return None if self.printed is None else Decimal(self.printed) * self.unit


@dataclass(frozen=True, slots=True)
class StageRow:
    """Table 1: one stage as printed and as built, with what it costs (the paper does not say)."""

    printed: Row1
    px: int
    channels: int
    layers: int
    macs: int
    params: int

    @property
    def agrees(self) -> bool:
        """Whether sizes are as printed."""
        return (self.printed.px, self.printed.channels, self.printed.layers) == (
            self.px,
            self.channels,
            self.layers,
        )


@dataclass(frozen=True, slots=True)
class NetworkRow:
    """Table 2: one network; the ratios are over the EfficientNet that it stands beside, as counted."""

    name: str
    beside: str
    top1: str
    params: Figure
    macs: Figure
    params_ratio: float | None
    macs_ratio: float | None
    note: str


@dataclass(frozen=True, slots=True)
class VariantRow:
    """Tables 3 and 7: one baseline scaled; the ratios are over its unscaled row."""

    table: int
    baseline: str
    variant: str
    multipliers: Multipliers
    px: int
    top1: str
    params: int
    macs: Figure
    printed_ratio: float
    counted_ratio: float
    note: str


def table_1() -> tuple[StageRow, ...]:
    """EfficientNet-B0, stage by stage; the last row is head, pooling and classifier."""
    network = load_baseline("b0").architecture
    costs = {one.name: one for one in grouped(layer_counts(network), lambda one: one.stage)}
    sizes = stage_sizes(network)
    names = [name for name in sizes if name != "classifier"]
    rows = []
    for printed, name in zip(TABLE_1, names, strict=True):
        _, layers, channels, px = sizes[name]
        parts = [costs[name], costs["classifier"]] if name == "head" else [costs[name]]
        macs, params = sum(part.macs for part in parts), sum(part.params for part in parts)
        rows.append(StageRow(printed, px, channels, layers, macs, params))
    return tuple(rows)


def macs_of_the_first_print() -> int:
    """B0's multiply-adds with the strides that Table 1 first had: rows 5 and 6 with 1 and 2 for 2 and 1.

    tensorflow/tpu#383 found the difference; an author answered there that the code is right.
    """
    network = load_baseline("b0").architecture
    stages = list(network.stages)
    stages[3], stages[4] = replace(stages[3], stride=1), replace(stages[4], stride=2)
    return cost(replace(network, stages=tuple(stages))).macs


def table_2() -> tuple[NetworkRow, ...]:
    """B0 to B7 and the networks beside them; those that are baselines here are counted too."""
    rows = []
    for one in TABLE_2:
        own = one.name if one.name == one.beside else PEERS.get(one.name)
        price = cost(load_network(own).architecture) if own else None
        params = Figure(one.params_m, price.params if price else None, _MILLION)
        macs = Figure(one.flops_b, price.macs if price else None, _BILLION)
        group = cost(load_network(one.beside).architecture)
        note = _note_2(one.name, params, macs) if price else ""
        ratios = (_ratio(params.best, group.params), _ratio(macs.best, group.macs))
        rows.append(NetworkRow(one.name, one.beside, one.top1, params, macs, *ratios, note))
    return tuple(rows)


def _ratio(amount: Decimal | None, whole: int) -> float | None:
    return None if amount is None else float(amount / whole)


def _note_2(name: str, params: Figure, macs: Figure) -> str:
    if not params.delta and not macs.delta:
        return ""
    if name == "ResNet-152":
        return "with He et al.'s stride on the 1×1 it is 11.28 G, the print; the shipped one has it on the 3×3"
    return "cause unknown: none of the five rounding rules gives the print"


def tables_3_and_7(rule: str = "paper") -> tuple[VariantRow, ...]:
    """MobileNetV1, V2, ResNet-50 (Table 3) and B0 (Table 7), scaled and rounded by `rule`."""
    return tuple(_variants(rule))


def _variants(rule: str) -> Iterator[VariantRow]:
    unscaled = {(one.table, one.baseline): one for one in TABLES_3_AND_7 if one.variant == "baseline"}
    for one in TABLES_3_AND_7:
        baseline, first = load_baseline(one.baseline), unscaled[one.table, one.baseline]
        depth, width, resolution = map(Decimal, one.multipliers or COMPOUND)
        by = Multipliers(depth, width, resolution)
        network = baseline.scale(by, rule).architecture
        price = cost(network)
        macs = Figure(one.flops_b, price.macs, _BILLION)
        yield VariantRow(
            one.table,
            one.baseline,
            one.variant,
            by,
            network.resolution,
            one.top1,
            price.params,
            macs,
            float(Decimal(one.flops_b) / Decimal(first.flops_b)),
            price.macs / cost(baseline.architecture).macs,
            _note_37(one, by, baseline.architecture.resolution, macs),
        )


def _note_37(row: Row37, by: Multipliers, side: int, macs: Figure) -> str:
    if row.multipliers is None:
        return f"the paper prints no multipliers; those of Table 7 are taken: {by}"
    if not macs.delta:
        return ""
    if row.variant == "compound":
        px = f"{plain(by.resolution)} × {side} = {plain(product(by.resolution, side))} px"
        return f"depths, widths and {px} depend on the rounding"
    return "whole multiples leave nothing to round: every rounding rule gives this count; cause unknown"
