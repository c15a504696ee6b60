"""Import of torchvision's EfficientNet and MobileNetV2 and of either library's ResNet as an `Architecture`."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from scalesearch.design.architecture import Architecture, Head, Stage, Stem
from scalesearch.design.block_kinds import KINDS
from scalesearch.export.arguments import Arguments
from scalesearch.export.library_rules import RESNET_STRIDES, RESNET_WIDTHS, make_divisible, stage_blocks
from scalesearch.export.read_timm import pooled_by_mean
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


RESNET_UNSEEN = "zero_init_residual zero_init_last drop_rate drop_path_rate drop_block_rate stem_width device dtype"
"""Parameters that do not change the network: initial weights, dropout, and the width of a deep stem, which is
refused; any other stem has 64 channels."""
_RESNET_ONLY: dict[str, tuple[tuple[object, ...], str]] = {
    "stem_type": (("",), "a deep stem is no stem here"),
    "replace_stem_pool": ((False,), "the pool behind the stem is a max-pool here"),
    "avg_down": ((False,), "a shortcut with a pool is no shortcut here"),
    "down_kernel_size": ((1,), "a shortcut's convolution is 1×1 here"),
    "block_reduce_first": ((1,), "a narrower first convolution is no block here"),
    "output_stride": ((32,), "a network here has strides in place of dilation"),
    "replace_stride_with_dilation": (
        (None, (False, False, False)),
        "a network here has strides in place of dilation",
    ),
    "aa_layer": ((None,), "an anti-aliasing layer is no part of a network here"),
    "block_args": ((None, ()), "a block here has no arguments of its own"),
}
"""Arguments of either library that change the network: the values that our networks have, and why they have no
others."""


def read_efficientnet(definition: Definition, call: Call, px: int) -> Architecture:
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


def read_mobilenet(definition: Definition, call: Call, px: int) -> Architecture:
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


def read_resnet(definition: Definition, call: Call, px: int) -> Architecture:
    """Return the network of a call of timm's or torchvision's ResNet (`models/resnet.py` in both).

    Raises:
        InputError: something in it is not understood, or is not a network of ours; one line with file and line.
    """
    arguments = Arguments(definition, call, "block layers num_classes", RESNET_UNSEEN)
    kind = arguments.symbol("block", {spec.resnet: name for name, spec in KINDS.items() if spec.resnet})
    depths = arguments.integers("layers")
    for name, (allowed, reason) in _RESNET_ONLY.items():
        arguments.only(name, allowed, reason)
    pooled_by_mean(arguments)
    has_channels = "channels" in call.keywords
    planes = arguments.integers("channels") if has_channels else RESNET_WIDTHS
    groups = arguments.integer("cardinality", 1) * arguments.integer("groups", 1)
    base_width = arguments.integer("base_width", 64) * arguments.integer("width_per_group", 64) * groups // 64
    if len(depths) != len(RESNET_STRIDES) or len(planes) != len(RESNET_STRIDES):
        raise arguments.refused(call.line, "a ResNet has four stages")
    if groups > 1 and not KINDS[kind].grouped:
        raise arguments.refused(call.line, "BasicBlock has no groups")
    if base_width < 1 or 256 % base_width or (not KINDS[kind].narrows and base_width != 64):
        raise arguments.refused(call.line, "base_width (times groups) must divide 256, and be 64 with BasicBlock")
    if any(width * base_width % (64 * groups) for width in planes):
        raise arguments.refused(call.line, "a group of every stage must have whole channels before it is rounded")
    unit, expansion = (4, 256 // base_width) if KINDS[kind].narrows else (1, 1)
    with arguments.errors_at(call.line):
        stages = tuple(
            Stage(
                kind, 3, stride, expansion, unit * width, depth, group_width=_group_width(width, base_width, groups)
            )
            for stride, width, depth in zip(RESNET_STRIDES, planes, depths, strict=True)
        )
        network = Architecture(
            px,
            Stem(7, 2, 64, pool=True, fixed=True),
            stages,
            Head(None, arguments.integer("num_classes", 1000)),
            arguments.activation("act_layer", "relu"),
            arguments.batch_norm_eps(),
            arguments.in_channels("in_chans"),
        )
    arguments.finish()
    return network


def _group_width(planes: int, base_width: int, groups: int) -> int | None:
    """Return the channels of each group of a stage, or None for a single group."""
    return None if groups == 1 else planes * base_width // 64 // groups
