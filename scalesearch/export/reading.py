"""A definition for timm or torchvision → `Architecture`; the inverse of the two exports."""

from __future__ import annotations

from scalesearch.design.architecture import Architecture
from scalesearch.export.arguments import Arguments
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
    px = _resolution(definition)
    call = _network(definition)
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


def _resolution(definition: Definition) -> int:
    value = definition.names.get("input_size")
    if value is None:
        return _DEFAULT_PX
    arguments = Arguments(definition, Call(value.line, "input_size", (value,), {}), "input_size")
    channels, *sides = arguments.integers("input_size")
    if channels != 3 or len(sides) != 2 or sides[0] != sides[1]:
        raise arguments.refused(value.line, "input_size must be (3, px, px): square colour images")
    return sides[0]
