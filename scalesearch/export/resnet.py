"""Export of a ResNet as a call of timm's or torchvision's constructor of that name."""

from __future__ import annotations

from collections.abc import Iterator

from scalesearch.design.activations import torch_class
from scalesearch.design.architecture import Architecture
from scalesearch.design.block_kinds import KINDS
from scalesearch.design.decimals import format_decimal
from scalesearch.design.scaling import Baseline
from scalesearch.export.library_rules import COLOUR, RESNET_STRIDES, RESNET_WIDTHS, end_reasons, uniform_reasons
from scalesearch.export.names import describe_baseline, file_stem

_BOTTLENECK = 4
"""The output of a bottleneck has four times the planes of its stage, in both libraries."""
_BASE_WIDTH = 256
"""The output channels of a bottleneck in the first stage; divided by its inner channels they are its expansion."""


def resnet_reasons(net: Architecture, free_widths: bool) -> Iterator[str]:
    """Yield why neither timm's nor torchvision's ResNet can be this network.

    Args:
        net: a network with at least one stage of a ResNet's blocks.
        free_widths: whether stages may have any width, as in timm (`channels`); in torchvision they are fixed.
    """
    stem, stages = net.stem, net.stages
    kinds = {stage.kind for stage in stages}
    if len(kinds) != 1 or not all(KINDS[kind].resnet for kind in kinds):
        yield f"a ResNet has blocks of one kind, basic or bottleneck, but this one {', '.join(sorted(kinds))}"
    yield from end_reasons(net)
    yield from uniform_reasons(net)
    if (stem.kernel, stem.stride, stem.width, stem.pool) != (7, 2, 64, True):
        yield "a ResNet's stem is 7×7, stride 2, 64 channels and a max-pool, but this one is not"
    if tuple(stage.stride for stage in stages) != RESNET_STRIDES:
        yield "a ResNet has four stages of strides 1, 2, 2, 2, but this one has not"
    if any(stage.kernel != 3 for stage in stages):
        yield "a ResNet's kernels are 3×3, but not all of this one"
    if not free_widths and net.in_channels != COLOUR:
        yield f"torchvision's networks take images of 3 channels, but this one takes {net.in_channels}"
    if net.head.width is not None:
        yield "a ResNet has no convolution in its head, but this one has"
    yield from _block_reasons(net)
    unit = _unit(net)
    if any(stage.width % unit for stage in stages):
        yield f"a ResNet's widths are multiples of {unit}, but not all of these"
    if free_widths:
        return
    if tuple(stage.width for stage in stages) != tuple(unit * width for width in RESNET_WIDTHS):
        expected_widths = " ".join(str(unit * width) for width in RESNET_WIDTHS)
        yield f"torchvision's ResNet has stages of {expected_widths} channels, but this one has other widths"
    if net.activation != "relu":
        yield f"torchvision's ResNet has ReLU, but this one {net.activation}"


def _block_reasons(net: Architecture) -> Iterator[str]:
    """Yield why the constructors' arguments cannot give the inside of these bottlenecks."""
    stages = net.stages
    if len({stage.expansion for stage in stages}) != 1 or _BASE_WIDTH % stages[0].expansion:
        yield f"a ResNet's bottlenecks have one expansion that divides {_BASE_WIDTH}, but not these"
    if any(stage.se for stage in stages):
        yield "a ResNet's blocks have no squeeze-and-excitation before their last convolution, but these have"
    groups = {stage.groups for stage in stages}
    if len(groups) != 1:
        yield f"a ResNet's stages have equally many groups, but these {', '.join(map(str, sorted(groups)))}"
    elif _BASE_WIDTH % (stages[0].expansion * max(groups)):
        yield f"a ResNet's groups have whole channels where a stage has {_BASE_WIDTH}, but {max(groups)} have not"


def _unit(net: Architecture) -> int:
    """Return the output channels of a stage over the planes that the constructor takes."""
    return _BOTTLENECK if KINDS[net.stages[0].kind].narrows else 1


def resnet_text(baseline: Baseline, library: str) -> str:
    """Return a Python file whose `build()` gives the network; it requires that `resnet_reasons` yields none."""
    net = baseline.architecture
    block, is_timm = KINDS[net.stages[0].kind].resnet, library == "timm"
    planes = tuple(stage.width // _unit(net) for stage in net.stages)
    lines = [f"{block},", f"{[stage.depth for stage in net.stages]},", f"num_classes={net.head.classes},"]
    if net.in_channels != COLOUR:
        lines.append(f"in_chans={net.in_channels},")
    if is_timm and planes != RESNET_WIDTHS:
        lines.append(f"channels={planes},")
    groups, expansion = net.stages[0].groups, net.stages[0].expansion
    if groups > 1:
        lines.append(f"{'cardinality' if is_timm else 'groups'}={groups},")
    if block == "Bottleneck" and groups * expansion != _BOTTLENECK:
        lines.append(f"{'base_width' if is_timm else 'width_per_group'}={_BASE_WIDTH // (groups * expansion)},")
    if net.activation != "relu":
        lines.append(f"act_layer=nn.{torch_class(net.activation)},")
    lines.append(f"norm_layer=partial(nn.BatchNorm2d, eps={format_decimal(net.batch_norm_eps)}),")
    module = "timm.models.resnet" if is_timm else "torchvision.models.resnet"
    first, second = sorted((f"from {module} import {block}, ResNet", "from torch import nn"))
    return (
        f'"""{describe_baseline(baseline)}\n\n'
        f"    from {file_stem(baseline.name)}_{library} import build\n"
        "    network = build()\n"
        '"""\n\n'
        "from functools import partial\n\n"
        f"{first}\n{second}\n\n"
        f"input_size = {net.image_shape}\n\n\n"
        "def build() -> nn.Module:\n"
        f'    """The network, with {library}\'s initial weights."""\n'
        "    return ResNet(\n" + "".join(f"        {line}\n" for line in lines) + "    )\n"
    )
