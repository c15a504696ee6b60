"""Map timm's and torchvision's names of tensors to ours, to use their trained weights.

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

NamePairs = Iterator[tuple[str, str]]
"""Our names of modules with the library's names."""
_HEADS = ("classifier.", "classifier.1.", "fc.")


PREFIXES = ("module.", "_orig_mod.", "model.", "encoder.")
"""Prefixes that wrappers add to every name: DataParallel, torch.compile, and modules that hold the network."""
_AVERAGED = "n_averaged"
"""The counter of torch's AveragedModel, beside the tensors of its `module`."""


def without_prefix(tensors: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], str]:
    """Return the tensors without the common prefix of all their names, nested wrappers too, and that prefix."""
    remaining, prefix = {name: tensor for name, tensor in tensors.items() if name != _AVERAGED}, ""
    while remaining:
        wrapper = next(
            (candidate for candidate in PREFIXES if all(name.startswith(candidate) for name in remaining)), None
        )
        if wrapper is None:
            break
        remaining = {name.removeprefix(wrapper): tensor for name, tensor in remaining.items()}
        prefix += wrapper
    return remaining, prefix


def remap_state_dict(
    tensors: Mapping[str, Tensor], architecture: Architecture
) -> tuple[str, dict[str, Tensor]] | None:
    """Return the library, of `NAMINGS`, that named the tensors, and the tensors under our names.

    The tensors of the classifier are left out. The result is None where the names are neither library's. Shapes are
    not checked, and some of the architecture's tensors may be missing.
    """
    given_names = {
        name for name in tensors if not name.startswith(_HEADS) and not name.endswith("num_batches_tracked")
    }
    for library, name_pairs in NAMINGS.items():
        modules = {library_module: our_module for our_module, library_module in name_pairs(architecture)}
        remapped = {}
        for name in given_names:
            module, _, parameter = name.rpartition(".")
            if module in modules:
                remapped[f"{modules[module]}.{parameter}"] = tensors[name]
        if remapped and len(remapped) == len(given_names):
            return library, {
                name: tensor for name, tensor in remapped.items() if not name.startswith("classifier.")
            }
    return None


def _timm(net: Architecture) -> NamePairs:
    yield from _conv_bn_names("stem.conv", "conv_stem", "bn1")
    positions = {stage: (stage, 0) for stage in range(len(net.stages))}
    if net.head.hidden is None:
        yield from _conv_bn_names("head.conv", "conv_head", "bn2")
    else:
        positions = _mobilenet_v3_positions(net)
        last = f"blocks.{positions[len(net.stages) - 1][0] + 1}.0"
        yield from _conv_bn_names("head.conv", f"{last}.conv", f"{last}.bn1")
        yield "classifier.hidden.0", "conv_head"
    for block in _stage_blocks(net):
        _, stage, index = block.name.split(".")
        number, offset = positions[int(stage)]
        our_name, library_name = child_name(block.name), f"blocks.{number}.{offset + int(index)}"
        roles = [layer.role for layer in block.layers]
        convolutions = [role for role in roles if role not in ("squeeze", "excite")]
        for number, role in enumerate(convolutions, 1):
            layer_name = _timm_name(block, role, len(convolutions))
            yield from _conv_bn_names(
                f"{our_name}.{role}", f"{library_name}.{layer_name}", f"{library_name}.bn{number}"
            )
        yield f"{our_name}.gate.squeeze", f"{library_name}.se.conv_reduce"
        yield f"{our_name}.gate.excite", f"{library_name}.se.conv_expand"


def _mobilenet_v3_positions(net: Architecture) -> dict[int, tuple[int, int]]:
    """Return the position of each of our stages in timm's MobileNetV3: its list, and the blocks before it there.

    A list holds the blocks between two changes of the width or strides (`_gen_mobilenet_v3`).
    """
    positions: dict[int, tuple[int, int]] = {}
    number, offset, width = -1, 0, None
    for index, stage in enumerate(net.stages):
        if stage.stride > 1 or stage.width != width:
            number, offset, width = number + 1, 0, stage.width
        positions[index] = (number, offset)
        offset += stage.depth
    return positions


def _timm_name(block: Block, role: str, convolutions: int) -> str:
    """Return timm's name: a last 1×1 is `pwl` after another 1×1, and fused ones are named by what they do."""
    if convolutions == 1:
        return "conv"
    if role == "expand":
        return "conv_exp" if "fused" in block.kind else "conv_pw"
    if role == "depthwise":
        return "conv_dw"
    plain = block.kind != "fused_mbconv" and block.expansion == 1
    return "conv_pw" if plain else "conv_pwl"


def _torchvision(net: Architecture) -> NamePairs:
    """Yield the names of EfficientNet V1 and V2."""
    yield from _conv_bn_names("stem.conv", "features.0.0", "features.0.1")
    last = f"features.{len(net.stages) + 1}"
    yield from _conv_bn_names("head.conv", f"{last}.0", f"{last}.1")
    for block in _stage_blocks(net):
        _, stage, index = block.name.split(".")
        yield from _torchvision_block(block, f"features.{int(stage) + 1}.{index}.block")


def _torchvision_block(block: Block, library_name: str) -> NamePairs:
    """Yield the names of the layers of a block, which torchvision numbers; a gate counts as one layer.

    Args:
        block: a block of a stage.
        library_name: torchvision's name of the block.
    """
    our_name, position = child_name(block.name), 0
    for layer in block.layers:
        if layer.role == "squeeze":
            yield f"{our_name}.gate.squeeze", f"{library_name}.{position}.fc1"
            yield f"{our_name}.gate.excite", f"{library_name}.{position}.fc2"
        elif layer.role != "excite":
            yield from _conv_bn_names(
                f"{our_name}.{layer.role}", f"{library_name}.{position}.0", f"{library_name}.{position}.1"
            )
        position += layer.role != "excite"


def _torchvision_mobilenet_v3(net: Architecture) -> NamePairs:
    """Yield names like the EfficientNets', with all blocks in one sequence."""
    yield from _conv_bn_names("stem.conv", "features.0.0", "features.0.1")
    number = 0
    for number, block in enumerate(_stage_blocks(net), 1):
        yield from _torchvision_block(block, f"features.{number}.block")
    yield from _conv_bn_names("head.conv", f"features.{number + 1}.0", f"features.{number + 1}.1")


def _torchvision_mobilenet_v2(net: Architecture) -> NamePairs:
    yield from _conv_bn_names("stem.conv", "features.0.0", "features.0.1")
    number = 0
    for number, block in enumerate(_stage_blocks(net), 1):
        our_name, library_name = child_name(block.name), f"features.{number}.conv"
        *inner, last = (f"{our_name}.{layer.role}" for layer in block.layers)
        for position, name in enumerate(inner):
            yield from _conv_bn_names(name, f"{library_name}.{position}.0", f"{library_name}.{position}.1")
        yield from _conv_bn_names(last, f"{library_name}.{len(inner)}", f"{library_name}.{len(inner) + 1}")
    yield from _conv_bn_names("head.conv", f"features.{number + 1}.0", f"features.{number + 1}.1")


def _torchvision_mnasnet(net: Architecture) -> NamePairs:
    """Yield names of convolution, norm and ReLU in one sequence.

    The blocks of the first stage are part of it, each further stage is one entry.
    """
    yield from _conv_bn_names("stem.conv", "layers.0", "layers.1")
    for block in _stage_blocks(net):
        _, stage, index = block.name.split(".")
        library_name = "layers" if stage == "0" else f"layers.{int(stage) + 7}.{index}.layers"
        for position, layer in enumerate(block.layers, 1 if stage == "0" else 0):
            name = f"{child_name(block.name)}.{layer.role}"
            yield from _conv_bn_names(name, f"{library_name}.{3 * position}", f"{library_name}.{3 * position + 1}")
    end = len(net.stages) + 7
    yield from _conv_bn_names("head.conv", f"layers.{end}", f"layers.{end + 1}")


def _resnet(net: Architecture) -> NamePairs:
    """Yield the names of ResNet, which both libraries share."""
    yield from _conv_bn_names("stem.conv", "conv1", "bn1")
    for block in _stage_blocks(net):
        _, stage, index = block.name.split(".")
        our_name, library_name = child_name(block.name), f"layer{int(stage) + 1}.{index}"
        for number, layer in enumerate(block.layers, 1):
            if layer.role == "shortcut":
                yield from _conv_bn_names(
                    f"{our_name}.shortcut", f"{library_name}.downsample.0", f"{library_name}.downsample.1"
                )
            else:
                yield from _conv_bn_names(
                    f"{our_name}.branch.{layer.role}", f"{library_name}.conv{number}", f"{library_name}.bn{number}"
                )


NAMINGS: dict[str, Callable[[Architecture], NamePairs]] = {
    "timm": _timm,
    "torchvision's EfficientNet": _torchvision,
    "torchvision's MobileNetV2": _torchvision_mobilenet_v2,
    "torchvision's MobileNetV3": _torchvision_mobilenet_v3,
    "torchvision's MNASNet": _torchvision_mnasnet,
    "ResNet": _resnet,
}
"""Names by library: timm's are those of its EfficientNet builder, ResNets have the same names in both libraries."""


def _stage_blocks(net: Architecture) -> Iterator[Block]:
    return (block for block in net.walk() if block.name.startswith("stages."))


def _conv_bn_names(our_name: str, convolution: str, norm: str) -> NamePairs:
    yield f"{our_name}.0", convolution
    yield f"{our_name}.1", norm
