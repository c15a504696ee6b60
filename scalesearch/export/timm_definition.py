"""Export of a network as timm's definition of it: architecture strings and keywords, or a call of ResNet."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from math import prod

from scalesearch.design.activations import ACTIVATIONS, torch_class
from scalesearch.design.architecture import Architecture, Stage
from scalesearch.design.block_kinds import KINDS
from scalesearch.design.decimals import format_decimal
from scalesearch.design.gates import GATES, GateName
from scalesearch.design.scaling import Baseline
from scalesearch.errors import InputError
from scalesearch.export.library_rules import (
    COLOUR,
    end_reasons,
    is_resnet,
    make_divisible,
    squeeze_width,
    stage_blocks,
)
from scalesearch.export.names import describe_baseline, file_stem
from scalesearch.export.resnet import resnet_reasons, resnet_text

LIBRARY = "timm"
OUTPUT_STRIDE = 32
"""timm's default. If the strides of a network multiply to more, timm would use dilation instead."""
_SKIP = "skip"
"""The flag of a `cn` with residual connections, which `noskip` would contradict."""
MOBILENET_GATE: GateName = "mobilenet_v3"
MOBILENET_STEM_KERNEL = 3
"""The kernel of the stem of timm's MobileNetV3, its class of networks with a hidden layer."""
_GATE = 'partial(SqueezeExcite, gate_layer="hard_sigmoid", force_act_layer=nn.ReLU, rd_round_fn=round_channels)'


def timm_definition(baseline: Baseline) -> str:
    """Return a Python file whose `build()` gives the network, and whose `arch_def` can be pasted into timm.

    It follows timm's `models/_efficientnet_builder.py`, `decode_arch_def`, and `models/resnet.py`.

    Raises:
        InputError: timm has no such network; the message says why.
    """
    net = baseline.architecture
    has_resnet_blocks = is_resnet(net)
    for reason in resnet_reasons(net, free_widths=True) if has_resnet_blocks else _reasons(net):
        raise InputError(f"{baseline.name}: {reason}; export --to torch takes any network")
    return resnet_text(baseline, LIBRARY) if has_resnet_blocks else _text(baseline)


def _reasons(net: Architecture) -> Iterator[str]:
    """Yield why timm's EfficientNet cannot be this network."""
    for number, stage in enumerate(net.stages, start=1):
        yield from _stage_reasons(number, stage)
    yield from _efficient_head_reasons(net)
    yield from end_reasons(net)
    if net.stem.stride != 2:
        yield f"timm's stem has stride 2, but this one {net.stem.stride}"
    if net.stem.pool:
        yield "timm's EfficientNet has no max-pool behind its stem"
    for number, stage, block in stage_blocks(net):
        stride, inner_width = stage.stride, block.inner_width
        if KINDS[stage.kind].starts and stride > 1 and stage.start_kernel == stage.kernel == 1:
            yield f"stage {number} has a stride but no depthwise convolution, which timm lacks"
        if stride > 2:
            yield f"stage {number} has stride {stride}, but timm's have 1 or 2"
        if timm_inner(block.in_width, stage) != inner_width:
            yield (
                f"stage {number} widens {block.in_width} channels to {inner_width}, but timm rounds that to "
                f"{timm_inner(block.in_width, stage)}"
            )
        if stage.se and stage.kind == "fused_mbconv" and stage.expansion == 1:
            yield f"stage {number} is fused_mbconv with se but without expansion, which timm lacks"
        elif stage.se and timm_squeeze(block.in_width, stage) != squeeze_width(block):
            yield (
                f"stage {number} squeezes to {squeeze_width(block)} of {block.in_width} channels, but timm rounds "
                f"{format_decimal(stage.se)} of them to {timm_squeeze(block.in_width, stage)}"
            )


def _stage_reasons(number: int, stage: Stage) -> Iterator[str]:
    """Yield why timm's strings cannot state a stage, whatever its input."""
    if not KINDS[stage.kind].timm:
        yield f"stage {number} is {stage.kind}, which timm's EfficientNet lacks"
        return
    if stage.activation is not None and not ACTIVATIONS[stage.activation].timm:
        yield f"stage {number} has {stage.activation}, for which timm's strings have no flag"
    if stage.antialias is not None and stage.stride > 1:
        yield f"stage {number} has antialias {stage.antialias}, which is not written for timm"
    if not stage.residual and _SKIP in block_string(stage).split("_"):
        yield f"stage {number} is {stage.kind} without residual connections, which is a conv in timm; write conv"


def _efficient_head_reasons(net: Architecture) -> Iterator[str]:
    """Yield why timm's MobileNetV3 cannot be a network with a hidden layer.

    For a network without a hidden layer, yield what it has that only MobileNetV3 has.
    """
    gates = {stage.gate for stage in net.stages if stage.se}
    if net.head.hidden is None:
        for gate in sorted(gate for gate in gates if gate is not None):
            yield f"a network with the gate {gate} has a hidden layer in timm, but this one has none"
        return
    if not net.head.hidden_bias:
        yield "the hidden layer has no bias, which is not written for timm"
    if gates - {MOBILENET_GATE}:
        yield f"a network with a hidden layer has gates of {MOBILENET_GATE} in timm, but not all of this one"
    if net.stem.kernel != MOBILENET_STEM_KERNEL:
        yield f"timm's MobileNetV3 has a stem of 3×3, but this one has {net.stem.kernel}×{net.stem.kernel}"
    if total_stride(net) > OUTPUT_STRIDE:
        yield f"timm's MobileNetV3 has strides up to {OUTPUT_STRIDE}, but this one {total_stride(net)}"
    if net.head.width is None and is_head(net.stages[-1]):
        yield "the last stage is what a head's convolution is in timm; write it as the head's width"


def is_head(stage: Stage) -> bool:
    """Return whether timm's MobileNetV3 has such a stage for the convolution of the head here."""
    is_pointwise = (stage.kind, stage.kernel, stage.stride, stage.depth) == ("conv", 1, 1, 1)
    return is_pointwise and stage.activation is None


def total_stride(net: Architecture) -> int:
    """Return the product of the strides of the stem and all stages."""
    return net.stem.stride * prod(stage.stride for stage in net.stages)


def timm_squeeze(in_width: int, stage: Stage, divisor: int = 8, limit: float = 0.9) -> int:
    """Return the squeeze width that timm's `SqueezeExcite` (`_efficientnet_blocks.py`) has.

    It rounds half to even, from the inner width, in floats. In MobileNetV3 the ratio applies to the inner width
    (`se_from_exp`), and with `rd_round_fn` the result is a multiple of 8: `divisor`, 1 without.

    Args:
        in_width: the channels of the block's input.
        stage: the block's stage.
        divisor: the number that the squeeze width of a named gate is a multiple of; 1: it is rounded.
        limit: the share that such a multiple must keep (`round_limit`).
    """
    of_inner = stage.gate is not None and GATES[stage.gate].of_inner
    ratio = float(stage.se) if of_inner else float(stage.se) / float(stage.expansion)
    squeezed = make_divisible_inner(in_width, stage) * ratio
    return round(squeezed) if stage.gate is None or divisor == 1 else make_divisible(squeezed, limit=limit)


def make_divisible_inner(in_width: int, stage: Stage) -> int:
    """Return the inner width of timm's block."""
    return in_width if stage.expansion == 1 else make_divisible(in_width * float(stage.expansion))


def timm_inner(in_width: int, stage: Stage) -> int:
    """Return the inner width of timm's block; some blocks round it even where their expansion is 1."""
    rounds_always = stage.kind in ("uib", "edge_residual") and stage.expansion == 1
    return make_divisible(in_width) if rounds_always else make_divisible_inner(in_width, stage)


def block_string(stage: Stage) -> str:
    """Return a stage in timm's notation: `ir_r2_k3_s2_e6_c24_se0.25`.

    A block without expansion is `ds` or `cn`, because timm's `ir` and `er` have their first convolution even then.
    In `uir_r1_a5_k0_s1_e4_c96`, `a` and `k` are kernels of depthwise convolutions; 0 leaves one out.
    """
    kind = KINDS[stage.kind]
    block, *flags = kind.timm[0 if stage.expansion > 1 else -1].split("_")
    expansion = [f"e{format_decimal(Decimal(stage.expansion))}"] if kind.expands else []
    se = [f"se{format_decimal(stage.se)}"] if stage.se else []
    if not stage.residual:
        flags.append("noskip")
    if stage.activation is not None:
        flags.append(str(ACTIVATIONS[stage.activation].timm))
    kernels = [f"k{stage.kernel}"]
    if kind.starts:
        kernels = [
            f"{key}{side if side > 1 else 0}" for key, side in (("a", stage.start_kernel), ("k", stage.kernel))
        ]
    sizes = [f"r{stage.depth}", *kernels, f"s{stage.stride}", *expansion, f"c{stage.width}", *se]
    return "_".join([block, *sizes, *flags])


def _text(baseline: Baseline) -> str:
    net = baseline.architecture
    is_mobilenet, stages = net.head.hidden is not None, net.stages
    if is_mobilenet and net.head.width is not None:
        stages = (*stages, Stage("conv", 1, 1, 1, net.head.width, 1))
    rows = "".join(f'    ["{block_string(stage)}"],\n' for stage in stages)
    stride = total_stride(net)
    extras = "" if is_mobilenet else f"    stem_kernel_size={net.stem.kernel},\n"
    extras += f"    output_stride={stride},\n" if stride > OUTPUT_STRIDE else ""
    extras += "    head_norm=True,\n" if net.head.hidden_norm is not None else ""
    extras += "    fix_stem=True,\n" if net.stem.fixed else ""
    extras += "" if net.in_channels == COLOUR else f"    in_chans={net.in_channels},\n"
    extras += "" if net.padding == "symmetric" else f'    pad_type="{net.padding}",\n'
    extras += f"    se_layer={_GATE},\n" if any(stage.gate for stage in stages) else ""
    fixed = ", fix_first_last=True" if _first_and_last_fixed(net) and stages == net.stages else ""
    builder, block_import, model_import = (
        "decode_arch_def",
        "",
        "from timm.models.efficientnet import EfficientNet\n",
    )
    if is_mobilenet:
        model_import = "from timm.models.mobilenetv3 import MobileNetV3\n"
    if any(stage.gate for stage in stages):
        builder = "decode_arch_def, round_channels"
        block_import = "from timm.models._efficientnet_blocks import SqueezeExcite\n"
    features = net.head.hidden or net.head.width or 0
    return (
        f'"""{describe_baseline(baseline)}\n\n'
        f"    from {file_stem(baseline.name)}_timm import build\n"
        "    network = build()\n"
        '"""\n\n'
        "from functools import partial\n\n"
        f"{block_import}from timm.models._efficientnet_builder import {builder}\n"
        f"{model_import}"
        "from torch import nn\n\n"
        f"input_size = {net.image_shape}\n"
        f"arch_def = [\n{rows}]\n"
        "kwargs = dict(\n"
        f"    num_classes={net.head.classes},\n"
        f"    num_features={features},\n"
        f"    stem_size={net.stem.width},\n"
        f"{extras}"
        f"    act_layer=nn.{torch_class(net.activation)},\n"
        f"    norm_layer={norm_text(net.batch_norm_eps)},\n"
        "    round_chs_fn=int,  # the widths are final\n"
        ")\n\n\n"
        "def build() -> nn.Module:\n"
        '    """The network, with timm\'s initial weights."""\n'
        f"    return {'MobileNetV3' if is_mobilenet else 'EfficientNet'}"
        f"(decode_arch_def(arch_def{fixed}), **kwargs)\n"
    )


def _first_and_last_fixed(net: Architecture) -> bool:
    """Return whether exactly the first and the last stage keep their depth, as timm's `fix_first_last` does."""
    fixed_stages = [number for number, stage in enumerate(net.stages) if stage.depth_fixed]
    return fixed_stages == sorted({0, len(net.stages) - 1})


def norm_text(eps: Decimal) -> str:
    """Return batch norm with its epsilon, as a `norm_layer`."""
    return f"partial(nn.BatchNorm2d, eps={format_decimal(eps)})"
