"""A network as timm's definition of it: architecture strings and keywords, or the ResNet call."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from scalesearch.design.activations import torch_class
from scalesearch.design.architecture import Architecture, Stage
from scalesearch.design.block_kinds import KINDS
from scalesearch.design.exact import plain
from scalesearch.design.scaling import Baseline
from scalesearch.errors import InputError
from scalesearch.export.library_rules import COLOUR, end_reasons, is_resnet, make_divisible, squeezed, stage_blocks
from scalesearch.export.names import described, file_stem
from scalesearch.export.resnet import resnet_reasons, resnet_text

LIBRARY = "timm"
OUTPUT_STRIDE = 32
"""timm's default; where a network's strides multiply to more, timm would dilate instead."""


def timm_definition(baseline: Baseline) -> str:
    """A Python file whose `build()` gives the network, and whose `arch_def` can be pasted into timm.

    As timm's `models/_efficientnet_builder.py`, `decode_arch_def`, and `models/resnet.py` have it.

    Raises:
        InputError: timm has no such network; the line says why.
    """
    net = baseline.architecture
    resnet = is_resnet(net)
    for reason in resnet_reasons(net, free_widths=True) if resnet else _reasons(net):
        raise InputError(f"{baseline.name}: {reason}; export --to torch takes any network")
    return resnet_text(baseline, LIBRARY) if resnet else _text(baseline)


def _reasons(net: Architecture) -> Iterator[str]:
    """Why timm's EfficientNet cannot be this network."""
    for number, stage in enumerate(net.stages, start=1):
        if not KINDS[stage.kind].timm:
            yield f"stage {number} is {stage.kind}, which timm's EfficientNet lacks"
    yield from end_reasons(net)
    if net.stem.stride != 2:
        yield f"timm's stem has stride 2, but this one {net.stem.stride}"
    if net.stem.pool:
        yield "timm's EfficientNet has no max-pool behind its stem"
    for number, stage, block in stage_blocks(net):
        stride, inner = stage.stride, block.in_width * stage.expansion
        if stride > 2:
            yield f"stage {number} has stride {stride}, but timm's have 1 or 2"
        if stage.expansion > 1 and make_divisible(inner) != inner:
            yield (
                f"stage {number} widens {block.in_width} channels to {inner}, but timm rounds that to "
                f"{make_divisible(inner)}"
            )
        if stage.se and stage.kind == "fused_mbconv" and stage.expansion == 1:
            yield f"stage {number} is fused_mbconv with se but without expansion, which timm lacks"
        elif stage.se and timm_squeeze(block.in_width, stage) != squeezed(block):
            yield (
                f"stage {number} squeezes to {squeezed(block)} of {block.in_width} channels, but timm rounds "
                f"{plain(stage.se)} of them to {timm_squeeze(block.in_width, stage)}"
            )


def timm_squeeze(in_width: int, stage: Stage) -> int:
    """As timm `_efficientnet_blocks.py`, `SqueezeExcite`: round half to even, of the inner width, in floats."""
    return round(make_divisible_inner(in_width, stage) * (float(stage.se) / stage.expansion))


def make_divisible_inner(in_width: int, stage: Stage) -> int:
    """The inner width of timm's block."""
    return in_width if stage.expansion == 1 else make_divisible(in_width * stage.expansion)


def block_string(stage: Stage) -> str:
    """A stage in timm's notation: `ir_r2_k3_s2_e6_c24_se0.25`.

    A block without expansion is `ds` or `cn`: timm's `ir` and `er` have their first convolution even then.
    """
    kind = KINDS[stage.kind]
    block, *flags = kind.timm[0 if stage.expansion > 1 else -1].split("_")
    expansion = [f"e{stage.expansion}"] if kind.expands else []
    se = [f"se{plain(stage.se)}"] if stage.se else []
    sizes = [f"r{stage.depth}", f"k{stage.kernel}", f"s{stage.stride}", *expansion, f"c{stage.width}", *se]
    return "_".join([block, *sizes, *flags])


def _text(baseline: Baseline) -> str:
    net, px = baseline.architecture, baseline.architecture.resolution
    rows = "".join(f'    ["{block_string(stage)}"],\n' for stage in net.stages)
    stride = 2
    for stage in net.stages:
        stride *= stage.stride
    extras = f"    output_stride={stride},\n" if stride > OUTPUT_STRIDE else ""
    extras += "    fix_stem=True,\n" if net.stem.fixed else ""
    extras += "" if net.in_channels == COLOUR else f"    in_chans={net.in_channels},\n"
    fixed = ", fix_first_last=True" if _first_and_last_fixed(net) else ""
    return (
        f'"""{described(baseline)}\n\n'
        f"    from {file_stem(baseline.name)}_timm import build\n"
        "    network = build()\n"
        '"""\n\n'
        "from functools import partial\n\n"
        "from timm.models._efficientnet_builder import decode_arch_def\n"
        "from timm.models.efficientnet import EfficientNet\n"
        "from torch import nn\n\n"
        f"input_size = ({net.in_channels}, {px}, {px})\n"
        f"arch_def = [\n{rows}]\n"
        "kwargs = dict(\n"
        f"    num_classes={net.head.classes},\n"
        f"    num_features={net.head.width or 0},\n"
        f"    stem_size={net.stem.width},\n"
        f"    stem_kernel_size={net.stem.kernel},\n"
        f"{extras}"
        f"    act_layer=nn.{torch_class(net.activation)},\n"
        f"    norm_layer={norm_text(net.batch_norm_eps)},\n"
        "    round_chs_fn=int,  # the widths are final\n"
        ")\n\n\n"
        "def build() -> nn.Module:\n"
        '    """The network, with timm\'s initial weights."""\n'
        f"    return EfficientNet(decode_arch_def(arch_def{fixed}), **kwargs)\n"
    )


def _first_and_last_fixed(net: Architecture) -> bool:
    """Whether just those two stages keep their depth, as timm's `fix_first_last` says it."""
    places = [place for place, stage in enumerate(net.stages) if stage.depth_fixed]
    return places == sorted({0, len(net.stages) - 1})


def norm_text(eps: Decimal) -> str:
    """Batch norm with its epsilon, as a `norm_layer`."""
    return f"partial(nn.BatchNorm2d, eps={plain(eps)})"
