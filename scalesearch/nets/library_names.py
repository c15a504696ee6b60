"""timm's and torchvision's names of a network's tensors, so that their trained weights can be ours.

A `.safetensors` file has no order, so each tensor is found by its name. Names are those of timm 1.0
(`efficientnet_blocks.py`, `resnet.py`) and torchvision 0.29 (`efficientnet.py`, `mobilenetv2.py`, `mobilenetv3.py`,
`mnasnet.py`, `resnet.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from torch import Tensor

from scalesearch.design.architecture import Architecture
from scalesearch.design.blocks import Block
from scalesearch.nets.backbone import child_name

Pairs = Iterator[tuple[str, str]]
"""Modules by our name and by theirs."""
_HEADS = ("classifier.", "classifier.1.", "fc.")


PREFIXES = ("module.", "_orig_mod.", "model.", "encoder.")
"""What wrappers put before every name: DataParallel, torch.compile, and modules that hold the network."""
_AVERAGED = "n_averaged"
"""The counter of torch's AveragedModel, beside the tensors of its `module`."""


def without_prefix(tensors: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], str]:
    """The tensors without what stands before all their names, nested wrappers too, and that prefix."""
    found, prefix = {name: one for name, one in tensors.items() if name != _AVERAGED}, ""
    while found:
        wrapper = next((one for one in PREFIXES if all(name.startswith(one) for name in found)), None)
        if wrapper is None:
            break
        found = {name.removeprefix(wrapper): one for name, one in found.items()}
        prefix += wrapper
    return found, prefix


def ours(tensors: Mapping[str, Tensor], architecture: Architecture) -> tuple[str, dict[str, Tensor]] | None:
    """Whose names the tensors have, of `NAMINGS`, and the tensors by our names without the classifier's.

    None where the names are neither library's. Shapes are not looked at, and some of the architecture's tensors may
    be missing.
    """
    own = {name for name in tensors if not name.startswith(_HEADS) and not name.endswith("num_batches_tracked")}
    for library, names in NAMINGS.items():
        modules = {theirs: mine for mine, theirs in names(architecture)}
        found = {}
        for name in own:
            module, _, kind = name.rpartition(".")
            if module in modules:
                found[f"{modules[module]}.{kind}"] = tensors[name]
        if found and len(found) == len(own):
            return library, {name: one for name, one in found.items() if not name.startswith("classifier.")}
    return None


def _timm(net: Architecture) -> Pairs:
    yield from _conv_norm("stem.conv", "conv_stem", "bn1")
    places = {stage: (stage, 0) for stage in range(len(net.stages))}
    if net.head.hidden is None:
        yield from _conv_norm("head.conv", "conv_head", "bn2")
    else:
        places = _rows_of_mobilenet_v3(net)
        last = f"blocks.{places[len(net.stages) - 1][0] + 1}.0"
        yield from _conv_norm("head.conv", f"{last}.conv", f"{last}.bn1")
        yield "classifier.hidden.0", "conv_head"
    for block in _staged(net):
        _, stage, index = block.name.split(".")
        number, before = places[int(stage)]
        mine, theirs = child_name(block.name), f"blocks.{number}.{before + int(index)}"
        roles = [layer.role for layer in block.layers]
        convolutions = [role for role in roles if role not in ("squeeze", "excite")]
        for number, role in enumerate(convolutions, 1):
            name = _timm_name(block, role, len(convolutions))
            yield from _conv_norm(f"{mine}.{role}", f"{theirs}.{name}", f"{theirs}.bn{number}")
        yield f"{mine}.gate.squeeze", f"{theirs}.se.conv_reduce"
        yield f"{mine}.gate.excite", f"{theirs}.se.conv_expand"


def _rows_of_mobilenet_v3(net: Architecture) -> dict[int, tuple[int, int]]:
    """Where timm's MobileNetV3 has each of our stages: the list of strings, and the blocks before it in that list.

    A list holds what lies between two changes of the width or strides (`_gen_mobilenet_v3`).
    """
    found: dict[int, tuple[int, int]] = {}
    number, before, width = -1, 0, None
    for index, stage in enumerate(net.stages):
        if stage.stride > 1 or stage.width != width:
            number, before, width = number + 1, 0, stage.width
        found[index] = (number, before)
        before += stage.depth
    return found


def _timm_name(block: Block, role: str, convolutions: int) -> str:
    """Timm calls a last 1×1 `pwl` where one comes before it, and fused ones by what they do."""
    if convolutions == 1:
        return "conv"
    if role == "expand":
        return "conv_exp" if "fused" in block.kind else "conv_pw"
    if role == "depthwise":
        return "conv_dw"
    plain = block.kind != "fused_mbconv" and block.expansion == 1
    return "conv_pw" if plain else "conv_pwl"


def _torchvision(net: Architecture) -> Pairs:
    """V1 and V2."""
    yield from _conv_norm("stem.conv", "features.0.0", "features.0.1")
    last = f"features.{len(net.stages) + 1}"
    yield from _conv_norm("head.conv", f"{last}.0", f"{last}.1")
    for block in _staged(net):
        _, stage, index = block.name.split(".")
        yield from _torchvision_block(block, f"features.{int(stage) + 1}.{index}.block")


def _torchvision_block(block: Block, theirs: str) -> Pairs:
    """The layers of a block, which torchvision numbers; a gate is one of them.

    Args:
        block: one of a stage.
        theirs: what torchvision calls it.
    """
    mine, place = child_name(block.name), 0
    for layer in block.layers:
        if layer.role == "squeeze":
            yield f"{mine}.gate.squeeze", f"{theirs}.{place}.fc1"
            yield f"{mine}.gate.excite", f"{theirs}.{place}.fc2"
        elif layer.role != "excite":
            yield from _conv_norm(f"{mine}.{layer.role}", f"{theirs}.{place}.0", f"{theirs}.{place}.1")
        place += layer.role != "excite"


def _torchvision_mobilenet_v3(net: Architecture) -> Pairs:
    """As the EfficientNets, with all blocks in one row."""
    yield from _conv_norm("stem.conv", "features.0.0", "features.0.1")
    number = 0
    for number, block in enumerate(_staged(net), 1):
        yield from _torchvision_block(block, f"features.{number}.block")
    yield from _conv_norm("head.conv", f"features.{number + 1}.0", f"features.{number + 1}.1")


def _torchvision_mobilenet_v2(net: Architecture) -> Pairs:
    yield from _conv_norm("stem.conv", "features.0.0", "features.0.1")
    number = 0
    for number, block in enumerate(_staged(net), 1):
        mine, theirs = child_name(block.name), f"features.{number}.conv"
        *inner, last = (f"{mine}.{layer.role}" for layer in block.layers)
        for place, name in enumerate(inner):
            yield from _conv_norm(name, f"{theirs}.{place}.0", f"{theirs}.{place}.1")
        yield from _conv_norm(last, f"{theirs}.{len(inner)}", f"{theirs}.{len(inner) + 1}")
    yield from _conv_norm("head.conv", f"features.{number + 1}.0", f"features.{number + 1}.1")


def _torchvision_mnasnet(net: Architecture) -> Pairs:
    """Convolution, norm, ReLU in one row; the first stage lies open in it, each further one is a step."""
    yield from _conv_norm("stem.conv", "layers.0", "layers.1")
    for block in _staged(net):
        _, stage, index = block.name.split(".")
        theirs = "layers" if stage == "0" else f"layers.{int(stage) + 7}.{index}.layers"
        for place, layer in enumerate(block.layers, 1 if stage == "0" else 0):
            name = f"{child_name(block.name)}.{layer.role}"
            yield from _conv_norm(name, f"{theirs}.{3 * place}", f"{theirs}.{3 * place + 1}")
    end = len(net.stages) + 7
    yield from _conv_norm("head.conv", f"layers.{end}", f"layers.{end + 1}")


def _resnet(net: Architecture) -> Pairs:
    """Both libraries' ResNet."""
    yield from _conv_norm("stem.conv", "conv1", "bn1")
    for block in _staged(net):
        _, stage, index = block.name.split(".")
        mine, theirs = child_name(block.name), f"layer{int(stage) + 1}.{index}"
        for number, layer in enumerate(block.layers, 1):
            if layer.role == "shortcut":
                yield from _conv_norm(f"{mine}.shortcut", f"{theirs}.downsample.0", f"{theirs}.downsample.1")
            else:
                yield from _conv_norm(
                    f"{mine}.branch.{layer.role}", f"{theirs}.conv{number}", f"{theirs}.bn{number}"
                )


NAMINGS: dict[str, Callable[[Architecture], Pairs]] = {
    "timm": _timm,
    "torchvision's EfficientNet": _torchvision,
    "torchvision's MobileNetV2": _torchvision_mobilenet_v2,
    "torchvision's MobileNetV3": _torchvision_mobilenet_v3,
    "torchvision's MNASNet": _torchvision_mnasnet,
    "ResNet": _resnet,
}
"""Of timm all that is built by its EfficientNet builder; ResNets are named alike in both libraries."""


def _staged(net: Architecture) -> Iterator[Block]:
    return (block for block in net.walk() if block.name.startswith("stages."))


def _conv_norm(mine: str, convolution: str, norm: str) -> Pairs:
    yield f"{mine}.0", convolution
    yield f"{mine}.1", norm
