"""Import of timm's GhostNet as an `Architecture`."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from scalesearch.design.architecture import Architecture, Head, Stage, Stem
from scalesearch.design.decimals import whole_or_fraction
from scalesearch.design.images import ImageSize
from scalesearch.export.arguments import Arguments
from scalesearch.export.library_rules import make_divisible, stage_blocks
from scalesearch.export.read_timm import AVERAGES, UNSEEN
from scalesearch.export.timm_definition import MOBILENET_GATE
from scalesearch.export.values import Call, Definition, Items, Value

_POSITIONS = "cfgs num_classes width in_chans output_stride global_pool drop_rate version"
_DIVISOR, _STEM, _HIDDEN = 4, 16, 1280
_PLACES = Decimal("0.000000001")
_ROW = "a row must be [kernel, inner width, width, se, stride]"


def read_ghostnet(definition: Definition, call: Call, px: ImageSize) -> Architecture:
    """Return the network of a call of timm's GhostNet (`models/ghostnet.py`), of its first version, at `px`.

    Raises:
        InputError: something in it is not understood, or is not a network of ours; one line with file and line.
    """
    arguments = Arguments(definition, call, _POSITIONS, UNSEEN)
    arguments.only("version", ("v1",), "a block here is GhostNet's first")
    arguments.only("output_stride", (32,), "a network here has strides in place of dilation")
    arguments.only("global_pool", AVERAGES, "the head here pools by the mean")
    multiplier = float(arguments.number("width", "1"))
    if not 0 < multiplier <= 64:
        raise arguments.refused(call.line, "width must be above 0, and 64 at most")
    stem = make_divisible(_STEM * multiplier, _DIVISOR)
    stages, inner_widths, lines = [], [], []
    width = stem
    for row in _rows(arguments):
        kernel, inner, out, stride = (arguments.as_integer(row.items[place], _ROW) for place in (0, 1, 2, 4))
        se = arguments.as_number(row.items[3], _ROW)
        if not all(1 <= size <= 65536 for size in (inner, out)):
            raise arguments.refused(row.line, f"{_ROW}; widths are in 1 … 65536")
        inner = make_divisible(inner * multiplier, _DIVISOR)
        with arguments.errors_at(row.line):
            expansion = whole_or_fraction((Decimal(inner) / width).quantize(_PLACES))
            width = make_divisible(out * multiplier, _DIVISOR)
            gate = MOBILENET_GATE if se else None
            stages.append(Stage("ghost", kernel, stride, expansion, width, 1, se, gate=gate))
        inner_widths.append(inner)
        lines.append(row.line)
    with arguments.errors_at(call.line):
        network = Architecture(
            px,
            Stem(3, 2, stem),
            tuple(stages),
            Head(inner_widths[-1], arguments.integer("num_classes", 1000), hidden=_HIDDEN),
            "relu",
            Decimal("0.00001"),
            arguments.in_channels("in_chans"),
            inner_divisor=_DIVISOR,
        )
    arguments.finish()
    for (number, _, block), inner in zip(stage_blocks(network), inner_widths, strict=True):
        if block.inner_width != inner:
            raise arguments.refused(lines[number - 1], f"{inner} inner channels are no expansion here")
    return network


def _rows(arguments: Arguments) -> Iterator[Items]:
    """Yield every block's row of every stage of `cfgs`."""
    for stage in arguments.items("cfgs"):
        for row in _items(arguments, stage):
            if not isinstance(row, Items) or len(row.items) != len(_ROW.split(",")):
                raise arguments.refused(row.line, _ROW)
            yield row


def _items(arguments: Arguments, value: Value) -> tuple[Value, ...]:
    if not isinstance(value, Items):
        raise arguments.refused(value.line, "cfgs must be a list of lists of rows, written out")
    return value.items
