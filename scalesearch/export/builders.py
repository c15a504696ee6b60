"""The classes of networks of timm and torchvision whose calls are read, each with its reader."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from scalesearch.design.architecture import Architecture
from scalesearch.design.images import ImageSize
from scalesearch.export import read_byobnet, read_regnet
from scalesearch.export.gates import GETTER
from scalesearch.export.read_convnext import read_convnext
from scalesearch.export.read_ghostnet import read_ghostnet
from scalesearch.export.read_resnet import read_resnet
from scalesearch.export.read_timm import read_timm
from scalesearch.export.read_torchvision import read_efficientnet, read_mobilenet
from scalesearch.export.torchvision_definition import CONFIGS
from scalesearch.export.values import Call, Definition, Items, Value


@dataclass(frozen=True, slots=True)
class Builder:
    """A builder is a class of networks in timm or torchvision, with the reader of its calls."""

    read: Callable[[Definition, Call, ImageSize], Architecture]
    """The function that returns the network of a call, for images of a size (px)."""
    parts: tuple[str, ...] = ()
    """The names of the library that the call's arguments may call."""


def has_configs(value: Value | None) -> bool:
    """Return whether a value is a list of rows that are calls, as torchvision's EfficientNet takes."""
    return isinstance(value, Items) and any(isinstance(item, Call) for item in value.items)


def _efficientnet(definition: Definition, call: Call, px: ImageSize) -> Architecture:
    """Return the network of either library's EfficientNet: torchvision's has rows, timm's has strings."""
    setting = call.keywords.get("inverted_residual_setting", call.arguments[0] if call.arguments else None)
    return (read_efficientnet if has_configs(setting) else read_timm)(definition, call, px)


_STRINGS = ("decode_arch_def",)
BUILDERS: dict[str, Builder] = {
    "EfficientNet": Builder(_efficientnet, (*CONFIGS.values(), *_STRINGS)),
    "MobileNetV2": Builder(read_mobilenet),
    "MobileNetV3": Builder(read_timm, _STRINGS),
    "ResNet": Builder(read_resnet, (GETTER,)),
    "RegNet": Builder(read_regnet.read_regnet, (read_regnet.CONFIG,)),
    "ConvNeXt": Builder(read_convnext),
    "GhostNet": Builder(read_ghostnet),
    "ByobNet": Builder(read_byobnet.read_byobnet, (read_byobnet.CONFIG, read_byobnet.BLOCK_CONFIG)),
}
"""The builders by the names of their classes."""
