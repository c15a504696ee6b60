"""Import of timm's ByobNet, whose RepVGGs and plain ResNets are networks here, as an `Architecture`."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import NamedTuple

from scalesearch.design.antialias import AntialiasName
from scalesearch.design.architecture import Architecture, Head, Stage, Stem
from scalesearch.design.block_kinds import KINDS
from scalesearch.design.gates import GateName
from scalesearch.design.images import ImageSize
from scalesearch.design.shortcuts import ShortcutName
from scalesearch.export.arguments import Arguments
from scalesearch.export.gates import GateArguments, check_squeezes, read_gate
from scalesearch.export.library_rules import make_divisible, stage_blocks
from scalesearch.export.read_timm import ANTIALIASES, AVERAGES, BATCH_NORMS, SHORTCUTS, UNSEEN
from scalesearch.export.values import Call, Definition, Items, Value

CONFIG, BLOCK_CONFIG = "ByoModelCfg", "ByoBlockCfg"
"""The classes of timm's configurations of a ByobNet and of its blocks."""
_POSITIONS = "cfg num_classes in_chans global_pool output_stride img_size"
_UNSEEN = f"{UNSEEN} drop_block_rate drop_block_size zero_init_last img_size"
_CONFIG_POSITIONS = "blocks downsample stem_type stem_pool stem_chs width_factor num_features zero_init_last"
_BLOCK_POSITIONS = "type d c s gs br"
_POOLS = {"maxpool": "max_pool", "max": "max_pool", "avg2": "avg_pool"}
"""The layers behind the stem, by timm's `stem_pool`."""
_NO_ATTENTION: dict[str, tuple[tuple[object, ...], str]] = {
    "self_attn_layer": ((None,), "self-attention is no part of these blocks"),
    "self_attn_kwargs": ((None, ()), "self-attention is no part of these blocks"),
}
_CONFIG_ONLY: dict[str, tuple[tuple[object, ...], str]] = _NO_ATTENTION | {
    "head_type": (("classifier", ""), "the head here is a classifier"),
    "head_hidden_size": ((None,), "the head here is a classifier"),
    "fixed_input_size": ((False,), "a network here takes images of any size"),
}
"""Keywords of a configuration with the values that our networks have, and why they have no others."""


class _Style(NamedTuple):
    """What a configuration states for all of its blocks."""

    gate: GateArguments
    shortcut: ShortcutName | None
    antialias: AntialiasName | None
    widens_input: bool
    """Whether the inner width of a bottleneck is a multiple of its input's width."""
    is_linear: bool
    """Whether a bottleneck ends without an activation."""
    line: int
    """The line of the configuration."""


class _Sizes(NamedTuple):
    """The sizes of one `ByoBlockCfg`, with the width (channels) that timm builds."""

    arguments: Arguments
    depth: int
    width: int
    stride: int
    style: _Style


def read_byobnet(definition: Definition, call: Call, px: ImageSize) -> Architecture:
    """Return the network of a call of timm's ByobNet (`models/byobnet.py`) at `px`.

    Raises:
        InputError: something in it is not understood, or is not a network of ours; one line with file and line.
    """
    arguments = Arguments(definition, call, _POSITIONS, _UNSEEN)
    given = arguments.call_of("cfg", CONFIG)
    arguments.only("output_stride", (32,), "a network here has strides in place of dilation")
    arguments.only("global_pool", (None, *AVERAGES), "the head here pools by the mean")
    channels, classes = arguments.in_channels("in_chans"), arguments.integer("num_classes", 1000)
    config = Arguments(definition, given, _CONFIG_POSITIONS, "zero_init_last")
    config.overlay(arguments)
    for name, (allowed, reason) in _CONFIG_ONLY.items():
        config.only(name, allowed, reason)
    factor = float(config.number("width_factor", "1"))
    if not 0 < factor <= 64:
        raise config.refused(given.line, "width_factor must be above 0, and 64 at most")
    stem = _stem(config, factor)
    style = _style(config)
    stages = [stage for value in config.items("blocks") for stage in _stages(config, value, factor, style)]
    with arguments.errors_at(call.line):
        head = Head(round(factor * _features(config)) or None, classes)
    with config.errors_at(given.line):
        network = Architecture(
            px,
            stem,
            tuple(stages),
            head,
            config.activation("act_layer", "relu"),
            config.batch_norm_eps(*BATCH_NORMS),
            channels,
        )
    config.finish()
    check_squeezes(config, network)
    _check_wide(config, network)
    return network


def _stem(config: Arguments, factor: float) -> Stem:
    """Return the stem; `rep` has no pool, and several convolutions without a pool have a stride of 4."""
    stem_type = config.word("stem_type", "3x3", tuple(_STEMS))
    pool = config.word("stem_pool", "", ("", *_POOLS)) if config.has("stem_pool") else "maxpool"
    kernel, kind, shares = _STEMS[stem_type]
    widths = _stem_widths(config, factor)
    if len(widths) > 1:
        if stem_type not in ("", "3x3"):
            raise config.refused(config.call.line, f"stem_chs: a stem of {stem_type!r} has one number")
        kind, shares = "deep", tuple(Decimal(width) / widths[-1] for width in widths[:-1])
    stride = _DEEP_STRIDE if kind == "deep" and not pool else 2
    with config.errors_at(config.call.line):
        if kind == "repvgg":
            return Stem(kernel, stride, widths[-1], kind=kind)
        pool_kind = _POOLS.get(pool, "max_pool")
        return Stem(kernel, stride, widths[-1], bool(pool), kind=kind, pool_kind=pool_kind, shares=shares)


def _stem_widths(config: Arguments, factor: float) -> tuple[int, ...]:
    """Return the widths of the stem's convolutions that `stem_chs` states: of the last one, or of all."""
    value = config.value("stem_chs")
    items: tuple[Value | None, ...] = value.items if isinstance(value, Items) and value.items else (value,)
    widths = [_STEM_WIDTH if item is None else config.as_integer(item, "stem_chs") for item in items]
    if not all(1 <= width <= _LARGEST_WIDTH for width in widths):
        raise config.refused(config.call.line, f"stem_chs must be in 1 … {_LARGEST_WIDTH}")
    return tuple(round(width * factor) for width in widths)


_STEMS: dict[str, tuple[int, str, tuple[Decimal, ...]]] = {
    "3x3": (3, "conv", ()),
    "": (3, "conv", ()),
    "7x7": (7, "conv", ()),
    "rep": (3, "repvgg", ()),
    "tiered": (3, "deep", (Decimal("0.375"), Decimal("0.5"))),
    "deep": (3, "deep", (Decimal(1), Decimal(1))),
}
"""By `stem_type`: the kernel, the kind and the shares of the stem."""
_DEEP_STRIDE, _STEM_WIDTH, _LARGEST_WIDTH = 4, 32, 65536
_SMOOTHINGS: dict[str, AntialiasName | None] = {"": None} | {
    name: smoothing for name, smoothing in ANTIALIASES.items() if not name.endswith("2d")
}
"""Our smoothings by the strings of timm's `aa_layer`."""
_INNER: dict[GateName | None, GateName | None] = {None: None, "senet": "senet_inner", "eca": "eca_inner"}
"""The gates before a last convolution."""


def _width(arguments: Arguments, name: str, default: int | None = None) -> int:
    width = arguments.integer(name, default)
    if not 1 <= width <= 65536:
        raise arguments.refused(arguments.call.line, f"{name} must be in 1 … 65536")
    return width


def _features(config: Arguments) -> int:
    """Return the width of the head's convolution before it is multiplied; 0: there is none."""
    features = config.integer("num_features", 0)
    if not 0 <= features <= 65536:
        raise config.refused(config.call.line, "num_features must be in 0 … 65536")
    return features


def _style(config: Arguments) -> _Style:
    """Return the gate, the shortcut and the smoothing of all blocks."""
    gate = read_gate(config, config.value("attn_layer"), config.value("attn_kwargs"))
    shortcut = SHORTCUTS[config.word("downsample", "conv1x1", tuple(SHORTCUTS))]
    antialias = _SMOOTHINGS[config.word("aa_layer", "", tuple(_SMOOTHINGS))]
    widens_input, is_linear = _block_flags(config)
    return _Style(gate, shortcut, antialias, widens_input, is_linear, config.call.line)


def _block_flags(config: Arguments) -> tuple[bool, bool]:
    """Return `bottle_in` and `linear_out` of the blocks' arguments."""
    value = config.value("block_kwargs")
    if value is None:
        return False, False
    if not (isinstance(value, Call) and value.name == "dict"):
        raise config.refused(value.line, "block_kwargs must be a dict, written out")
    inner = Arguments(config.definition, value, "")
    flags = inner.flag("bottle_in"), inner.flag("linear_out")
    inner.only("extra_conv", (False,), "a second k×k convolution is no part of these blocks")
    inner.only("attn_last", (False,), "a gate of a ByobNet is before the last convolution here")
    inner.finish()
    if flags == (True, False):
        raise config.refused(value.line, "bottle_in: without linear_out it is no block here")
    return flags


def _stages(config: Arguments, value: Value, factor: float, style: _Style) -> list[Stage]:
    """Return the stages of one configuration or of a list of them; only the first may have a stride."""
    found = []
    for index, block in enumerate(value.items if isinstance(value, Items) else (value,)):
        if not isinstance(block, Call) or block.name != BLOCK_CONFIG:
            raise config.refused(block.line, f"blocks must be calls of {BLOCK_CONFIG}, written out")
        arguments = Arguments(config.definition, block, _BLOCK_POSITIONS)
        for name, (allowed, reason) in _NO_ATTENTION.items():
            arguments.only(name, allowed, reason)
        arguments.only("block_kwargs", (None, ()), "a block here has no arguments of its own")
        kind = arguments.word("type", "", tuple(_BLOCKS))
        if not kind:
            raise arguments.refused(block.line, f"type must be {' or '.join(map(repr, _BLOCKS))}")
        stride = arguments.integer("s", 2)
        width = make_divisible(_width(arguments, "c") * factor)
        if arguments.value("attn_layer") is not None or arguments.value("attn_kwargs") is not None:
            raise arguments.refused(block.line, "attn_layer: a gate is that of all blocks of a network here")
        sizes = _Sizes(arguments, arguments.integer("d"), width, 1 if index else stride, style)
        with arguments.errors_at(block.line):
            found.append(_BLOCKS[kind](sizes))
        arguments.finish()
    return found


def _check_plain(sizes: _Sizes) -> None:
    """Refuse arguments of bottlenecks beside a block of another type."""
    if sizes.style.widens_input or sizes.style.is_linear:
        raise sizes.arguments.refused(
            sizes.style.line, "block_kwargs: only a bottle has bottle_in and linear_out here"
        )


def _repvgg(sizes: _Sizes) -> Stage:
    _check_plain(sizes)
    if sizes.style.gate.gate is not None:
        raise sizes.arguments.refused(sizes.style.line, "attn_layer: a repvgg block has no gate here")
    if sizes.style.antialias is not None:
        raise sizes.arguments.refused(sizes.style.line, "aa_layer: a repvgg block has no smoothing here")
    sizes.arguments.only("gs", (None, 0), "a repvgg block has no groups here")
    sizes.arguments.only("br", (1,), "a repvgg block has one width")
    return Stage("repvgg", 3, sizes.stride, 1, sizes.width, sizes.depth)


def _basic(sizes: _Sizes) -> Stage:
    _check_plain(sizes)
    sizes.arguments.only("gs", (None, 0), "a basic block has no groups here")
    sizes.arguments.only("br", (1,), "a basic block has one width here")
    style = sizes.style
    if style.gate.gate is not None:
        raise sizes.arguments.refused(
            sizes.style.line,
            "attn_layer: a basic block of a ByobNet has its gate inside, and none here has",
        )
    return Stage(
        "basic",
        3,
        sizes.stride,
        1,
        sizes.width,
        sizes.depth,
        shortcut=style.shortcut,
        antialias=style.antialias if sizes.stride > 1 else None,
    )


def _bottleneck(sizes: _Sizes) -> Stage:
    """Return the stage of `bottle`, whose inner width is `br` times the output's in multiples of 8."""
    arguments, style = sizes.arguments, sizes.style
    ratio, group_width = float(arguments.number("br", "1")), arguments.integer("gs", 0, optional=True)
    kind, expansion = _bottleneck_kind(sizes, ratio)
    inner = sizes.width // expansion if kind == "bottleneck" else sizes.width * expansion
    if group_width and inner % group_width:
        raise arguments.refused(arguments.call.line, f"gs: groups of {group_width} do not divide {inner} channels")
    return Stage(
        kind,
        3,
        sizes.stride,
        expansion,
        sizes.width,
        sizes.depth,
        style.gate.se,
        gate=_INNER.get(style.gate.gate),
        group_width=group_width or None,
        shortcut=style.shortcut,
        antialias=style.antialias if sizes.stride > 1 else None,
    )


def _bottleneck_kind(sizes: _Sizes, ratio: float) -> tuple[str, int]:
    """Return the block kind of a bottleneck of an inner ratio, and its expansion."""
    width, style = sizes.width, sizes.style
    inner = make_divisible(width * ratio) if 0 < ratio <= _LARGEST_RATIO else 0
    if style.widens_input and ratio == round(ratio) and inner:
        return "inverted_bottleneck", round(ratio)
    if inner and not style.widens_input and inner % width == 0 and (style.is_linear or inner > width):
        return "linear_bottleneck" if style.is_linear else "wide_bottleneck", inner // width
    if not inner or width % inner or style.is_linear:
        raise sizes.arguments.refused(
            sizes.arguments.call.line,
            f"br: of the width {width} and the inner one none is a multiple of the other, as it is here",
        )
    return "bottleneck", width // inner


def _check_wide(config: Arguments, network: Architecture) -> None:
    """Refuse inner widths and groups that timm would round, or that have other numbers of channels here."""
    for number, stage, block in stage_blocks(network):
        if not KINDS[stage.kind].fits_groups:
            continue
        layer = next(layer for layer in block.layers if layer.role == "spatial")
        is_whole = stage.group_width in (None, layer.in_width // layer.groups)
        if make_divisible(layer.in_width) != layer.in_width or not is_whole:
            raise config.refused(
                config.call.line,
                f"blocks: in stage {number}, {layer.in_width} inner channels are no multiple of 8 or of the groups",
            )


_LARGEST_RATIO = 64
_BLOCKS: dict[str, Callable[[_Sizes], Stage]] = {"rep": _repvgg, "basic": _basic, "bottle": _bottleneck}
"""By `type`: the reader of such a block."""
