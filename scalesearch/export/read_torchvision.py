"""torchvision's EfficientNet and MobileNetV2 calls, and either library's ResNet → `Architecture`."""

from __future__ import annotations

from decimal import Decimal

from scalesearch.design.architecture import Architecture, Head, Stage, Stem
from scalesearch.export.arguments import Arguments
from scalesearch.export.library_rules import RESNET_STRIDES, RESNET_WIDTHS, make_divisible, stage_blocks
from scalesearch.export.literals import Call, Definition, Items
from scalesearch.export.torchvision_definition import CONFIGS, MOBILENET_HEAD, MOBILENET_STEM, QUARTER

_CONFIG = "expand_ratio kernel stride input_channels out_channels num_layers"
_KINDS = {config: kind for kind, config in CONFIGS.items()}


def read_efficientnet(definition: Definition, call: Call, px: int) -> Architecture:
    """The network of a call of torchvision's EfficientNet (`models/efficientnet.py`).

    Raises:
        InputError: something in it is not understood, or is no network of ours: one line with its place.
    """
    positions = "inverted_residual_setting dropout stochastic_depth_prob num_classes norm_layer last_channel"
    arguments = Arguments(definition, call, positions, "dropout stochastic_depth_prob")
    stages: list[Stage] = []
    lines: list[int] = []
    stem = width = 0
    for row in arguments.items("inverted_residual_setting"):
        if not isinstance(row, Call) or row.name not in _KINDS:
            raise arguments.refused(row.line, f"rows must be {' or '.join(_KINDS)}")
        before, stage = _stage(definition, row)
        stem = stem or before
        if width not in (0, before):
            raise arguments.refused(row.line, f"the row takes {before} channels, but the row before gives {width}")
        width = stage.width
        stages.append(stage)
        lines.append(row.line)
    with arguments.placed(call.line):
        head = Head(arguments.integer("last_channel", 4 * width), arguments.integer("num_classes", 1000))
        network = Architecture(px, Stem(3, 2, stem), tuple(stages), head, "silu", arguments.batch_norm_eps())
    arguments.finish()
    for number, stage, block in stage_blocks(network):
        ends = (block.in_width, block.out_width) if stage.kind == "mbconv" else ()
        for channels in (block.in_width * stage.expansion, *ends):
            if make_divisible(channels) != channels:
                rounded = make_divisible(channels)
                raise arguments.refused(lines[number - 1], f"torchvision rounds {channels} channels to {rounded}")
    return network


def _stage(definition: Definition, row: Call) -> tuple[int, Stage]:
    """A row's input channels and its stage."""
    arguments = Arguments(definition, row, f"{_CONFIG} width_mult depth_mult")
    for name in ("width_mult", "depth_mult"):
        if arguments.number(name, "1") != 1:
            raise arguments.refused(
                row.line, f"{name} is not 1; write the scaled numbers, or scale with scalesearch"
            )
    expansion, kernel, stride, before, width, layers = (arguments.integer(name) for name in _CONFIG.split())
    arguments.finish()
    if stride > 2:
        raise arguments.refused(row.line, f"torchvision's strides are 1 and 2, not {stride}")
    kind = _KINDS[row.name]
    se = QUARTER if kind == "mbconv" else Decimal(0)
    with arguments.placed(row.line):
        return before, Stage(kind, kernel, stride, expansion, width, layers, se)


def read_mobilenet(definition: Definition, call: Call, px: int) -> Architecture:
    """The network of a call of torchvision's MobileNetV2 (`models/mobilenetv2.py`).

    Raises:
        InputError: something in it is not understood, or is no network of ours: one line with its place.
    """
    positions = "num_classes width_mult inverted_residual_setting round_nearest"
    arguments = Arguments(definition, call, positions, "dropout")
    times, nearest = float(arguments.number("width_mult", "1")), arguments.integer("round_nearest", 8)
    if not 0 < times <= 64 or not 1 <= nearest <= 65536:
        raise arguments.refused(call.line, "width_mult must be in 0 … 64, and round_nearest at least 1")
    stages = []
    for row in arguments.items("inverted_residual_setting"):
        if not isinstance(row, Items) or len(row.items) != 4:
            raise arguments.refused(row.line, "a row must be [expansion, channels, layers, stride]")
        expansion, channels, layers, stride = (arguments.as_integer(one, "a row's number") for one in row.items)
        if stride > 2:
            raise arguments.refused(row.line, f"torchvision's strides are 1 and 2, not {stride}")
        with arguments.placed(row.line):
            width = make_divisible(channels * times, nearest)
            stages.append(Stage("inverted_residual", 3, stride, expansion, width, layers))
    stem = make_divisible(MOBILENET_STEM * times, nearest)
    head = make_divisible(MOBILENET_HEAD * max(1.0, times), nearest)
    with arguments.placed(call.line):
        classes = arguments.integer("num_classes", 1000)
        network = Architecture(
            px, Stem(3, 2, stem), tuple(stages), Head(head, classes), "relu6", arguments.batch_norm_eps()
        )
    arguments.finish()
    return network


def read_resnet(definition: Definition, call: Call, px: int) -> Architecture:
    """The network of a call of timm's or torchvision's ResNet (`models/resnet.py` in both).

    Raises:
        InputError: something in it is not understood, or is no network of ours: one line with its place.
    """
    arguments = Arguments(definition, call, "block layers num_classes", "zero_init_residual in_chans drop_rate")
    kind = arguments.symbol("block", {"BasicBlock": "basic", "Bottleneck": "bottleneck"})
    depths = arguments.integers("layers")
    given = "channels" in call.keywords
    planes = arguments.integers("channels") if given else RESNET_WIDTHS
    base = arguments.integer("base_width", 64) * arguments.integer("width_per_group", 64) // 64
    if len(depths) != len(RESNET_STRIDES) or len(planes) != len(RESNET_STRIDES):
        raise arguments.refused(call.line, "a ResNet has four stages")
    if base < 1 or 256 % base or (kind == "basic" and base != 64):
        raise arguments.refused(call.line, "base_width must divide 256, and be 64 with BasicBlock")
    unit, expansion = (4, 256 // base) if kind == "bottleneck" else (1, 1)
    with arguments.placed(call.line):
        stages = tuple(
            Stage(kind, 3, stride, expansion, unit * width, depth)
            for stride, width, depth in zip(RESNET_STRIDES, planes, depths, strict=True)
        )
        network = Architecture(
            px,
            Stem(7, 2, 64, pool=True, fixed=True),
            stages,
            Head(None, arguments.integer("num_classes", 1000)),
            arguments.activation("act_layer", "relu"),
            arguments.batch_norm_eps(),
        )
    arguments.finish()
    return network
