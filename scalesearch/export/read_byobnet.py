"""Import of timm's ByobNet, whose RepVGGs and plain ResNets are networks here, as an `Architecture`."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from scalesearch.design.architecture import Architecture, Head, Stage, Stem
from scalesearch.export.arguments import Arguments
from scalesearch.export.library_rules import make_divisible
from scalesearch.export.read_timm import AVERAGES, BATCH_NORMS, UNSEEN
from scalesearch.export.values import Call, Definition, Items, Value

CONFIG, BLOCK_CONFIG = "ByoModelCfg", "ByoBlockCfg"
"""The classes of timm's configurations of a ByobNet and of its blocks."""
_POSITIONS = "cfg num_classes in_chans global_pool output_stride img_size"
_UNSEEN = f"{UNSEEN} drop_block_rate drop_block_size zero_init_last img_size"
_CONFIG_POSITIONS = "blocks downsample stem_type stem_pool stem_chs width_factor num_features zero_init_last"
_BLOCK_POSITIONS = "type d c s gs br"
_POOLS = ("maxpool", "max")
_NO_ATTENTION: dict[str, tuple[tuple[object, ...], str]] = {
    "attn_layer": ((None,), "attention is no part of these blocks"),
    "attn_kwargs": ((None, ()), "attention is no part of these blocks"),
    "self_attn_layer": ((None,), "self-attention is no part of these blocks"),
    "self_attn_kwargs": ((None, ()), "self-attention is no part of these blocks"),
    "block_kwargs": ((None, ()), "a block here has no arguments of its own"),
}
_CONFIG_ONLY: dict[str, tuple[tuple[object, ...], str]] = _NO_ATTENTION | {
    "downsample": (("conv1x1",), "a shortcut that changes the shape has a 1×1 convolution here"),
    "aa_layer": (("",), "an anti-aliasing layer is no part of a network here"),
    "head_type": (("classifier", ""), "the head here is a classifier"),
    "head_hidden_size": ((None,), "the head here is a classifier"),
    "fixed_input_size": ((False,), "a network here takes images of any size"),
}
"""Keywords of a configuration with the values that our networks have, and why they have no others."""


class _Sizes(NamedTuple):
    """The sizes of one `ByoBlockCfg`, with the width (channels) that timm builds."""

    arguments: Arguments
    depth: int
    width: int
    stride: int


def read_byobnet(definition: Definition, call: Call, px: int) -> Architecture:
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
    stages = [stage for value in config.items("blocks") for stage in _stages(config, value, factor)]
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
    return network


def _stem(config: Arguments, factor: float) -> Stem:
    """Return the stem; `rep` has no pool, whatever `stem_pool` is."""
    kind = config.word("stem_type", "3x3", tuple(_STEMS))
    width = round(_width(config, "stem_chs", 32) * factor)
    pool = config.word("stem_pool", "", ("", *_POOLS)) if config.has("stem_pool") else _POOLS[0]
    with config.errors_at(config.call.line):
        return _STEMS[kind](width, bool(pool))


_STEMS: dict[str, Callable[[int, bool], Stem]] = {
    "3x3": lambda width, pool: Stem(3, 2, width, pool),
    "": lambda width, pool: Stem(3, 2, width, pool),
    "7x7": lambda width, pool: Stem(7, 2, width, pool),
    "rep": lambda width, _: Stem(3, 2, width, kind="repvgg"),
}
"""By `stem_type`: the stem of a width, with a max-pool or without."""


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


def _stages(config: Arguments, value: Value, factor: float) -> list[Stage]:
    """Return the stages of one configuration or of a list of them; only the first may have a stride."""
    found = []
    for index, block in enumerate(value.items if isinstance(value, Items) else (value,)):
        if not isinstance(block, Call) or block.name != BLOCK_CONFIG:
            raise config.refused(block.line, f"blocks must be calls of {BLOCK_CONFIG}, written out")
        arguments = Arguments(config.definition, block, _BLOCK_POSITIONS)
        for name, (allowed, reason) in _NO_ATTENTION.items():
            arguments.only(name, allowed, reason)
        kind = arguments.word("type", "", tuple(_BLOCKS))
        if not kind:
            raise arguments.refused(block.line, f"type must be {' or '.join(map(repr, _BLOCKS))}")
        stride = arguments.integer("s", 2)
        width = make_divisible(_width(arguments, "c") * factor)
        sizes = _Sizes(arguments, arguments.integer("d"), width, 1 if index else stride)
        with arguments.errors_at(block.line):
            found.append(_BLOCKS[kind](sizes))
        arguments.finish()
    return found


def _repvgg(sizes: _Sizes) -> Stage:
    sizes.arguments.only("gs", (None, 0), "a repvgg block has no groups here")
    sizes.arguments.only("br", (1,), "a repvgg block has one width")
    return Stage("repvgg", 3, sizes.stride, 1, sizes.width, sizes.depth)


def _basic(sizes: _Sizes) -> Stage:
    sizes.arguments.only("gs", (None, 0), "a basic block has no groups here")
    sizes.arguments.only("br", (1,), "a basic block has one width here")
    return Stage("basic", 3, sizes.stride, 1, sizes.width, sizes.depth)


def _bottleneck(sizes: _Sizes) -> Stage:
    """Return the stage of `bottle`, whose inner width is `br` times the output's in multiples of 8."""
    arguments = sizes.arguments
    ratio, group_width = float(arguments.number("br", "1")), arguments.integer("gs", 0, optional=True)
    inner = make_divisible(sizes.width * ratio) if 0 < ratio <= 1 else 0
    if inner < 1 or sizes.width % inner:
        raise arguments.refused(
            arguments.call.line, f"br: the width {sizes.width} is no multiple of the inner one, as it is here"
        )
    if group_width and inner % group_width:
        raise arguments.refused(arguments.call.line, f"gs: groups of {group_width} do not divide {inner} channels")
    return Stage(
        "bottleneck",
        3,
        sizes.stride,
        sizes.width // inner,
        sizes.width,
        sizes.depth,
        group_width=group_width or None,
    )


_BLOCKS: dict[str, Callable[[_Sizes], Stage]] = {"rep": _repvgg, "basic": _basic, "bottle": _bottleneck}
"""By `type`: the reader of such a block."""
