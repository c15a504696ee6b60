"""Import of torchvision's EfficientNet and MobileNetV2 as an `Architecture`."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from scalesearch.design.architecture import Architecture, Head, Stage, Stem
from scalesearch.design.images import ImageSize
from scalesearch.export.arguments import Arguments
from scalesearch.export.library_rules import make_divisible, stage_blocks
from scalesearch.export.torchvision_definition import CONFIGS, MOBILENET_HEAD, MOBILENET_STEM, QUARTER
from scalesearch.export.values import Call, Definition, Items

_CONFIG_POSITIONS = "expand_ratio kernel stride input_channels out_channels num_layers"
"""The positional parameters of MBConvConfig and FusedMBConvConfig."""
_KINDS = {config: kind for kind, config in CONFIGS.items()}
"""Our block kinds by the class of the row."""
_MULTIPLIERS = {"mbconv": ("width_mult", "depth_mult"), "fused_mbconv": ()}
"""The multipliers that a row of each kind has as parameters."""
_MOBILENET_ROWS = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
"""The rows that torchvision builds if no setting is given."""


def read_efficientnet(definition: Definition, call: Call, px: ImageSize) -> Architecture:
    """Return the network of a call of torchvision's EfficientNet (`models/efficientnet.py`).

    Raises:
        InputError: something in it is not understood, or is not a network of ours; one line with file and line.
    """
    positions = "inverted_residual_setting dropout stochastic_depth_prob num_classes norm_layer last_channel"
    arguments = Arguments(definition, call, positions, "dropout stochastic_depth_prob")
    stages: list[Stage] = []
    lines: list[int] = []
    stem = width = 0
    for row in arguments.items("inverted_residual_setting"):
        if not isinstance(row, Call) or row.name not in _KINDS:
            raise arguments.refused(row.line, f"rows must be {' or '.join(_KINDS)}")
        in_channels, stage = _stage(definition, row)
        stem = stem or in_channels
        if width not in (0, in_channels):
            raise arguments.refused(
                row.line, f"the row takes {in_channels} channels, but the row before gives {width}"
            )
        width = stage.width
        stages.append(stage)
        lines.append(row.line)
    with arguments.errors_at(call.line):
        head_width = arguments.integer("last_channel", 4 * width, optional=True)
        head = Head(head_width, arguments.integer("num_classes", 1000))
        network = Architecture(px, Stem(3, 2, stem), tuple(stages), head, "silu", arguments.batch_norm_eps())
    arguments.finish()
    for number, stage, block in stage_blocks(network):
        block_widths = (block.in_width, block.out_width) if stage.kind == "mbconv" else ()
        for channels in (block.inner_width, *block_widths):
            if make_divisible(channels) != channels:
                rounded = make_divisible(channels)
                raise arguments.refused(lines[number - 1], f"torchvision rounds {channels} channels to {rounded}")
    return network


def _stage(definition: Definition, row: Call) -> tuple[int, Stage]:
    """Return the input channels and the stage of a row."""
    kind = _KINDS[row.name]
    multipliers = _MULTIPLIERS[kind]
    arguments = Arguments(definition, row, " ".join((_CONFIG_POSITIONS, *multipliers, "block")))
    for name in multipliers:
        arguments.only(name, (1,), "write the scaled numbers, or scale with scalesearch")
    arguments.only("block", (None,), f"a block here is {row.name}'s own block")
    expansion, kernel, stride, in_channels, width, layers = (
        arguments.integer(name) for name in _CONFIG_POSITIONS.split()
    )
    arguments.finish()
    if stride > 2:
        raise arguments.refused(row.line, f"torchvision's strides are 1 and 2, not {stride}")
    se = QUARTER if kind == "mbconv" else Decimal(0)
    with arguments.errors_at(row.line):
        return in_channels, Stage(kind, kernel, stride, expansion, width, layers, se)


def read_mobilenet(definition: Definition, call: Call, px: ImageSize) -> Architecture:
    """Return the network of a call of torchvision's MobileNetV2 (`models/mobilenetv2.py`).

    Raises:
        InputError: something in it is not understood, or is not a network of ours; one line with file and line.
    """
    positions = "num_classes width_mult inverted_residual_setting round_nearest block norm_layer dropout"
    arguments = Arguments(definition, call, positions, "dropout")
    arguments.only("block", (None,), "a block here is torchvision's InvertedResidual")
    multiplier, divisor = float(arguments.number("width_mult", "1")), arguments.integer("round_nearest", 8)
    if not 0 < multiplier <= 64 or not 1 <= divisor <= 65536:
        raise arguments.refused(call.line, "width_mult must be in 0 … 64, and round_nearest at least 1")
    stages = []
    for line, (expansion, channels, layers, stride) in _mobilenet_rows(arguments):
        if stride > 2:
            raise arguments.refused(line, f"torchvision's strides are 1 and 2, not {stride}")
        with arguments.errors_at(line):
            width = make_divisible(channels * multiplier, divisor)
            stages.append(Stage("inverted_residual", 3, stride, expansion, width, layers))
    stem = make_divisible(MOBILENET_STEM * multiplier, divisor)
    head = make_divisible(MOBILENET_HEAD * max(1.0, multiplier), divisor)
    with arguments.errors_at(call.line):
        classes = arguments.integer("num_classes", 1000)
        network = Architecture(
            px, Stem(3, 2, stem), tuple(stages), Head(head, classes), "relu6", arguments.batch_norm_eps()
        )
    arguments.finish()
    return network


def _mobilenet_rows(arguments: Arguments) -> Iterator[tuple[int, tuple[int, ...]]]:
    """Yield the line and the numbers of every row; torchvision's own rows if none are given."""
    value = arguments.value("inverted_residual_setting")
    if value is None:
        yield from ((arguments.call.line, row) for row in _MOBILENET_ROWS)
        return
    if not isinstance(value, Items) or not value.items:
        raise arguments.refused(value.line, "inverted_residual_setting must be a list, written out")
    for row in value.items:
        if not isinstance(row, Items) or len(row.items) != len(_MOBILENET_ROWS[0]):
            raise arguments.refused(row.line, "a row must be [expansion, channels, layers, stride]")
        yield row.line, tuple(arguments.as_integer(item, "a row's number") for item in row.items)
