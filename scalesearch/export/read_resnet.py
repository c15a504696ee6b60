"""Import of timm's or torchvision's ResNet as an `Architecture`."""

from __future__ import annotations

from decimal import Decimal

from scalesearch.design.antialias import AntialiasName
from scalesearch.design.architecture import Architecture, Head, Stage, Stem
from scalesearch.design.block_kinds import KINDS
from scalesearch.design.images import ImageSize
from scalesearch.design.shortcuts import ShortcutName
from scalesearch.export.arguments import Arguments
from scalesearch.export.gates import GateArguments, check_squeezes, read_gate
from scalesearch.export.library_rules import RESNET_STRIDES, RESNET_WIDTHS
from scalesearch.export.read_timm import pooled_by_mean
from scalesearch.export.values import Call, Definition, Items, Value

_UNSEEN = "zero_init_residual zero_init_last drop_rate drop_path_rate drop_block_rate device dtype"
"""Parameters that do not change the network: initial weights and dropout."""
_ONLY: dict[str, tuple[tuple[object, ...], str]] = {
    "down_kernel_size": ((1,), "a shortcut's convolution is 1×1 here"),
    "block_reduce_first": ((1,), "a narrower first convolution is no block here"),
    "output_stride": ((32,), "a network here has strides in place of dilation"),
    "replace_stride_with_dilation": (
        (None, (False, False, False)),
        "a network here has strides in place of dilation",
    ),
}
"""Arguments of either library that change the network: the values that our networks have, and why they have no
others."""
_KINDS = {spec.resnet: name for name, spec in KINDS.items() if spec.resnet}
_ANTIALIASES: dict[str, AntialiasName] = {"AvgPool2d": "avg_pool", "BlurPool2d": "blur"}
_POOLS = {None: "max_pool", "avg_pool": "avg_pool", "blur": "max_blur_pool"}
"""The layer behind the stem, by the smoothing."""
_STEM_WIDTH, _PLAIN_STEM_WIDTH = 64, 64
"""The default of `stem_width`, and the width of the 7×7 stem, whatever `stem_width` is."""
_STEM_SHARES = {"deep": (Decimal("0.5"), Decimal("0.5")), "deep_tiered": (Decimal("0.375"), Decimal("0.5"))}
"""The widths of a deep stem's first convolutions, as shares of the last one's, by `stem_type`."""


def read_resnet(definition: Definition, call: Call, px: ImageSize) -> Architecture:
    """Return the network of a call of timm's or torchvision's ResNet (`models/resnet.py` in both).

    Raises:
        InputError: something in it is not understood, or is not a network of ours; one line with file and line.
    """
    arguments = Arguments(definition, call, "block layers num_classes", _UNSEEN)
    kinds = _kinds(arguments)
    depths = arguments.integers("layers")
    for name, (allowed, reason) in _ONLY.items():
        arguments.only(name, allowed, reason)
    pooled_by_mean(arguments)
    has_channels = "channels" in call.keywords
    planes = arguments.integers("channels") if has_channels else RESNET_WIDTHS
    groups = arguments.integer("cardinality", 1) * arguments.integer("groups", 1)
    base_width = arguments.integer("base_width", 64) * arguments.integer("width_per_group", 64) * groups // 64
    if not len(depths) == len(planes) == len(kinds) == len(RESNET_STRIDES):
        raise arguments.refused(call.line, "a ResNet has four stages")
    is_narrow = all(KINDS[kind].narrows for kind in kinds)
    if groups > 1 and not all(KINDS[kind].grouped for kind in kinds):
        raise arguments.refused(call.line, "BasicBlock has no groups")
    is_whole = base_width >= 1 and 0 in (256 % base_width, base_width % 256)
    if not is_whole or (not is_narrow and base_width != 64):
        raise arguments.refused(
            call.line, "base_width (times groups) must divide 256 or be a multiple of it, and be 64 with BasicBlock"
        )
    if base_width > 256:
        kinds = ("wide_bottleneck",) * len(kinds)
    if any(width * base_width % (64 * groups) for width in planes):
        raise arguments.refused(call.line, "a group of every stage must have whole channels before it is rounded")
    gate = _gate(arguments)
    antialias = arguments.antialias("aa_layer", _ANTIALIASES)
    shortcut: ShortcutName | None = "avg_pool" if arguments.flag("avg_down") else None
    with arguments.errors_at(call.line):
        stages = tuple(
            Stage(
                kind,
                3,
                stride,
                max(256 // base_width, base_width // 256) if is_narrow or KINDS[kind].narrows else 1,
                (4 if is_narrow or KINDS[kind].narrows else 1) * width,
                depth,
                gate.se,
                gate=gate.gate,
                group_width=_group_width(width, base_width, groups),
                shortcut=shortcut,
                antialias=antialias if stride > 1 else None,
            )
            for kind, stride, width, depth in zip(kinds, RESNET_STRIDES, planes, depths, strict=True)
        )
        network = Architecture(
            px,
            _stem(arguments, _POOLS[antialias]),
            stages,
            Head(None, arguments.integer("num_classes", 1000)),
            arguments.activation("act_layer", "relu"),
            arguments.batch_norm_eps(),
            arguments.in_channels("in_chans"),
        )
    arguments.finish()
    check_squeezes(arguments, network)
    return network


def _kinds(arguments: Arguments) -> tuple[str, ...]:
    """Return the block kind of every stage; a single class is that of all."""
    value = arguments.value("block")
    items: tuple[Value | None, ...] = value.items if isinstance(value, Items) else (value,) * len(RESNET_STRIDES)
    return tuple(arguments.as_symbol(item, "block", _KINDS) for item in items)


def _stem(arguments: Arguments, pool_kind: str) -> Stem:
    """Return the stem, a 7×7 convolution or three of 3×3, with a layer of that kind or a convolution behind it."""
    stem_type = arguments.word("stem_type", "", ("", *_STEM_SHARES))
    width = arguments.integer("stem_width", _STEM_WIDTH)
    if arguments.flag("replace_stem_pool"):
        if pool_kind != "max_pool":
            raise arguments.refused(
                arguments.call.line,
                "replace_stem_pool: with aa_layer, timm smooths before the norm; no layer here does",
            )
        pool_kind = "conv"
    if not stem_type:
        return Stem(7, 2, _PLAIN_STEM_WIDTH, pool=True, fixed=True, pool_kind=pool_kind)
    if width % 4:
        raise arguments.refused(arguments.call.line, "stem_width must be a multiple of 4 in a deep stem")
    shares = _STEM_SHARES[stem_type]
    return Stem(3, 2, 2 * width, pool=True, fixed=True, kind="deep", pool_kind=pool_kind, shares=shares)


def _gate(arguments: Arguments) -> GateArguments:
    """Return the gate behind every block's last convolution, which `block_args` has as its `attn_layer`."""
    value = arguments.value("block_args")
    if value is None:
        return GateArguments()
    if not (isinstance(value, Call) and value.name == "dict"):
        raise arguments.refused(value.line, "block_args must be a dict, written out")
    inner = Arguments(arguments.definition, value, "")
    gate = read_gate(inner, inner.value("attn_layer"), None)
    inner.finish()
    return gate


def _group_width(planes: int, base_width: int, groups: int) -> int | None:
    """Return the channels of each group of a stage, or None for a single group."""
    return None if groups == 1 else planes * base_width // 64 // groups
