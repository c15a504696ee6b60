"""A definition for timm or torchvision → `Architecture`; the inverse of the two exports."""

from __future__ import annotations

from scalesearch.design.architecture import Architecture
from scalesearch.export.arguments import Arguments
from scalesearch.export.library_rules import COLOUR
from scalesearch.export.literals import Call, Definition, Items, Value, read_definition
from scalesearch.export.read_timm import read_timm
from scalesearch.export.read_torchvision import read_efficientnet, read_mobilenet, read_resnet

_NETWORKS = ("EfficientNet", "MobileNetV2", "ResNet")
_DEFAULT_PX = 224


def read_network(text: str, where: str) -> Architecture:
    """The network that a definition's literals describe.

    Understood are a call of timm's `EfficientNet`, torchvision's `EfficientNet` or `MobileNetV2`, or either's
    `ResNet`; and, without a call, a list `arch_def` of timm's strings beside a `dict(…)` of keywords, or a list
    of `MBConvConfig` rows. `input_size = (3, px, px)` gives the resolution, 224 where it is missing.

    Args:
        text: Python, which is parsed and never run.
        where: the name to begin error messages with, such as the file's path.

    Raises:
        InputError: anything else: one line, `where:line: reason`.
    """
    definition = read_definition(text, where)
    size = definition.names.get("input_size")
    channels, px = (COLOUR, _DEFAULT_PX) if size is None else _input_size(definition, size)
    network = _read(definition, _network(definition), px)
    if size is not None and channels != network.in_channels:
        raise definition.refused(
            size.line, f"input_size has {channels} channels, but the network takes {network.in_channels}"
        )
    return network


def _read(definition: Definition, call: Call, px: int) -> Architecture:
    if call.name == "MobileNetV2":
        return read_mobilenet(definition, call, px)
    if call.name == "ResNet":
        return read_resnet(definition, call, px)
    first = call.keywords.get("inverted_residual_setting", call.arguments[0] if call.arguments else None)
    if _has_configs(first):
        return read_efficientnet(definition, call, px)
    return read_timm(definition, call, px)


def _has_configs(value: Value | None) -> bool:
    return isinstance(value, Items) and any(isinstance(one, Call) for one in value.items)


def _network(definition: Definition) -> Call:
    """The one call of a network, or what stands for one."""
    calls = [call for call in definition.calls if call.name in _NETWORKS]
    if len(calls) > 1:
        raise definition.refused(calls[1].line, f"is a second network beside line {calls[0].line}; keep one")
    if calls:
        for other in definition.calls:
            if other is not calls[0] and _holds(other, calls[0]):
                raise definition.refused(
                    other.line, f"{other.name} takes the network, and is not followed; write the final network out"
                )
        return calls[0]
    keywords = [value for value in definition.names.values() if isinstance(value, Call) and value.name == "dict"]
    if len(keywords) > 1:
        raise definition.refused(keywords[1].line, f"is a second dict beside line {keywords[0].line}; keep one")
    given = dict(keywords[0].keywords) if keywords else {}
    rows = [value for value in definition.names.values() if _has_configs(value)]
    if "arch_def" in definition.names and "block_args" not in given:
        given["block_args"] = definition.names["arch_def"]
    elif rows and "inverted_residual_setting" not in given:
        given["inverted_residual_setting"] = rows[0]
    if not given.keys() & {"block_args", "inverted_residual_setting"}:
        raise definition.refused(
            1, "has no network: give arch_def = [[…]], MBConvConfig rows, or a call of EfficientNet or ResNet"
        )
    line = keywords[0].line if keywords else 1
    return Call(line, "EfficientNet", (), given)


def _holds(value: Value, network: Call) -> bool:
    """Whether a value has the network in it."""
    if isinstance(value, Items):
        inner: tuple[Value, ...] = value.items
    elif isinstance(value, Call):
        inner = (*value.arguments, *value.keywords.values())
    else:
        return False
    return any(one is network or _holds(one, network) for one in inner)


def _input_size(definition: Definition, value: Value) -> tuple[int, int]:
    """Channels and px of (channels, px, px)."""
    arguments = Arguments(definition, Call(value.line, "input_size", (value,), {}), "input_size")
    channels, *sides = arguments.integers("input_size")
    if len(sides) != 2 or sides[0] != sides[1]:  # height and width
        raise arguments.refused(value.line, "input_size must be (channels, px, px): square images")
    return channels, sides[0]
