"""Import of a definition for timm or torchvision as an `Architecture`; the inverse of the two exports."""

from __future__ import annotations

from collections.abc import Iterator

from scalesearch.design.architecture import Architecture
from scalesearch.design.images import ImageSize, image_size
from scalesearch.export.arguments import Arguments
from scalesearch.export.builders import BUILDERS, has_configs
from scalesearch.export.library_rules import COLOUR
from scalesearch.export.literals import read_definition
from scalesearch.export.values import Call, Definition, Items, Literal, Symbol, Value

_KNOWN_CALLS = {*BUILDERS, *(part for builder in BUILDERS.values() for part in builder.parts)}
_KNOWN_CALLS |= {"dict", "partial", "device"}
"""The names that may be called in a definition; any other call could change the network."""
_MOBILENET_KEYWORDS = ("se_layer", "se_from_exp", "head_bias", "head_norm")
"""The keywords that show that a bare list of strings may be of timm's MobileNetV3."""
_DEFAULT_PX = 224
"""The resolution if the text has no `input_size`."""


def read_network(text: str, source: str) -> Architecture:
    """Return the network that the literals of a definition describe.

    The definition is a call of timm's `EfficientNet`, `MobileNetV3`, `RegNet`, `ConvNeXt`, `GhostNet` or `ByobNet`,
    of torchvision's `EfficientNet` or `MobileNetV2`, or of either library's `ResNet` (`builders.BUILDERS`); nothing
    else may use or change it. Without such a call a list
    `arch_def` of timm's strings with a `dict(…)` of keywords, or a list of `MBConvConfig` rows, is read if the text
    holds nothing else. `input_size = (3, height, width)` gives the resolution; it is 224 if that is missing.

    Args:
        text: Python, which is parsed and never run.
        source: the name that error messages begin with, such as the file's path.

    Raises:
        InputError: the text holds anything else; one line, `where:line: reason`.
    """
    definition = read_definition(text, source)
    size = definition.names.get("input_size")
    channels, px = (COLOUR, _DEFAULT_PX) if size is None else _input_size(definition, size)
    call = _network_call(definition)
    network = BUILDERS[call.name].read(definition, call, px)
    for other in _calls(definition):
        if other.name not in _KNOWN_CALLS:
            raise definition.refused(other.line, f"{other.name}(…) is not followed; write the final network out")
    if size is not None and channels != network.in_channels:
        raise definition.refused(
            size.line, f"input_size has {channels} channels, but the network takes {network.in_channels}"
        )
    return network


def _calls(definition: Definition) -> list[Call]:
    return [value for value in definition.made if isinstance(value, Call)]


def _network_call(definition: Definition) -> Call:
    """Return the single call of a network, or the call that a bare list stands for."""
    calls = [call for call in _calls(definition) if call.name in BUILDERS]
    if not calls:
        return _call_of_list(definition)
    if len(calls) > 1:
        raise definition.refused(calls[1].line, f"is a second network beside line {calls[0].line}; keep one")
    for other in definition.made:
        if any(value is calls[0] for value in _parts(other)):
            user = other.name if isinstance(other, Call) else "a list"
            raise definition.refused(
                other.line, f"{user} takes the network, and is not followed; write the final network out"
            )
        if isinstance(other, Call) and other.name == "partial" and _names_network(other.arguments[:1]):
            raise definition.refused(other.line, f"is a second network beside line {calls[0].line}; keep one")
    return calls[0]


def _names_network(values: tuple[Value, ...]) -> bool:
    return any(isinstance(value, Symbol) and value.name in BUILDERS for value in values)


def _call_of_list(definition: Definition) -> Call:
    """Return the call of EfficientNet that a list and its keywords stand for; nothing else may be in the text."""
    keywords = [value for value in definition.names.values() if isinstance(value, Call) and value.name == "dict"]
    if len(keywords) > 1:
        raise definition.refused(keywords[1].line, f"is a second dict beside line {keywords[0].line}; keep one")
    arguments = dict(keywords[0].keywords) if keywords else {}
    rows = [value for value in definition.names.values() if has_configs(value)]
    if "arch_def" in definition.names and "block_args" not in arguments:
        arguments["block_args"] = definition.names["arch_def"]
    elif rows and "inverted_residual_setting" not in arguments:
        arguments["inverted_residual_setting"] = rows[0]
    if not arguments.keys() & {"block_args", "inverted_residual_setting"}:
        raise definition.refused(
            1, "has no network: give arch_def = [[…]], MBConvConfig rows, or a call of EfficientNet or ResNet"
        )
    for name, value in arguments.items():
        if name in _MOBILENET_KEYWORDS and not (isinstance(value, Literal) and value.value is None):
            raise definition.refused(
                value.line,
                f"{name} is not read beside a bare list, which stands for timm's EfficientNet; for a MobileNetV3 "
                f"write its call, MobileNetV3(block_args=…, {name}=…)",
            )
    size = [definition.names["input_size"]] if "input_size" in definition.names else []
    _check_nothing_else(definition, [*keywords, *arguments.values(), *size])
    line = keywords[0].line if keywords else 1
    return Call(line, "EfficientNet", (), arguments)


def _check_nothing_else(definition: Definition, values_read: list[Value]) -> None:
    """Refuse values besides those that are read, because they may be how the network is really built."""
    known_ids: set[int] = set()
    while values_read:
        value = values_read.pop()
        if id(value) not in known_ids:
            known_ids.add(id(value))
            values_read += _parts(value)
    names = {id(value): name for name, value in definition.names.items()}
    for value in (*definition.values, *_calls(definition)):
        if id(value) not in known_ids:
            label = f"{value.name}(…)" if isinstance(value, Call) else names.get(id(value), "this value")
            raise definition.refused(
                value.line,
                f"{label} is not read beside a bare list; write the call of EfficientNet with all its arguments, "
                "or leave this out",
            )


def _parts(value: Value) -> Iterator[Value]:
    """Yield the values that a list or a call directly contains."""
    if isinstance(value, Items):
        yield from value.items
    elif isinstance(value, Call):
        yield from value.arguments
        yield from value.keywords.values()


def _input_size(definition: Definition, value: Value) -> tuple[int, ImageSize]:
    """Return channels and px of (channels, height, width)."""
    arguments = Arguments(definition, Call(value.line, "input_size", (value,), {}), "input_size")
    channels, *sides = arguments.integers("input_size")
    if len(sides) != 2:  # height and width
        raise arguments.refused(value.line, "input_size must be (channels, height, width)")
    return channels, image_size(*sides)
