"""Compare the values that the paper's tables print with counts of the same networks, and say why they differ."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

from scalesearch.design.baselines import load_baseline
from scalesearch.design.coefficients import Multipliers
from scalesearch.design.cost import cost
from scalesearch.design.cost_breakdown import grouped, layer_costs
from scalesearch.design.decimals import format_decimal, nearest, product
from scalesearch.design.explain import stage_sizes
from scalesearch.design.images import square_side
from scalesearch.design.networks import load_network
from scalesearch.design.paper import COMPOUND, PEERS, TABLE_1, TABLE_2, TABLES_3_AND_7, PaperStage, PaperVariant

_MILLION, _BILLION = 10**6, 10**9


@dataclass(frozen=True, slots=True)
class PrintedValue:
    """A printed value stands with the count of the same quantity."""

    printed: str | None
    """The value as the paper prints it, in `unit`; None: the paper prints none."""
    counted: int | None
    """The counted value; None: the network is not a baseline here."""
    unit: int

    @property
    def delta(self) -> float | None:
        """The relative difference, counted / printed − 1.

        It is 0 where the count rounds to the printed value, and None where either is missing.
        """
        if self.printed is None or self.counted is None:
            return None
        printed, counted = Decimal(self.printed), Decimal(self.counted) / self.unit
        unit = Decimal(1).scaleb(int(printed.as_tuple().exponent))
        return 0.0 if nearest(counted / unit) * unit == printed else float(counted / printed - 1)

    @property
    def best(self) -> Decimal | None:
        """The counted value where there is one, else the printed value."""
        if self.counted is not None:
            return Decimal(self.counted)
        return None if self.printed is None else Decimal(self.printed) * self.unit


@dataclass(frozen=True, slots=True)
class StageRow:
    """A row of Table 1 is one stage as printed and as built, with its cost, which the paper does not print."""

    printed: PaperStage
    px: int
    channels: int
    layers: int
    macs: int
    params: int

    @property
    def agrees(self) -> bool:
        """Whether the sizes are as printed."""
        return (self.printed.px, self.printed.channels, self.printed.layers) == (
            self.px,
            self.channels,
            self.layers,
        )


@dataclass(frozen=True, slots=True)
class NetworkRow:
    """A row of Table 2 is one network; its ratios are over the counts of the EfficientNet of its group."""

    name: str
    beside: str
    top1: str
    params: PrintedValue
    macs: PrintedValue
    params_ratio: float | None
    macs_ratio: float | None
    note: str


@dataclass(frozen=True, slots=True)
class VariantRow:
    """A row of Tables 3 and 7 is one scaled baseline; its ratios are over the row of the unscaled baseline."""

    table: int
    baseline: str
    variant: str
    multipliers: Multipliers
    px: int
    top1: str
    params: int
    macs: PrintedValue
    printed_ratio: float
    counted_ratio: float
    note: str


def table_1() -> tuple[StageRow, ...]:
    """Return Table 1, EfficientNet-B0 by stage; the last row is head, pooling and classifier."""
    network = load_baseline("b0").architecture
    costs = {stage.name: stage for stage in grouped(layer_costs(network), lambda layer: layer.stage)}
    sizes = stage_sizes(network)
    names = [name for name in sizes if name != "classifier"]
    rows = []
    for printed, name in zip(TABLE_1, names, strict=True):
        _, layers, channels, px = sizes[name]
        groups = [costs[name], costs["classifier"]] if name == "head" else [costs[name]]
        macs, params = sum(group.macs for group in groups), sum(group.params for group in groups)
        rows.append(StageRow(printed, square_side(px), channels, layers, macs, params))
    return tuple(rows)


def macs_of_the_first_print() -> int:
    """Return B0's multiply-adds with the strides of the first version of Table 1.

    That version had strides 1 and 2 in rows 5 and 6, in place of 2 and 1. The difference was reported in
    tensorflow/tpu#383, where an author answered that the code is right.
    """
    network = load_baseline("b0").architecture
    stages = list(network.stages)
    stages[3], stages[4] = replace(stages[3], stride=1), replace(stages[4], stride=2)
    return cost(replace(network, stages=tuple(stages))).macs


def table_2() -> tuple[NetworkRow, ...]:
    """Return Table 2: B0 to B7 with the networks of their groups, counted where they are baselines here."""
    rows = []
    for printed in TABLE_2:
        name = printed.name if printed.name == printed.beside else PEERS.get(printed.name)
        counted = cost(load_network(name).architecture) if name else None
        params = PrintedValue(printed.params_m, counted.params if counted else None, _MILLION)
        macs = PrintedValue(printed.flops_b, counted.macs if counted else None, _BILLION)
        peer = cost(load_network(printed.beside).architecture)
        note = _note_table_2(printed.name, params, macs) if counted else ""
        ratios = (_ratio(params.best, peer.params), _ratio(macs.best, peer.macs))
        rows.append(NetworkRow(printed.name, printed.beside, printed.top1, params, macs, *ratios, note))
    return tuple(rows)


def _ratio(amount: Decimal | None, reference: int) -> float | None:
    return None if amount is None else float(amount / reference)


def _note_table_2(name: str, params: PrintedValue, macs: PrintedValue) -> str:
    if not params.delta and not macs.delta:
        return ""
    if name == "ResNet-152":
        return "with He et al.'s stride on the 1×1 it is 11.28 G, the print; the shipped one has it on the 3×3"
    return "cause unknown: none of the five rounding rules gives the print"


def tables_3_and_7(rule: str = "paper") -> tuple[VariantRow, ...]:
    """Return MobileNetV1, V2 and ResNet-50 (Table 3) and B0 (Table 7), scaled, and rounded by `rule`."""
    return tuple(_variants(rule))


def _variants(rule: str) -> Iterator[VariantRow]:
    unscaled = {(row.table, row.baseline): row for row in TABLES_3_AND_7 if row.variant == "baseline"}
    for row in TABLES_3_AND_7:
        baseline, first = load_baseline(row.baseline), unscaled[row.table, row.baseline]
        depth, width, resolution = map(Decimal, row.multipliers or COMPOUND)
        multipliers = Multipliers(depth, width, resolution)
        network = baseline.scale(multipliers, rule).architecture
        counted = cost(network)
        macs = PrintedValue(row.flops_b, counted.macs, _BILLION)
        yield VariantRow(
            row.table,
            row.baseline,
            row.variant,
            multipliers,
            network.side,
            row.top1,
            counted.params,
            macs,
            float(Decimal(row.flops_b) / Decimal(first.flops_b)),
            counted.macs / cost(baseline.architecture).macs,
            _note_tables_3_and_7(row, multipliers, baseline.architecture.side, macs),
        )


def _note_tables_3_and_7(row: PaperVariant, multipliers: Multipliers, side: int, macs: PrintedValue) -> str:
    if row.multipliers is None:
        return f"the paper prints no multipliers; those of Table 7 are taken: {multipliers}"
    if not macs.delta:
        return ""
    if row.variant == "compound":
        scaled_side = product(multipliers.resolution, side)
        px = f"{format_decimal(multipliers.resolution)} × {side} = {format_decimal(scaled_side)} px"
        return f"depths, widths and {px} depend on the rounding"
    return "whole multiples leave nothing to round: every rounding rule gives this count; cause unknown"
