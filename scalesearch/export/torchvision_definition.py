"""Export of a network as a call of torchvision's constructor: EfficientNet, MobileNetV2 or ResNet."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from scalesearch.design.architecture import Architecture, Stage
from scalesearch.design.block_kinds import KINDS
from scalesearch.design.decimals import format_decimal
from scalesearch.design.scaling import Baseline
from scalesearch.errors import InputError
from scalesearch.export.library_rules import (
    COLOUR,
    end_reasons,
    is_resnet,
    make_divisible,
    stage_blocks,
    uniform_reasons,
)
from scalesearch.export.names import describe_baseline, file_stem
from scalesearch.export.resnet import resnet_reasons, resnet_text
from scalesearch.export.timm_definition import norm_text

LIBRARY = "torchvision"
CONFIGS = {name: kind.torchvision for name, kind in KINDS.items() if kind.torchvision}
"""The classes of rows by block kind."""
_MOBILENET = "inverted_residual"
"""The block kind of torchvision's MobileNetV2."""
QUARTER = Decimal("0.25")
"""The only squeeze ratio of torchvision: input // 4."""
MOBILENET_STEM, MOBILENET_HEAD = 32, 1280
"""The widths of MobileNetV2's stem and head at `width_mult` 1."""


def torchvision_definition(baseline: Baseline) -> str:
    """Return a Python file whose `build()` gives the network.

    It follows torchvision's `models/efficientnet.py`, `mobilenetv2.py` and `resnet.py`.

    Raises:
        InputError: torchvision has no such network; the message says why.
    """
    net = baseline.architecture
    is_mobilenet = all(stage.effective_kind == _MOBILENET for stage in net.stages)
    if is_resnet(net):
        reasons = resnet_reasons(net, free_widths=False)
    elif is_mobilenet:
        reasons = _mobilenet_reasons(net)
    else:
        reasons = _efficientnet_reasons(net)
    for reason in reasons:
        raise InputError(f"{baseline.name}: {reason}; export --to torch takes any network")
    if is_resnet(net):
        return resnet_text(baseline, LIBRARY)
    return _mobilenet_text(baseline) if is_mobilenet else _efficientnet_text(baseline)


def _stem_reasons(net: Architecture, activation: str) -> Iterator[str]:
    yield from end_reasons(net)
    yield from uniform_reasons(net)
    if net.in_channels != COLOUR:
        yield f"torchvision's networks take images of 3 channels, but this one takes {net.in_channels}"
    if (net.stem.kernel, net.stem.stride, net.stem.pool) != (3, 2, False):
        yield "torchvision's stem is 3×3 with stride 2 and no pool, but this one is not"
    if net.head.width is None:
        yield "torchvision's network has a convolution in its head, but this one has none"
    if net.activation != activation:
        yield f"torchvision's network has {activation}, but this one {net.activation}"
    for number, stage in enumerate(net.stages, start=1):
        if stage.stride > 2:
            yield f"stage {number} has stride {stage.stride}, but torchvision's have 1 or 2"


def _efficientnet_reasons(net: Architecture) -> Iterator[str]:
    """Yield why torchvision's EfficientNet cannot be this network."""
    for number, stage in enumerate(net.stages, start=1):
        if stage.kind not in CONFIGS:
            yield f"stage {number} is {stage.kind}, but torchvision's EfficientNet has {' and '.join(CONFIGS)}"
    yield from _stem_reasons(net, "silu")
    for number, stage in enumerate(net.stages, start=1):
        ratio = QUARTER if stage.kind == "mbconv" else Decimal(0)
        if stage.se != ratio:
            given, expected = format_decimal(stage.se), format_decimal(ratio)
            yield f"stage {number} has se {given}, but torchvision's {stage.kind} has {expected}"
    for number, stage, block in stage_blocks(net):
        for width in (block.inner_width, *_rounded_widths(stage, block.in_width, block.out_width)):
            if make_divisible(width) != width:
                yield (
                    f"stage {number} has {width} channels, but torchvision rounds that to {make_divisible(width)}"
                )


def _rounded_widths(stage: Stage, *widths: int) -> tuple[int, ...]:
    """Return the widths that a row's constructor rounds: MBConvConfig does, FusedMBConvConfig does not."""
    return widths if stage.kind == "mbconv" else ()


def _efficientnet_text(baseline: Baseline) -> str:
    net = baseline.architecture
    width, rows = net.stem.width, []
    for stage in net.stages:
        numbers = (stage.expansion, stage.kernel, stage.stride, width, stage.width, stage.depth)
        rows.append(f"    {CONFIGS[stage.kind]}({', '.join(map(str, numbers))}),\n")
        width = stage.width
    configs = ", ".join(name for name in ("EfficientNet", *sorted(CONFIGS.values())) if name in "".join(rows))
    imports = ", ".join(sorted({"EfficientNet", *configs.split(", ")} - {""}))
    return _text(
        baseline,
        f"from torchvision.models.efficientnet import {imports}",
        "# expansion, kernel, stride, channels in, channels out, layers\n"
        f"inverted_residual_setting = [\n{''.join(rows)}]\n",
        (
            "EfficientNet",
            "inverted_residual_setting,",
            "dropout=0.2,",
            f"num_classes={net.head.classes},",
            f"last_channel={net.head.width},",
            f"norm_layer={norm_text(net.batch_norm_eps)},",
        ),
    )


def _mobilenet_reasons(net: Architecture) -> Iterator[str]:
    """Yield why torchvision's MobileNetV2 cannot be this network."""
    yield from _stem_reasons(net, "relu6")
    for number, stage in enumerate(net.stages, start=1):
        if stage.kernel != 3:
            yield f"stage {number} has {stage.kernel}×{stage.kernel} kernels, but torchvision's MobileNetV2 3×3"
    if _mobilenet_widths(net) is None:
        yield (
            "torchvision's MobileNetV2 derives stem and head from one width_mult "
            f"({MOBILENET_STEM} and {MOBILENET_HEAD} at 1), and none gives these widths"
        )


def _mobilenet_widths(net: Architecture) -> tuple[str, int, tuple[int, ...]] | None:
    """Return the `width_mult`, the `round_nearest` and the unscaled channels that give the network's widths.

    It is None if none do.
    """
    head = net.head.width or 0
    for divisor in (8, 1):
        for multiplier in (head / MOBILENET_HEAD, net.stem.width / MOBILENET_STEM):
            text = f"{multiplier:.6g}"
            rounded_multiplier = float(text)
            target = (net.stem.width, head)
            scaled = (
                make_divisible(MOBILENET_STEM * rounded_multiplier, divisor),
                make_divisible(MOBILENET_HEAD * max(1.0, rounded_multiplier), divisor),
            )
            channels = [_unscaled_width(stage.width, rounded_multiplier, divisor) for stage in net.stages]
            if scaled == target and all(channels):
                return text, divisor, tuple(channels)
    return None


def _unscaled_width(width: int, multiplier: float, divisor: int) -> int:
    """Return the channels that `width_mult` scales to `width`, or 0 if there are none."""
    guess = round(width / multiplier)
    candidates = (guess + offset for step in range(9) for offset in (step, -step))
    return next(
        (
            channels
            for channels in candidates
            if channels > 0 and make_divisible(channels * multiplier, divisor) == width
        ),
        0,
    )


def _mobilenet_text(baseline: Baseline) -> str:
    net = baseline.architecture
    multiplier, divisor, channels = _mobilenet_widths(net) or ("1", 8, ())
    rows = "".join(
        f"    [{stage.expansion}, {width}, {stage.depth}, {stage.stride}],\n"
        for stage, width in zip(net.stages, channels, strict=True)
    )
    scaling = (
        () if (multiplier, divisor) == ("1", 8) else (f"width_mult={multiplier},", f"round_nearest={divisor},")
    )
    return _text(
        baseline,
        "from torchvision.models.mobilenetv2 import MobileNetV2",
        f"# expansion, channels, layers, stride\ninverted_residual_setting = [\n{rows}]\n",
        (
            "MobileNetV2",
            f"num_classes={net.head.classes},",
            *scaling,
            "inverted_residual_setting=inverted_residual_setting,",
            f"norm_layer={norm_text(net.batch_norm_eps)},",
        ),
    )


def _text(baseline: Baseline, model_import: str, setting: str, call: tuple[str, ...]) -> str:
    return (
        f'"""{describe_baseline(baseline)}\n\n'
        f"    from {file_stem(baseline.name)}_torchvision import build\n"
        "    network = build()\n"
        '"""\n\n'
        "from functools import partial\n\n"
        f"from torch import nn\n{model_import}\n\n"
        f"input_size = {baseline.architecture.image_shape}\n"
        f"{setting}\n\n"
        "def build() -> nn.Module:\n"
        '    """The network, with torchvision\'s initial weights."""\n'
        f"    return {call[0]}(\n" + "".join(f"        {line}\n" for line in call[1:]) + "    )\n"
    )
