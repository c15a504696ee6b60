"""Import of timm's architecture strings and keywords as an `Architecture`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import NamedTuple

from scalesearch.design.activations import ACTIVATIONS
from scalesearch.design.architecture import Architecture, Head, Stage, Stem
from scalesearch.design.block_kinds import KINDS
from scalesearch.design.decimals import whole_or_fraction
from scalesearch.errors import SpaceError
from scalesearch.export.arguments import Arguments
from scalesearch.export.library_rules import make_divisible, squeeze_width, stage_blocks
from scalesearch.export.timm_definition import (
    MOBILENET_GATE,
    MOBILENET_STEM_KERNEL,
    OUTPUT_STRIDE,
    is_head,
    make_divisible_inner,
    timm_squeeze,
)
from scalesearch.export.values import Call, Definition, Items, Literal, Symbol, Value

MOBILENET = "MobileNetV3"
"""The class of timm's networks with a hidden layer in the head."""
POSITIONS = "block_args num_classes num_features"
"""The positional parameters of timm's EfficientNet and MobileNetV3."""
UNSEEN = "drop_rate drop_path_rate device dtype"
"""Parameters that do not change the network: dropout and stochastic depth, which concern training, and where the
weights are stored."""
DECODER_POSITIONS = "arch_def depth_multiplier depth_trunc experts_multiplier fix_first_last group_size"
"""The parameters of `decode_arch_def`. `depth_trunc` is how a multiplied depth is rounded, and
`experts_multiplier` multiplies experts (`cc`). Neither has an effect, because multipliers other than 1 and
`cc` are refused."""
AVERAGES = ("avg", "fast", "fastavg")
"""timm's names for the mean over the feature map, `SelectAdaptivePool2d`."""
_FLAGS = {activation.timm: name for name, activation in ACTIVATIONS.items() if activation.timm}
"""Our activations by their flags in timm's strings."""
_TOKEN = re.compile(r"(r|k|s|e|c|se|a|p)(\d+(?:\.\d+)?)")
"""A part of a string with a number, such as `k3`."""
_NUMBER = re.compile(r"\d{1,9}(\.\d{1,9})?")
_NO_SKIP = "noskip"
_SKIPLESS = ("cn", "dsa")
"""Blocks that have a residual connection only if the string contains `skip`."""
_POINTWISE_KERNELS = ("a", "p")
"""The kernels of the two 1×1 convolutions, which must be 1."""


class _StageString(NamedTuple):
    """A stage as a string states it."""

    stage: Stage
    line: int
    noskip: bool
    number: int
    """The index of the list that contains the string, which is timm's stage."""


def read_timm(definition: Definition, call: Call, px: int) -> Architecture:
    """Return the network of a call of timm's EfficientNet or MobileNetV3.

    It follows timm's `models/_efficientnet_builder.py`, `decode_arch_def`, `models/efficientnet.py`,
    `EfficientNet`, and `models/mobilenetv3.py`, `MobileNetV3`. The last block of MobileNetV3's strings is the
    convolution of the head here.

    Raises:
        InputError: something in it is not understood, or is not a network of ours; one line with file and line.
    """
    arguments = Arguments(definition, call, POSITIONS, UNSEEN)
    rows = list(_decoded(arguments, arguments.value("block_args")))
    free_widths = _free_widths(arguments)
    is_mobilenet = call.name == MOBILENET
    stem_size = arguments.integer("stem_size", 16 if is_mobilenet else 32)
    num_features = arguments.integer("num_features", 1280)
    stem_fixed, stem_kernel, output_stride = arguments.flag("fix_stem"), MOBILENET_STEM_KERNEL, OUTPUT_STRIDE
    if is_mobilenet:
        width, rows = _head_width(arguments, rows, free_widths)
        has_gates = _mobilenet_gates(arguments)
        rows = [_with_gate(arguments, row, has_gates) for row in rows]
    else:
        stem_kernel = arguments.integer("stem_kernel_size", 3)
        output_stride = arguments.integer("output_stride", OUTPUT_STRIDE)
        # timm has two classes SqueezeExcite; the one in timm.layers rounds its width differently.
        arguments.only("se_layer", (None,), "a gate here is timm's default")
    with arguments.errors_at(call.line):
        classes = arguments.integer("num_classes", 1000)
        head = Head(num_features or None, classes)
        network = Architecture(
            px,
            Stem(stem_kernel, 2, stem_size, fixed=stem_fixed),
            tuple(row.stage for row in rows),
            Head(width, classes, hidden=num_features) if is_mobilenet else head,
            arguments.activation("act_layer", "relu"),
            arguments.batch_norm_eps(),
            arguments.in_channels("in_chans"),
        )
    arguments.only("pad_type", ("",), "a network here has symmetric padding")
    arguments.only("aa_layer", (None,), "an anti-aliasing layer is no part of a network here")
    pooled_by_mean(arguments)
    arguments.finish()
    _check(arguments, network, [row.line for row in rows], free_widths, output_stride)
    _check_skips(arguments, network, rows)
    return network


def _head_width(
    arguments: Arguments, rows: list[_StageString], free_widths: bool
) -> tuple[int | None, list[_StageString]]:
    """Return the width of the head's convolution, if the last string is one, and the other stages."""
    if len(rows) < 2 or not is_head(rows[-1].stage):
        return None, rows
    width = rows[-1].stage.width
    if not free_widths and make_divisible(width) != width:
        raise arguments.refused(rows[-1].line, f"timm rounds {width} channels; give round_chs_fn=int")
    return width, rows[:-1]


def _mobilenet_gates(arguments: Arguments) -> bool:
    """Return whether `se_layer` is the gate of MobileNetV3.

    Other arguments that only timm's MobileNetV3 has must have their defaults.
    """
    arguments.only("head_bias", (True,), "a hidden layer here has a bias")
    arguments.only("head_norm", (False,), "a hidden layer here has no normalisation")
    arguments.only("se_from_exp", (True,), "a gate of MobileNetV3 takes its share of the expanded width")
    arguments.only("layer_scale_init_value", (None,), "layer scale is no part of these blocks")
    value = arguments.value("se_layer")
    if value is None:
        return False
    reason = (
        "se_layer must be partial(SqueezeExcite, gate_layer='hard_sigmoid', force_act_layer=nn.ReLU, "
        "rd_round_fn=round_channels)"
    )
    if not (isinstance(value, Call) and value.name == "partial" and len(value.arguments) == 1):
        raise arguments.refused(value.line, reason)
    inner = Arguments(arguments.definition, value, "layer")
    expected = {"layer": "SqueezeExcite", "gate_layer": "hard_sigmoid"}
    expected |= {"force_act_layer": "ReLU", "rd_round_fn": "round_channels"}
    for name, expected_name in expected.items():
        argument = inner.value(name)
        if (
            argument.name
            if isinstance(argument, Symbol)
            else argument.value
            if isinstance(argument, Literal)
            else ""
        ) != expected_name:
            raise arguments.refused(value.line, reason)
    inner.finish()
    return True


def _with_gate(arguments: Arguments, row: _StageString, has_gates: bool) -> _StageString:
    """Return the row with the gate of MobileNetV3, if its stage has squeeze-and-excitation."""
    if not row.stage.se:
        return row
    if not has_gates:
        raise arguments.refused(row.line, "a gate of timm's MobileNetV3 without se_layer is no gate here")
    with arguments.errors_at(row.line):
        return row._replace(stage=replace(row.stage, gate=MOBILENET_GATE))


def pooled_by_mean(arguments: Arguments) -> None:
    """Refuse a global pooling other than the mean; `catavgmax`, for example, doubles the classifier."""
    arguments.only("global_pool", AVERAGES, "the head here pools by the mean")


def _decoded(arguments: Arguments, block_args: Value | None) -> Iterator[_StageString]:
    """Yield every stage of the strings, or of `decode_arch_def` of them."""
    if not (isinstance(block_args, Call) and block_args.name == "decode_arch_def"):
        yield from _rows(arguments, block_args)
        return
    decoder = Arguments(arguments.definition, block_args, DECODER_POSITIONS, "depth_trunc experts_multiplier")
    decoder.only("depth_multiplier", (1,), "write the scaled numbers, or scale with scalesearch")
    decoder.only("group_size", (None,), "grouped convolutions are no kind here")
    ends_fixed, arch_def = decoder.flag("fix_first_last"), decoder.value("arch_def")
    decoder.finish()
    rows = list(_rows(decoder, arch_def))
    end_numbers = {rows[0].number, rows[-1].number} if rows and ends_fixed else set()
    for row in rows:
        yield row._replace(stage=replace(row.stage, depth_fixed=row.number in end_numbers))


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
                stage = stage_of(text.value)
                if index and stage.stride != 1:
                    raise SpaceError(f"{text.value!r}: only the first string of a list may have a stride in timm")
                yield _StageString(stage, text.line, _NO_SKIP in text.value.split("_"), number)
        if not isinstance(row, Items):
            raise arguments.refused(row.line, "arch_def must be a list of lists of strings, written out")


def stage_of(text: str) -> Stage:
    """Return the stage of one of timm's strings, such as `ir_r2_k3_s2_e6_c24_se0.25`.

    Raises:
        SpaceError: a part of it is not understood, or is not a stage of ours.
    """
    block, *tokens = text.split("_")
    skips = "skip" in tokens
    if skips and _NO_SKIP in tokens:
        raise SpaceError(f"{text!r}: has both skip and {_NO_SKIP}; keep one")
    sizes: dict[str, str] = {}
    flags = [token for token in tokens if token in _FLAGS]
    if len(flags) > 1:
        raise SpaceError(f"{text!r}: has two activations; keep one")
    for token in (token for token in tokens if token not in ("skip", _NO_SKIP, *flags)):
        match = _TOKEN.fullmatch(token)
        if match is None or match[1] in sizes:
            raise SpaceError(f"{text!r}: {token!r} is not understood; parts are r k s e c se, once each")
        sizes[match[1]] = match[2]
    for name in _POINTWISE_KERNELS:
        if sizes.pop(name, "1") != "1":
            raise SpaceError(f"{text!r}: {name} is not 1, but the other convolutions are 1×1 here")
    kind, expansion = _kind(text, block, sizes, skips)
    missing = [name for name in ("r", "k", "s", "c") if name not in sizes]
    if missing:
        raise SpaceError(f"{text!r}: {missing[0]} is missing")
    repeats, kernel, stride, width = (_whole(text, sizes[name]) for name in ("r", "k", "s", "c"))
    activation = _FLAGS[flags[0]] if flags else None
    se = _decimal(text, sizes.get("se", "0"))
    return Stage(kind, kernel, stride, expansion, width, repeats, se, activation=activation)


def _kind(text: str, block: str, sizes: dict[str, str], skips: bool) -> tuple[str, int | Decimal]:
    """Return our block kind for one of timm's, and its expansion."""
    expansion = whole_or_fraction(_decimal(text, sizes.get("e", "1")))
    has_se = _decimal(text, sizes.get("se", "0")) > 0
    if block in ("ir", "er"):
        if "e" not in sizes or expansion == 1:
            plain_block = "ds" if block == "ir" else "cn"
            raise SpaceError(
                f"{text!r}: timm's {block} has its first convolution even without expansion, which no kind here "
                f"has; {plain_block} has none"
            )
    elif expansion != 1:
        raise SpaceError(f"{text!r}: {block} has no expansion; leave e out")
    elif block in _SKIPLESS and has_se:
        raise SpaceError(f"{text!r}: a {block} with se is no kind here")
    timm_name = f"{block}_skip" if skips and block in _SKIPLESS else block
    kinds = [name for name, kind in KINDS.items() if timm_name in kind.timm]
    if not kinds:
        raise SpaceError(f"{text!r}: {block!r} is not understood; blocks are ir, er, ds, dsa and cn")
    return next((name for name in kinds if KINDS[name].squeezes == has_se), kinds[0]), expansion


def _whole(text: str, number: str) -> int:
    value = _decimal(text, number)
    if value != int(value):
        raise SpaceError(f"{text!r}: {number} must be a whole number")
    return int(value)


def _decimal(text: str, number: str) -> Decimal:
    if not _NUMBER.fullmatch(number):
        raise SpaceError(f"{text!r}: {number} has too many digits")
    return Decimal(number)


def _free_widths(arguments: Arguments) -> bool:
    """Return whether timm leaves the widths as they are; by default it rounds them to multiples of 8."""
    value = arguments.value("round_chs_fn")
    if value is None or (isinstance(value, Symbol) and value.name == "round_channels"):
        return False
    if isinstance(value, Symbol) and value.name == "int":
        return True
    raise arguments.refused(
        value.line, "round_chs_fn: only int (widths are final) and round_channels are understood"
    )


def _check(
    arguments: Arguments, network: Architecture, lines: list[int], free_widths: bool, output_stride: int
) -> None:
    """Refuse what timm would build differently."""
    widths = [] if free_widths or network.stem.fixed else [(network.stem.width, arguments.call.line)]
    widths += [] if free_widths else zip((stage.width for stage in network.stages), lines, strict=True)
    for width, line in widths:
        if make_divisible(width) != width:
            raise arguments.refused(
                line, f"timm rounds {width} channels to {make_divisible(width)}; give round_chs_fn=int"
            )
    total_stride = 2
    for number, stage, block in stage_blocks(network):
        line = lines[number - 1]
        total_stride *= block.stride
        if stage.stride > 2 or total_stride > output_stride:
            raise arguments.refused(
                line, f"strides multiply to {total_stride}, beyond output_stride {output_stride}"
            )
        inner_width = block.inner_width
        if make_divisible_inner(block.in_width, stage) != inner_width:
            raise arguments.refused(
                line, f"timm widens {block.in_width} channels to other than {inner_width}: a multiple of 8"
            )
        if stage.se and timm_squeeze(block.in_width, stage) != squeeze_width(block):
            raise arguments.refused(
                line,
                f"timm squeezes to {timm_squeeze(block.in_width, stage)} channels, but {squeeze_width(block)} here",
            )


def _check_skips(arguments: Arguments, network: Architecture, rows: list[_StageString]) -> None:
    """Refuse a `noskip` that removes a residual connection; MNASNet's first stage, for example, has none."""
    for number, _, block in stage_blocks(network):
        row = rows[number - 1]
        if row.noskip and block.stride == 1 and block.in_width == block.out_width:
            raise arguments.refused(
                row.line, f"{_NO_SKIP}: a block of stride 1 and equal widths has a residual here"
            )
