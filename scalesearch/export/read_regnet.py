"""Import of timm's RegNet as an `Architecture`."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from math import isfinite, log

from scalesearch.design.architecture import Architecture, Head, Stage, Stem
from scalesearch.design.block_kinds import KINDS
from scalesearch.design.images import ImageSize
from scalesearch.design.shortcuts import ShortcutName
from scalesearch.export.arguments import Arguments
from scalesearch.export.library_rules import make_divisible, squeeze_width, stage_blocks
from scalesearch.export.read_timm import BATCH_NORMS, SHORTCUTS, UNSEEN, pooled_by_mean
from scalesearch.export.values import Call, Definition

CONFIG = "RegNetCfg"
"""The class of timm's configurations of a RegNet."""
_POSITIONS = "cfg in_chans num_classes output_stride global_pool drop_rate drop_path_rate zero_init_last"
_CONFIG_POSITIONS = (
    "depth w0 wa wm group_size bottle_ratio se_ratio group_min_ratio stem_width downsample linear_out preact "
    "num_features act_layer norm_layer"
)
_STAGES, _QUANTUM, _LARGEST_DEPTH = 4, 8, 4096
_CONFIG_ONLY: dict[str, tuple[tuple[object, ...], str]] = {
    "preact": ((False,), "a bottleneck here has its activations behind its convolutions"),
}
"""Keywords of a configuration with the values that our networks have, and why they have no others."""


def linear_widths(depth: int, initial: int, slope: float, multiplier: float) -> list[int]:
    """Return the width of every block of a RegNet, by the rule of Radosavovic et al. 2020, section 3.3.

    Block j has u_j = w_0 + w_a · j (equation 2). With s_j = log(u_j / w_0) / log w_m, rounded to the nearest whole
    number (equation 3), its width is w_0 · w_m ^ s_j (equation 4), in multiples of 8.

    Args:
        depth: the number of blocks.
        initial: the width of the first block, w_0, in channels.
        slope: what each block adds, w_a, in channels.
        multiplier: the step between the stages' widths, w_m, above 1.
    """
    steps = [round(log((initial + slope * block) / initial) / log(multiplier)) for block in range(depth)]
    return [round(initial * multiplier**step / _QUANTUM) * _QUANTUM for step in steps]


def read_regnet(definition: Definition, call: Call, px: ImageSize) -> Architecture:
    """Return the network of a call of timm's RegNet (`models/regnet.py`) at `px`.

    Keywords of the configuration that the call has are laid over those of its `cfg`, as in timm.

    Raises:
        InputError: something in it is not understood, or is not a network of ours; one line with file and line.
    """
    arguments = Arguments(definition, call, _POSITIONS, f"{UNSEEN} zero_init_last")
    given = arguments.call_of("cfg", CONFIG)
    arguments.only("output_stride", (32,), "a network here has strides in place of dilation")
    pooled_by_mean(arguments)
    channels, classes = arguments.in_channels("in_chans"), arguments.integer("num_classes", 1000)
    config = Arguments(definition, given, _CONFIG_POSITIONS)
    config.overlay(arguments)
    for name, (allowed, reason) in _CONFIG_ONLY.items():
        config.only(name, allowed, reason)
    group_width, se = config.integer("group_size", 24), config.number("se_ratio", "0")
    ratio = _inner_ratio(config)
    kind = _kind(config, ratio)
    widths = _stage_widths(config, group_width, ratio)
    groups = [min(group_width, int(width * ratio)) for width, _ in widths]
    if KINDS[kind].fits_groups and any(width % group for (width, _), group in zip(widths, groups, strict=True)):
        raise config.refused(given.line, "group_size: groups of a wide bottleneck divide its output width here")
    shortcut = _shortcut(config)
    with arguments.errors_at(call.line):
        head = Head(config.integer("num_features", 0) or None, classes)
    with config.errors_at(given.line):
        stages = tuple(
            Stage(kind, 3, 2, int(max(ratio, 1 / ratio)), width, depth, se, group_width=group, shortcut=shortcut)
            for (width, depth), group in zip(widths, groups, strict=True)
        )
        network = Architecture(
            px,
            Stem(3, 2, config.integer("stem_width", 32), fixed=True),
            stages,
            head,
            config.activation("act_layer", "relu"),
            config.batch_norm_eps(*BATCH_NORMS),
            channels,
        )
    config.finish()
    for _, stage, block in stage_blocks(network):
        squeezed = round(block.in_width * float(stage.se))
        if stage.se and squeezed != squeeze_width(block):
            raise config.refused(
                given.line, f"timm squeezes to {squeezed} channels, but {squeeze_width(block)} here"
            )
    return network


def _inner_ratio(config: Arguments) -> Fraction:
    """Return the inner width of a bottleneck over its output one: a whole number, or 1 over one."""
    given = float(config.number("bottle_ratio", "1"))
    inverse = round(1 / given) if given > 0 and isfinite(1 / given) else 0
    ratio = Fraction(1, inverse) if inverse > 1 else Fraction(round(given)) if isfinite(given) else Fraction(0)
    if ratio <= 0 or float(ratio) != given:
        raise config.refused(config.call.line, "bottle_ratio must be a whole number, or 1 over one")
    return ratio


def _kind(config: Arguments, ratio: Fraction) -> str:
    """Return the block kind: a bottleneck, one that is wider inside, or one without an activation at its end."""
    if not config.flag("linear_out"):
        return "bottleneck" if ratio <= 1 else "wide_bottleneck"
    if ratio < 1:
        raise config.refused(
            config.call.line, "linear_out: a bottleneck that is narrower inside ends in an activation here"
        )
    return "linear_bottleneck"


def _shortcut(config: Arguments) -> ShortcutName | None:
    """Return the shortcut where the shape changes; None stands for none in timm."""
    missing = "" if config.has("downsample") else "conv1x1"
    return SHORTCUTS[config.word("downsample", missing, tuple(SHORTCUTS))]


def _stage_widths(config: Arguments, group_width: int, ratio: Fraction) -> list[tuple[int, int]]:
    """Return width and depth of every stage, the widths rounded to whole groups."""
    depth, initial = config.integer("depth", 21), config.integer("w0", 80)
    slope, multiplier = float(config.number("wa", "42.63")), float(config.number("wm", "2.66"))
    least_share = float(config.number("group_min_ratio", "0"))
    line = config.call.line
    if not (1 <= depth <= _LARGEST_DEPTH and 0 < initial <= 65536 and initial % _QUANTUM == 0 and group_width >= 1):
        raise config.refused(
            line, f"depth must be in 1 … {_LARGEST_DEPTH}, w0 a multiple of {_QUANTUM}, and group_size at least 1"
        )
    if not (0 <= slope <= 65536 and 1 < multiplier <= 64 and 0 <= least_share <= 1):
        raise config.refused(line, "wa must be at least 0, wm above 1 and group_min_ratio in 0 … 1")
    counts = Counter(linear_widths(depth, initial, slope, multiplier))
    if len(counts) != _STAGES:
        raise config.refused(line, f"timm's RegNet has {_STAGES} stages, but these sizes give {len(counts)}")
    stages = []
    for width, count in sorted(counts.items()):
        inner = int(width * ratio)
        group = min(group_width, inner)
        whole = make_divisible(inner, group, limit=least_share) if least_share else round(inner / group) * group
        stages.append((int(whole / ratio), count))
    return stages
