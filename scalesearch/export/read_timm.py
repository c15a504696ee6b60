"""Import of timm's architecture strings and keywords as an `Architecture`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from functools import partial
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

from scalesearch.design.antialias import AntialiasName
from scalesearch.design.architecture import DEFAULT_INNER_DIVISOR, Architecture, Head, Stage, Stem
from scalesearch.design.block_kinds import KINDS
from scalesearch.design.decimals import whole_or_fraction
from scalesearch.design.gates import GateName
from scalesearch.design.images import ImageSize
from scalesearch.design.norms import NormName
from scalesearch.design.shortcuts import ShortcutName
from scalesearch.errors import SpaceError
from scalesearch.export.arguments import Arguments
from scalesearch.export.library_rules import make_divisible, squeeze_width, stage_blocks
from scalesearch.export.timm_definition import (
    MOBILENET_GATE,
    MOBILENET_STEM_KERNEL,
    OUTPUT_STRIDE,
    is_head,
    timm_inner,
    timm_squeeze,
)
from scalesearch.export.timm_scaling import (
    DEFAULT_ROUNDING,
    DEPTH_ROUNDINGS,
    FREE_WIDTHS,
    RoundChannels,
    scaled_depths,
)
from scalesearch.export.timm_strings import BlockString, read_string
from scalesearch.export.values import Call, Definition, Items, Literal, Symbol, Value

ANTIALIASES: dict[str, AntialiasName] = {
    "AvgPool2d": "avg_pool",
    "avg": "avg_pool",
    "BlurPool2d": "blur",
    "blur": "blur",
    "blurpc": "blur_zero",
}
"""Our smoothings by the classes and the strings of timm's `aa_layer`."""
SHORTCUTS: dict[str, ShortcutName | None] = {"conv1x1": None, "avg": "avg_pool", "": "none"}
"""Our shortcuts by timm's `downsample`."""
_UNEXPANDED = ("mbconv", "inverted_residual", "depthwise_separable")
MOBILENET = "MobileNetV3"
"""The class of timm's networks with a hidden layer in the head."""
POSITIONS = {
    "EfficientNet": "block_args num_classes num_features",
    MOBILENET: "block_args num_classes in_chans stem_size fix_stem num_features",
}
"""The positional parameters of timm's classes."""
UNSEEN = "drop_rate drop_path_rate device dtype"
"""Parameters that do not change the network: dropout and stochastic depth, which concern training, and where the
weights are stored."""
DECODER_POSITIONS = "arch_def depth_multiplier depth_trunc experts_multiplier fix_first_last group_size"
"""The parameters of `decode_arch_def`. `experts_multiplier` multiplies experts (`cc`), which are refused."""
AVERAGES = ("avg", "fast", "fastavg")
"""timm's names for the mean over the feature map, `SelectAdaptivePool2d`."""
_PLACES = Decimal("0.000000001")
_ROUNDER = "round_channels"
_LARGEST_MULTIPLIER, _LARGEST_WIDTH = 64, 65536
_DEPTH_WORDS = (DEPTH_ROUNDINGS[0], DEPTH_ROUNDINGS)
BATCH_NORMS = ("batchnorm", "batchnorm2d")
"""timm's names for a BatchNorm2d."""


class _StageString(NamedTuple):
    """A stage as a string states it."""

    stage: Stage
    line: int
    string: BlockString
    number: int
    """The index of the list that contains the string, which is timm's stage."""


def read_timm(definition: Definition, call: Call, px: ImageSize) -> Architecture:
    """Return the network of a call of timm's EfficientNet or MobileNetV3 at `px`.

    It follows timm's `models/_efficientnet_builder.py`, `decode_arch_def`, `models/efficientnet.py`,
    `EfficientNet`, and `models/mobilenetv3.py`, `MobileNetV3`. The last block of MobileNetV3's strings is the
    convolution of the head here.

    Raises:
        InputError: something in it is not understood, or is not a network of ours; one line with file and line.
    """
    arguments = Arguments(definition, call, POSITIONS[call.name], UNSEEN)
    rows = list(_decoded(arguments, arguments.value("block_args")))
    channels = _channels(arguments)
    is_mobilenet = call.name == MOBILENET
    antialias = arguments.antialias("aa_layer", ANTIALIASES)
    stem_size = arguments.integer("stem_size", 16 if is_mobilenet else 32)
    num_features = arguments.integer("num_features", 1280)
    inner_divisor: int | None = None
    gate: _Gate | None = None
    stem_fixed, stem_kernel, output_stride = arguments.flag("fix_stem"), MOBILENET_STEM_KERNEL, OUTPUT_STRIDE
    if not stem_fixed:
        stem_size = _rounded(arguments, stem_size, call.line, channels)
    with arguments.errors_at(call.line):
        rows = [_with_width(arguments, row, channels) for row in rows]
        rows = list(_with_forced_widths(arguments, rows, stem_size, channels))
    if is_mobilenet:
        width, rows = _head_width(rows)
        hidden_norm, hidden_bias = _mobilenet_head(arguments)
        gate = _mobilenet_gates(arguments)
        rows = [_with_gate(arguments, row, gate) for row in rows]
        inner_divisor = gate.divisor if gate is not None and any(row.stage.gate for row in rows) else None
        hidden_head = partial(Head, width, hidden=num_features, hidden_norm=hidden_norm, hidden_bias=hidden_bias)
    else:
        stem_kernel = arguments.integer("stem_kernel_size", 3)
        output_stride = arguments.integer("output_stride", OUTPUT_STRIDE)
        # timm has two classes SqueezeExcite; the one in timm.layers rounds its width differently.
        arguments.only("se_layer", (None,), "a gate here is timm's default")
    rows = [_with_antialias(arguments, row, antialias) for row in rows]
    with arguments.errors_at(call.line):
        classes = arguments.integer("num_classes", 1000)
        head = hidden_head(classes) if is_mobilenet else Head(num_features or None, classes)
        network = Architecture(
            px,
            Stem(stem_kernel, 2, stem_size, fixed=stem_fixed),
            tuple(row.stage for row in rows),
            head,
            arguments.activation("act_layer", "relu"),
            arguments.batch_norm_eps(*BATCH_NORMS),
            arguments.in_channels("in_chans"),
            inner_divisor=inner_divisor or DEFAULT_INNER_DIVISOR,
            padding=arguments.padding("pad_type"),
        )
    pooled_by_mean(arguments)
    arguments.finish()
    _check(arguments, network, rows, output_stride, gate)
    return network


def _head_width(rows: list[_StageString]) -> tuple[int | None, list[_StageString]]:
    """Return the width of the head's convolution, if the last string is one, and the other stages."""
    if len(rows) < 2 or not is_head(rows[-1].stage):
        return None, rows
    return rows[-1].stage.width, rows[:-1]


def _mobilenet_head(arguments: Arguments) -> tuple[NormName | None, bool]:
    """Return the normalisation of the hidden layer, and whether it has a bias where it has no normalisation."""
    has_bias = arguments.flag("head_bias", default=True)
    return ("batch_norm", True) if arguments.flag("head_norm") else (None, has_bias)


class _Gate(NamedTuple):
    """What `se_layer` of timm's MobileNetV3 says."""

    name: GateName
    divisor: int
    """The number that squeeze widths are multiples of; 1: they are rounded."""
    limit: float
    """The share that rounding down must keep."""


def _mobilenet_gates(arguments: Arguments) -> _Gate | None:
    """Return the gate that `se_layer` and `se_from_exp` name; None: there is no gate.

    Other arguments that only timm's MobileNetV3 has must have their defaults.
    """
    arguments.only("layer_scale_init_value", (None,), "layer scale is no part of these blocks")
    of_inner = arguments.flag("se_from_exp", default=True)
    value = arguments.value("se_layer")
    if value is None:
        return None
    reason = (
        "partial(SqueezeExcite, gate_layer='hard_sigmoid'), with or without "
        "force_act_layer=nn.ReLU and rd_round_fn=round_channels"
    )
    if not (isinstance(value, Call) and value.name == "partial" and len(value.arguments) == 1):
        raise arguments.unfit(value, "se_layer", reason)
    inner = Arguments(arguments.definition, value, "layer")
    names = [_name(inner.value(name)) for name in ("layer", "gate_layer", "force_act_layer")]
    if names[:2] != ["SqueezeExcite", "hard_sigmoid"] or names[2] not in (None, "ReLU"):
        raise arguments.unfit(value, "se_layer", reason)
    rounding = inner.value("rd_round_fn")
    channels = None if rounding is None else _round_channels_of(arguments, rounding)
    if rounding is not None and (
        channels is None or replace(channels, limit=0.9, is_strict=True) != DEFAULT_ROUNDING
    ):
        raise arguments.unfit(value, "se_layer", reason)
    inner.finish()
    if not of_inner and names[2] == "ReLU":
        raise arguments.refused(
            arguments.call.line, "se_from_exp: a gate with ReLU takes its share of the expanded width"
        )
    name: GateName = MOBILENET_GATE if names[2] == "ReLU" else "mobilenet_v3_rw" if of_inner else "fbnet_v3"
    return _Gate(
        name, 1 if channels is None else DEFAULT_INNER_DIVISOR, 0.9 if channels is None else channels.limit
    )


def _name(value: Value | None) -> object:
    """Return the name or the literal that a value is."""
    return value.name if isinstance(value, Symbol) else value.value if isinstance(value, Literal) else None


def _with_gate(arguments: Arguments, row: _StageString, gate: _Gate | None) -> _StageString:
    """Return the row with the gate of `se_layer`, if its stage has squeeze-and-excitation."""
    if not row.stage.se:
        return row
    if gate is None:
        raise arguments.refused(row.line, "a gate of timm's MobileNetV3 without se_layer is no gate here")
    with arguments.errors_at(row.line):
        return row._replace(stage=replace(row.stage, gate=gate.name))


def _with_antialias(arguments: Arguments, row: _StageString, antialias: AntialiasName | None) -> _StageString:
    """Return the row with the smoothing of its strided convolution, if it has one."""
    if antialias is None or row.stage.stride == 1:
        return row
    if antialias != "avg_pool" and row.stage.expansion == 1 and row.stage.kind in _UNEXPANDED:
        raise arguments.refused(row.line, "aa_layer: timm builds no blur in a strided ds whose width changes")
    with arguments.errors_at(row.line):
        return row._replace(stage=replace(row.stage, antialias=antialias))


def pooled_by_mean(arguments: Arguments) -> None:
    """Refuse a global pooling other than the mean; `catavgmax`, for example, doubles the classifier."""
    arguments.only("global_pool", AVERAGES, "the head here pools by the mean")


def _decoded(arguments: Arguments, block_args: Value | None) -> Iterator[_StageString]:
    """Yield every stage of the strings, or of `decode_arch_def` of them."""
    if not (isinstance(block_args, Call) and block_args.name == "decode_arch_def"):
        yield from _rows(arguments, block_args)
        return
    decoder = Arguments(arguments.definition, block_args, DECODER_POSITIONS, "experts_multiplier")
    multiplier, rounding = decoder.value("depth_multiplier"), decoder.word("depth_trunc", *_DEPTH_WORDS)
    decoder.only("group_size", (None,), "grouped convolutions are no kind here")
    ends_fixed, arch_def = decoder.flag("fix_first_last"), decoder.value("arch_def")
    decoder.finish()
    rows = list(_rows(decoder, arch_def))
    lists = [list(group) for _, group in groupby(rows, key=attrgetter("number"))]
    multipliers = _multipliers(decoder, multiplier, len(lists))
    for number, (strings, factor) in enumerate(zip(lists, multipliers, strict=True)):
        is_fixed = ends_fixed and number in (0, len(lists) - 1)
        depths = scaled_depths([row.stage.depth for row in strings], 1.0 if is_fixed else factor, rounding)
        for row, depth in zip(strings, depths, strict=True):
            with decoder.errors_at(row.line):
                yield row._replace(stage=replace(row.stage, depth=depth, depth_fixed=is_fixed))


def _multipliers(decoder: Arguments, value: Value | None, count: int) -> list[float]:
    """Return the multiplier of the depth of each of `count` lists: one number for all, or one for each."""
    name = "depth_multiplier"
    items = value.items if isinstance(value, Items) else (value,) * count
    if value is not None and len(items) != count:
        raise decoder.refused(value.line, f"{name} must be a number, or one for each of the {count} lists")
    factors = [1.0 if item is None else float(decoder.as_number(item, name)) for item in items]
    if value is not None and not all(0 < factor <= _LARGEST_MULTIPLIER for factor in factors):
        raise decoder.refused(value.line, f"{name} must be above 0, and {_LARGEST_MULTIPLIER} at most")
    return factors


def _rows(arguments: Arguments, block_args: Value | None) -> Iterator[_StageString]:
    """Yield every stage; in a flat list each string is a stage of its own."""
    if not isinstance(block_args, Items):
        line = block_args.line if block_args else arguments.call.line
        raise arguments.refused(line, "arch_def must be a list of lists of strings, written out")
    for number, row in enumerate(block_args.items):
        for index, text in enumerate(row.items if isinstance(row, Items) else ()):
            if not isinstance(text, Literal) or not isinstance(text.value, str):
                raise arguments.refused(text.line, "arch_def must be a list of lists of strings, written out")
            with arguments.errors_at(text.line):
                string = read_string(text.value)
                if index and string.stage.stride != 1:
                    raise SpaceError(f"{text.value!r}: only the first string of a list may have a stride in timm")
                has_none = string.no_skip and KINDS[string.stage.kind].adds_input
                stage = replace(string.stage, residual=False) if has_none else string.stage
                yield _StageString(stage, text.line, string, number)
        if not isinstance(row, Items):
            raise arguments.refused(row.line, "arch_def must be a list of lists of strings, written out")


def _channels(arguments: Arguments) -> RoundChannels:
    """Return what `round_chs_fn` does with the widths; by default timm rounds them to multiples of 8."""
    value = arguments.value("round_chs_fn")
    if value is None:
        return DEFAULT_ROUNDING
    if isinstance(value, Symbol) and value.name == "int":
        return FREE_WIDTHS
    rounding = _round_channels_of(arguments, value)
    if rounding is not None:
        return rounding
    raise arguments.refused(
        value.line, "round_chs_fn: only int (widths are final), round_channels and a partial of it are understood"
    )


def _round_channels_of(arguments: Arguments, value: Value) -> RoundChannels | None:
    """Return the rounding of `round_channels` or a `partial` of it; None: the value is neither."""
    if isinstance(value, Symbol) and value.name == _ROUNDER:
        return DEFAULT_ROUNDING
    if isinstance(value, Call) and value.name == "partial" and len(value.arguments) == 1:
        (function,) = value.arguments
        if isinstance(function, Symbol) and function.name == _ROUNDER:
            return _round_channels(Arguments(arguments.definition, value, "function"))
    return None


def _round_channels(inner: Arguments) -> RoundChannels:
    """Return the rounding of a `partial(round_channels, …)`."""
    inner.value("function")
    multiplier, limit = float(inner.number("multiplier", "1")), float(inner.number("round_limit", "0.9"))
    divisor, least = inner.integer("divisor", 8), inner.integer("channel_min", 0, optional=True)
    inner.finish()
    if not (0 <= multiplier <= _LARGEST_MULTIPLIER and 0 <= limit <= 1):
        raise inner.refused(
            inner.call.line, f"round_chs_fn: multiplier must be in 0 … {_LARGEST_MULTIPLIER}, round_limit in 0 … 1"
        )
    if not (1 <= divisor <= _LARGEST_WIDTH and 0 <= least <= _LARGEST_WIDTH):
        raise inner.refused(inner.call.line, "round_chs_fn: divisor must be at least 1, channel_min at least 0")
    return RoundChannels(multiplier, divisor, least or None, limit)


def _rounded(arguments: Arguments, width: int, line: int, channels: RoundChannels) -> int:
    """Return the width (channels) that timm builds, refused where its unasked default would change it."""
    if not 1 <= width <= _LARGEST_WIDTH:
        return width  # the design rejects it
    rounded = channels(width)
    if channels.is_strict and rounded != width:
        raise arguments.refused(line, f"timm rounds {width} channels to {rounded}; give round_chs_fn=int")
    return rounded


def _with_width(arguments: Arguments, row: _StageString, channels: RoundChannels) -> _StageString:
    """Return the row with the width that timm builds."""
    with arguments.errors_at(row.line):
        width = _rounded(arguments, row.stage.width, row.line, channels)
        return row._replace(stage=replace(row.stage, width=width))


def _with_forced_widths(
    arguments: Arguments, rows: list[_StageString], in_width: int, channels: RoundChannels
) -> Iterator[_StageString]:
    """Yield the rows, each `fc` as the expansion of the block's real input that gives timm's inner width."""
    for row in rows:
        forced = row.string.forced_in
        if forced is None:
            yield row
        else:
            inner_width = make_divisible(channels(forced) * float(row.stage.expansion))
            yield from _forced(arguments, row, in_width, inner_width)
        in_width = row.stage.width


def _forced(arguments: Arguments, row: _StageString, in_width: int, inner_width: int) -> Iterator[_StageString]:
    """Yield the row with expansions that give an inner width: of the first block, and of the others."""
    blocks = [(replace(row.stage, depth=1), in_width)]
    if row.stage.depth > 1:
        blocks.append((replace(row.stage, depth=row.stage.depth - 1, stride=1), row.stage.width))
    for stage, width in blocks:
        if inner_width <= width:
            raise arguments.refused(
                row.line, f"fc{row.string.forced_in}: {inner_width} inner channels of {width} are no expansion here"
            )
        expansion = whole_or_fraction((Decimal(inner_width) / width).quantize(_PLACES))
        yield row._replace(stage=replace(stage, expansion=expansion))


def _check(
    arguments: Arguments,
    network: Architecture,
    rows: list[_StageString],
    output_stride: int,
    gate: _Gate | None,
) -> None:
    """Refuse what timm would build differently."""
    total_stride = 2
    for number, stage, block in stage_blocks(network):
        line = rows[number - 1].line
        total_stride *= block.stride
        if stage.stride > 2 or total_stride > output_stride:
            raise arguments.refused(
                line, f"strides multiply to {total_stride}, beyond output_stride {output_stride}"
            )
        inner_width = block.inner_width
        if timm_inner(block.in_width, stage) != inner_width:
            raise arguments.refused(
                line, f"timm widens {block.in_width} channels to other than {inner_width}: a multiple of 8"
            )
        group_width = stage.group_width
        if group_width is not None and block.in_width % group_width:
            inner_group = group_width * stage.expansion
            raise arguments.refused(line, f"gs{inner_group} does not divide the inner width, {inner_width}")
        limit = DEFAULT_ROUNDING.limit if gate is None else gate.limit
        squeezed = timm_squeeze(block.in_width, stage, network.inner_divisor, limit)
        if stage.se and squeezed != squeeze_width(block):
            raise arguments.refused(line, f"timm squeezes to {squeezed} channels, but {squeeze_width(block)} here")
